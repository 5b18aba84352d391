// SPDX-License-Identifier: Apache-2.0

// Source of the rules: kubernetes, pkg/apis/batch/validation/validation.go.

extension Job {
    /// What is wrong with a Job, by field, in the words of the Kubernetes API server.
    public var problems: [FieldError] { spec.problems(jobName: name) }
}

extension JobSpec {
    /// What is wrong with it.
    /// - Parameter jobName: the name of the Job, from which host names are made.
    func problems(jobName: String) -> [FieldError] {
        var problems: [FieldError] = []
        let numbers: [(String, Int64?)] = [
            ("parallelism", Int64(parallelism)), ("completions", completions.map(Int64.init)),
            ("activeDeadlineSeconds", activeDeadlineSeconds), ("backoffLimit", Int64(backoffLimit)),
            ("ttlSecondsAfterFinished", ttlSecondsAfterFinished.map(Int64.init)),
        ]
        for (name, number) in numbers {
            if let number, number < 0 { problems.append(.negative("spec.\(name)", number)) }
        }
        if completionMode == .indexed { problems += indexProblems(jobName) }
        problems += template.spec.resourceProblems(at: "spec.template.spec")
        problems += restartPolicyProblems
        if podFailurePolicy != nil, podReplacementPolicy != .failed {
            problems.append(.notSupported("spec.podReplacementPolicy", podReplacementPolicy.rawValue, ["Failed"]))
        }
        problems += failurePolicyProblems
        return problems
    }

    private static let parallelismLimit: Int32 = 100_000

    private func indexProblems(_ jobName: String) -> [FieldError] {
        var problems: [FieldError] = []
        if parallelism > Self.parallelismLimit {
            problems.append(
                FieldError(
                    "spec.parallelism", .invalid, value: "\(parallelism)",
                    "must be less than or equal to \(Self.parallelismLimit) when completion mode is Indexed"))
        }
        guard let completions else {
            problems.append(FieldError("spec.completions", .required, "when completion mode is Indexed"))
            return problems
        }
        // The highest index, without trapping on what is below zero.
        let host = "\(jobName)-\(max(completions, 1) - 1)"
        if completions > 0, host.utf8.count > 63 || host.utf8.contains(UInt8(ascii: ".")) {
            problems.append(
                FieldError(
                    "metadata.name", .invalid, value: "\"\(jobName)\"",
                    "will not able to create pod with invalid DNS label: \(host)"))
        }
        return problems
    }

    private var restartPolicyProblems: [FieldError] {
        let field = "spec.template.spec.restartPolicy"
        if template.spec.restartPolicy == .always {
            return [FieldError(field, .required, "valid values: \"OnFailure\", \"Never\"")]
        }
        if podFailurePolicy != nil, template.spec.restartPolicy != .never {
            return [
                FieldError(
                    field, .invalid, value: "\"\(template.spec.restartPolicy.rawValue)\"",
                    "only \"Never\" is supported when podFailurePolicy is specified")
            ]
        }
        return []
    }

    private var failurePolicyProblems: [FieldError] {
        let containers = Set((template.spec.initContainers + template.spec.containers).map(\.name))
        var problems: [FieldError] = []
        let path = "spec.podFailurePolicy.rules"
        for (index, rule) in (podFailurePolicy?.rules ?? []).enumerated() {
            if rule.action == .failIndex, otherFields["backoffLimitPerIndex"] == nil {
                problems.append(
                    FieldError(
                        "\(path)[\(index)].action", .invalid, value: "\"FailIndex\"",
                        "requires the backoffLimitPerIndex to be set"))
            }
            if (rule.onExitCodes == nil) == rule.onPodConditions.isEmpty {
                problems.append(
                    FieldError(
                        "\(path)[\(index)]", .invalid,
                        rule.onExitCodes == nil
                            ? "specifying one of OnExitCodes and OnPodConditions is required"
                            : "specifying both OnExitCodes and OnPodConditions is not supported"))
            }
            if let name = rule.onExitCodes?.containerName, !containers.contains(name) {
                problems.append(
                    FieldError(
                        "\(path)[\(index)].onExitCodes.containerName", .invalid, value: "\"\(name)\"",
                        "must be one of the container or initContainer names in the pod template"))
            }
            problems += exitCodeProblems(rule.onExitCodes, at: "\(path)[\(index)].onExitCodes.values")
        }
        return problems
    }

    private func exitCodeProblems(_ codes: PodFailurePolicy.ExitCodes?, at path: String) -> [FieldError] {
        guard let codes else { return [] }
        if codes.values.isEmpty { return [FieldError(path, .invalid, value: "[]", "at least one value is required")] }
        var problems: [FieldError] = []
        for (index, value) in codes.values.enumerated() {
            if value == 0, codes.comparison == .isIn {
                problems.append(
                    FieldError("\(path)[\(index)]", .invalid, value: "0", "must not be 0 for the In operator"))
            }
            if index > 0, codes.values[index - 1] >= value {
                problems.append(FieldError(path, .invalid, "must be ordered and without duplicates"))
                break
            }
        }
        return problems
    }
}
