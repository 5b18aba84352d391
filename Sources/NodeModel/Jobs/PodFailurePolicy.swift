// SPDX-License-Identifier: Apache-2.0

/// What failed pods of a Job mean: the first rule that matches decides, and none is one failure more.
///
/// Source: KEP-3329; kubernetes, pkg/controller/job/pod_failure_policy.go.
public struct PodFailurePolicy: Hashable, Sendable {
    /// What a rule does.
    public enum Action: String, Hashable, Sendable, CaseIterable {
        /// The Job has failed.
        case failJob = "FailJob"
        /// The index has failed; needs `backoffLimitPerIndex`.
        case failIndex = "FailIndex"
        /// The failure does not count.
        case ignore = "Ignore"
        /// The failure counts.
        case count = "Count"
    }
    /// How exit codes are compared.
    public enum Operator: String, Hashable, Sendable, CaseIterable {
        /// The code is one of them.
        case isIn = "In"
        /// The code is none of them.
        case isNotIn = "NotIn"
    }
    /// Containers that ended in a certain way. Exit code 0 never matches.
    public struct ExitCodes: Hashable, Sendable {
        /// The container; nil for any.
        public var containerName: String?
        /// How codes are compared.
        public var comparison: Operator
        /// The codes.
        public var values: [Int32]

        /// A requirement.
        public init(containerName: String? = nil, _ comparison: Operator, _ values: [Int32]) {
            self.containerName = containerName
            self.comparison = comparison
            self.values = values
        }
    }
    /// A condition of a pod.
    public struct PodCondition: Hashable, Sendable {
        /// The type, such as `DisruptionTarget`.
        public var type: String
        /// `True`, `False` or `Unknown`.
        public var status: String

        /// A requirement.
        public init(type: String, status: String = "True") {
            self.type = type
            self.status = status
        }
    }
    /// A rule: it asks for exit codes or for conditions, of which one is enough.
    public struct Rule: Hashable, Sendable {
        /// What it does.
        public var action: Action
        /// The exit codes it asks for.
        public var onExitCodes: ExitCodes?
        /// The conditions it asks for.
        public var onPodConditions: [PodCondition]

        /// A rule.
        public init(_ action: Action, onExitCodes: ExitCodes? = nil, onPodConditions: [PodCondition] = []) {
            self.action = action
            self.onExitCodes = onExitCodes
            self.onPodConditions = onPodConditions
        }
    }

    /// The rules, in order.
    public var rules: [Rule]

    /// A policy.
    public init(rules: [Rule]) { self.rules = rules }

    /// The rule that decides on a failed pod.
    /// - Parameters:
    ///   - pod: the pod.
    ///   - namespace: where it is, for the message.
    /// - Returns: what it does, and why in Kubernetes' words; nil when no rule matches.
    public func match(_ pod: JobPod, namespace: String) -> (action: Action, message: String)? {
        for (index, rule) in rules.enumerated() {
            if let codes = rule.onExitCodes {
                if let exit = pod.exits.first(where: { codes.matches($0) }) {
                    return (
                        rule.action,
                        "Container \(exit.container) for pod \(namespace)/\(pod.name) failed with exit code \(exit.code) "
                            + "matching \(rule.action.rawValue) rule at index \(index)"
                    )
                }
            } else if let condition = rule.onPodConditions.first(where: { pod.conditions[$0.type] == $0.status }) {
                return (
                    rule.action,
                    "Pod \(namespace)/\(pod.name) has condition \(condition.type) matching \(rule.action.rawValue) rule "
                        + "at index \(index)"
                )
            }
        }
        return nil
    }
}

extension PodFailurePolicy.ExitCodes {
    fileprivate func matches(_ exit: JobPod.Exit) -> Bool {
        guard exit.code != 0, containerName == nil || containerName == exit.container else { return false }
        return values.contains(exit.code) == (comparison == .isIn)
    }
}
