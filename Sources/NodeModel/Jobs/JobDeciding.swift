// SPDX-License-Identifier: Apache-2.0

// Source of the rules: kubernetes, pkg/controller/job/job_controller.go and backoff_utils.go; pkg/controller/ttlafterfinished.

extension Job {
    /// What is to be done now: the controller of Jobs, without a clock, a cache or a write.
    ///
    /// It can be asked at any time, and asked again it says the same. Differences to Kubernetes: `successPolicy` and limits
    /// for each index are not known; and a Job that was suspended for longer than `activeDeadlineSeconds` does not fail for
    /// that when it is resumed.
    /// - Parameters:
    ///   - pods: the pods of the Job, all that are there.
    ///   - now: the time.
    public func decision(with pods: [JobPod], at now: Timestamp) -> JobDecision {
        var sync = JobSync(job: self, pods: pods.sorted { $0.serial < $1.serial }, now: now)
        sync.run()
        return sync.decision
    }
}

/// One look at a Job.
struct JobSync {
    let job: Job
    let pods: [JobPod]
    let now: Timestamp
    var decision: JobDecision

    init(job: Job, pods: [JobPod], now: Timestamp) {
        self.job = job
        self.pods = pods
        self.now = now
        decision = JobDecision(status: job.status)
    }

    var status: JobStatus {
        get { decision.status }
        set { decision.status = newValue }
    }
    var spec: JobSpec { job.spec }
    var isIndexed: Bool { spec.completionMode == .indexed }
    var activePods: [JobPod] { pods.filter(\.isActive) }

    mutating func run() {
        if let finished = status.finished { return expire(finished) }
        let isResumed = !spec.suspend && status.isTrue(.suspended) != nil
        if isResumed || status.startTime == nil, !spec.suspend { status.startTime = now }
        count()
        // Pods that this look stops are counted where it decides to.
        status.active = Int32(activePods.count)
        status.ready = Int32(activePods.count { $0.isReady })
        status.terminating = Int32(pods.count { $0.isTerminating && !$0.hasEnded })

        var end = status.isTrue(.failureTarget) ?? status.isTrue(.successCriteriaMet) ?? failure()
        if let end {
            stop(activePods, isReleased: false)
            if end.type == .failureTarget { countAsFailed() }
        } else {
            manage()
            if isComplete {
                end = JobCondition(
                    .successCriteriaMet, reason: "CompletionsReached",
                    message: "Reached expected number of succeeded pods", since: now)
            } else {
                noteSuspension()
            }
        }
        if let end { finish(end) }
    }

    /// A Job ends in two steps, so that none is finished while pods of it run.
    private mutating func finish(_ end: JobCondition) {
        status.set(end)
        if status.active > 0 || status.terminating > 0 { return }
        let isComplete = end.type == .successCriteriaMet
        status.set(
            JobCondition(isComplete ? .complete : .failed, reason: end.reason, message: end.message, since: now))
        if isComplete { status.completionTime = now }
        decision.again = nil
        decision.events.append(
            isComplete
                ? JobDecision.Event(isWarning: false, reason: "Completed", message: "Job completed")
                : JobDecision.Event(isWarning: true, reason: end.reason, message: end.message))
        if let finished = status.finished { expire(finished) }
    }

    private mutating func expire(_ finished: JobCondition) {
        guard let seconds = spec.ttlSecondsAfterFinished else { return }
        let end = finished.lastTransitionTime + .seconds(Int64(seconds))
        decision.isExpired = end <= now
        if end > now { decision.again = end }
    }

    private var isComplete: Bool {
        if status.active > 0 { return false }
        guard let completions = spec.completions else { return status.succeeded > 0 }
        return status.succeeded >= completions
    }

    private mutating func noteSuspension() {
        let condition = JobCondition(
            .suspended, status: spec.suspend, reason: spec.suspend ? "JobSuspended" : "JobResumed",
            message: spec.suspend ? "Job suspended" : "Job resumed", since: now)
        if status.set(condition) {
            decision.events.append(
                JobDecision.Event(
                    isWarning: false, reason: spec.suspend ? "Suspended" : "Resumed", message: condition.message))
        }
    }

    /// Why the Job is to fail; nil when it goes on.
    private mutating func failure() -> JobCondition? {
        if let message = failJobMessage {
            return JobCondition(.failureTarget, reason: "PodFailurePolicy", message: message, since: now)
        }
        if status.failed > spec.backoffLimit || isRestartedTooOften {
            return JobCondition(
                .failureTarget, reason: "BackoffLimitExceeded",
                message: "Job has reached the specified backoff limit", since: now)
        }
        if let seconds = spec.activeDeadlineSeconds, let start = status.startTime, !spec.suspend {
            // More than 30,000 years are no deadline, and would not print.
            let deadline = start + .seconds(min(seconds, 1 << 40))
            if deadline <= now {
                return JobCondition(
                    .failureTarget, reason: "DeadlineExceeded",
                    message: "Job was active longer than specified deadline", since: now)
            }
            lookAgain(at: deadline)
        }
        return nil
    }

    private var failJobMessage: String? {
        for pod in pods where !pod.isReleased && isFailed(pod) {
            if let match = spec.podFailurePolicy?.match(pod, namespace: job.namespace), match.action == .failJob {
                return match.message
            }
        }
        return nil
    }

    /// Pods that start failed containers again by themselves never fail: their restarts count.
    private var isRestartedTooOften: Bool {
        guard spec.template.spec.restartPolicy == .onFailure else { return false }
        let restarts = pods.filter { !$0.hasEnded }.reduce(Int64(0)) { $0 + Int64($1.restarts) }
        return spec.backoffLimit == 0 ? restarts > 0 : restarts >= Int64(spec.backoffLimit)
    }

    mutating func lookAgain(at time: Timestamp) { decision.again = min(decision.again ?? time, time) }
}
