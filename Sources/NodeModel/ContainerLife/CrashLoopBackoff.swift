// SPDX-License-Identifier: Apache-2.0

/// How long a container that ended waits before it is started again: not at all the first time, then 10 s, and twice as long
/// each time, at most 5 minutes. One that ran for more than 10 minutes begins again.
///
/// Source: kubernetes, pkg/kubelet/kuberuntime/kuberuntime_manager.go (doBackOff) and client-go, util/flowcontrol/backoff.go.
public struct CrashLoopBackoff: Hashable, Sendable, Codable {
    /// The first wait.
    public let initial: Duration
    /// The longest wait (`crashLoopBackOff.maxContainerRestartPeriod`).
    public let limit: Duration
    /// The wait after the next end; nil for none.
    public private(set) var delay: Duration?
    private var restartedAt: Timestamp?

    /// Nothing ended yet.
    public init(initial: Duration = .seconds(10), limit: Duration = .seconds(300)) {
        self.initial = min(initial, limit)
        self.limit = limit
    }

    /// When a container that ended may be started again.
    public func restartTime(endedAt end: Timestamp) -> Timestamp {
        guard let delay, !isForgotten(by: end) else { return end }
        return end + delay
    }

    /// A container that ended is started again.
    /// - Parameters:
    ///   - end: when it ended.
    ///   - now: the time.
    public mutating func restarted(endedAt end: Timestamp, at now: Timestamp) {
        if let delay, !isForgotten(by: end) { self.delay = delay.doubled(upTo: limit) } else { delay = initial }
        restartedAt = now
    }

    private func isForgotten(by end: Timestamp) -> Bool { restartedAt.map { end - $0 > limit * 2 } ?? true }
}
