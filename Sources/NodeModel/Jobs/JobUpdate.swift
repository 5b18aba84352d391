// SPDX-License-Identifier: Apache-2.0

/// What of a Job may be changed, and when.
///
/// A Job that is suspended may be given other requests and limits, and other directives about where its pods are to run,
/// as long as none of its pods is active (KEP-5440, beta and on in Kubernetes 1.36). It may be resumed by the same change.
///
/// Source: KEP-5440; kubernetes, pkg/registry/batch/job/strategy.go and pkg/apis/batch/validation/validation.go. Stricter in
/// two things that blog and KEP do not name but the code lets through: a container's `resources.claims`, and what the
/// template's metadata holds beside labels and annotations.
public struct JobUpdateRules: Hashable, Sendable {
    /// Whether requests and limits of a suspended Job may be changed (`MutablePodResourcesForSuspendedJobs`).
    public var allowsResources: Bool
    /// Whether scheduling directives of a suspended Job may be changed (`MutableSchedulingDirectivesForSuspendedJobs`):
    /// node affinity, node selector, tolerations, scheduling gates, labels and annotations of the pods. Without it they may
    /// until the Job starts for the first time.
    public var allowsSchedulingOfStarted: Bool

    /// The rules of Kubernetes 1.36.
    public init(allowsResources: Bool = true, allowsSchedulingOfStarted: Bool = true) {
        self.allowsResources = allowsResources
        self.allowsSchedulingOfStarted = allowsSchedulingOfStarted
    }

    /// What is wrong with a change of a Job; nothing when it is accepted.
    ///
    /// The uid and the status stay those of the old Job, whatever the new one says.
    /// - Parameters:
    ///   - old: the Job as it is, with its status.
    ///   - new: what it is to ask for.
    public func problems(changing old: Job, to new: JobSpec) -> [FieldError] {
        var problems = new.problems(jobName: old.name)
        problems += completionsProblem(old.spec, new)
        problems += templateProblems(old, new)
        if old.spec.completionMode != new.completionMode {
            problems.append(.immutable("spec.completionMode", value: "\"\(new.completionMode.rawValue)\""))
        }
        if old.spec.podFailurePolicy != new.podFailurePolicy { problems.append(.immutable("spec.podFailurePolicy")) }
        for path in new.otherFields.changes(from: old.spec.otherFields, at: "spec") {
            problems.append(.immutable(path))
        }
        return problems
    }

    /// The Job after a change.
    /// - Parameters:
    ///   - old: the Job as it is.
    ///   - new: what it is to ask for.
    /// - Returns: the Job with its uid and its status, or what is wrong with the change; then the old one stays in force.
    public func change(_ old: Job, to new: JobSpec) -> JobChange {
        let problems = problems(changing: old, to: new)
        if !problems.isEmpty { return .rejected(problems) }
        var job = old
        job.spec = new
        return .accepted(job)
    }

    /// Whether no pod of the Job can be running, by what the API has of it.
    private func isAtRest(_ job: Job) -> Bool {
        job.spec.suspend && job.status.active == 0
            && (job.status.startTime == nil || job.status.isTrue(.suspended) != nil)
    }

    private func completionsProblem(_ old: JobSpec, _ new: JobSpec) -> [FieldError] {
        if old.completions == new.completions { return [] }
        let value = new.completions.map { "\($0)" } ?? "null"
        guard new.completionMode == .indexed else { return [.immutable("spec.completions", value: value)] }
        guard let completions = new.completions, completions != new.parallelism else { return [] }
        return [
            FieldError(
                "spec.completions", .invalid, value: value, "can only be modified in tandem with spec.parallelism")
        ]
    }

    private func templateProblems(_ old: Job, _ new: JobSpec) -> [FieldError] {
        let isAtRest = isAtRest(old)
        let isUnstarted = old.spec.suspend && old.status.startTime == nil
        var expected = old.spec.template
        if isUnstarted || isAtRest && allowsSchedulingOfStarted { expected.takeScheduling(from: new.template) }
        guard isAtRest, allowsResources else {
            return problem("spec.template", new.template.changes(from: expected))
        }
        expected.takeResources(from: new.template)
        let changes = new.template.changes(from: expected)
        let (inSpec, beside) = (changes.filter { $0.hasPrefix(Self.spec) }, changes.filter { !$0.hasPrefix(Self.spec) })
        return problem(Self.spec, inSpec) + problem("spec.template", beside)
    }

    private static let spec = "spec.template.spec"

    private func problem(_ field: String, _ changes: [String]) -> [FieldError] {
        changes.isEmpty ? [] : [.immutable(field, changes: changes)]
    }
}

/// What came of a change.
public enum JobChange: Hashable, Sendable {
    /// The Job is this one now.
    case accepted(Job)
    /// The Job stays as it was, for these reasons.
    case rejected([FieldError])
}
