// SPDX-License-Identifier: Apache-2.0

extension JobSync {
    /// Whether a pod is a failure. One that somebody stops is one, too, unless it is replaced only when it has ended.
    func isFailed(_ pod: JobPod) -> Bool {
        if pod.phase == .failed { return true }
        return spec.podReplacementPolicy == .terminatingOrFailed && pod.isTerminating && pod.phase != .succeeded
    }

    /// Whether a pod has a place in the Job: in an Indexed one, an index that there is.
    func isValid(_ pod: JobPod) -> Bool {
        guard isIndexed else { return true }
        guard let index = pod.index, let completions = spec.completions else { return false }
        return index >= 0 && index < completions
    }

    /// Puts pods that ended into the counters, each once.
    mutating func count() {
        let present = Set(pods.map(\.uid))
        status.counted.formIntersection(present)
        let new = pods.filter { !$0.isReleased && isValid($0) && !status.counted.contains($0.uid) }
        let succeeded = new.filter { $0.phase == .succeeded }
        let failed = new.filter { isFailed($0) }
        status.counted.formUnion((succeeded + failed).map(\.uid))
        if isIndexed {
            for pod in succeeded { if let index = pod.index { status.completedIndexes.insert(index) } }
            status.completedIndexes = status.completedIndexes.below(spec.completions ?? 0)
            status.succeeded = Int32(clamping: status.completedIndexes.count)
        } else {
            status.succeeded = sum(status.succeeded, succeeded.count)
        }
        status.failed = sum(status.failed, failed.count { counts($0) })
        noteBackoff(succeeded, failed)
    }

    /// A Job that fails takes every pod that has not ended with it.
    mutating func countAsFailed() {
        for pod in pods where !pod.hasEnded && !pod.isReleased && isValid(pod) {
            if status.counted.insert(pod.uid).inserted, counts(pod) { status.failed = sum(status.failed, 1) }
        }
    }

    private func counts(_ pod: JobPod) -> Bool {
        spec.podFailurePolicy?.match(pod, namespace: job.namespace)?.action != .ignore
    }

    /// Failures after the last success put off the next pod.
    private mutating func noteBackoff(_ succeeded: [JobPod], _ failed: [JobPod]) {
        let failures = failed.map { $0.finishedAt ?? now }
        guard let success = succeeded.map({ $0.finishedAt ?? now }).max() else {
            status.consecutiveFailures = sum(status.consecutiveFailures, failures.count)
            status.lastFailureTime = failures.max() ?? status.lastFailureTime
            return
        }
        let after = failures.filter { $0 > success }
        status.consecutiveFailures = Int32(after.count)
        status.lastFailureTime = after.max()
    }

    /// When the next pod may be made: 10 s after the first failure, twice as long after each further one, at most 10
    /// minutes.
    var backoffEnd: Timestamp? {
        guard status.consecutiveFailures > 0, let last = status.lastFailureTime else { return nil }
        var delay = Duration.seconds(10)
        for _ in 1..<min(status.consecutiveFailures, 10) { delay = delay.doubled(upTo: .seconds(600)) }
        // A clock that was set back is no reason to wait for longer.
        return min(last, now) + delay
    }
}

/// The sum, at most what fits: a status that was read can hold anything.
private func sum(_ count: Int32, _ more: Int) -> Int32 { Int32(clamping: Int64(count) + Int64(more)) }
