// SPDX-License-Identifier: Apache-2.0

/// The end of a container as it is asked for: a signal to stop, and after a grace period the kill.
///
/// Source: Kubernetes, concepts/workloads/pods/pod-lifecycle, Pod Termination.
public struct Termination: Hashable, Sendable {
    /// When it was asked for.
    public let askedAt: Timestamp
    /// When what still runs is killed.
    public private(set) var killTime: Timestamp
    /// Whether the signal to stop was sent.
    public private(set) var isSignalled = false

    /// A request to stop.
    /// - Parameters:
    ///   - now: the time.
    ///   - gracePeriod: how long the container has; zero kills at once.
    public init(at now: Timestamp, gracePeriod: Duration) {
        askedAt = now
        killTime = now + max(.zero, gracePeriod)
    }

    /// What is to be done.
    public enum Step: Hashable, Sendable {
        /// Send the signal to stop.
        case signal
        /// Wait until a time.
        case wait(until: Timestamp)
        /// Kill.
        case kill
    }

    /// What is to be done now.
    public func step(at now: Timestamp) -> Step {
        if killTime <= now { return .kill }
        return isSignalled ? .wait(until: killTime) : .signal
    }

    /// The signal to stop was sent.
    public mutating func signalled() { isSignalled = true }

    /// It is asked for again. That makes the time shorter, never longer.
    public mutating func hasten(to gracePeriod: Duration, at now: Timestamp) {
        killTime = min(killTime, now + max(.zero, gracePeriod))
    }
}
