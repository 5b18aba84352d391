// SPDX-License-Identifier: Apache-2.0

/// One probe of one container: when it is asked next, and what its answers come to.
///
/// Source: kubernetes, pkg/kubelet/prober/worker.go. Unlike there, answers of a container do not count for the one that
/// follows it, and the period begins with the container, not with the agent: both make the outcome follow from the
/// container alone.
public struct ProbeState: Hashable, Sendable {
    /// What the answers are good for.
    public let kind: ProbeKind
    /// The question.
    public let probe: Probe
    /// Whether it counts as answered well; nil for a startup probe that was answered neither way.
    public private(set) var isPassing: Bool?
    /// When it is asked next; nil for never again, or not for this container.
    public private(set) var nextTime: Timestamp?

    private var lastAnswer: Bool?
    private var run = 0

    /// A probe of a container that is about to start.
    /// - Parameters:
    ///   - kind: what the answers are good for.
    ///   - probe: the question.
    public init(_ kind: ProbeKind, _ probe: Probe) {
        self.kind = kind
        self.probe = probe
        isPassing = Self.initial(kind)
    }

    private static func initial(_ kind: ProbeKind) -> Bool? {
        switch kind {
        case .startup: nil
        case .liveness: true
        case .readiness: false
        }
    }

    /// A container started.
    /// - Parameters:
    ///   - time: when.
    ///   - asking: from when on it may be asked, if later; nil for as soon as the initial delay is over.
    mutating func begin(at time: Timestamp, asking: Timestamp? = nil) {
        self = ProbeState(kind, probe)
        nextTime = max(time + probe.initialDelay, asking ?? time)
    }

    /// It was answered well before, and is not asked any more.
    mutating func pass() {
        nextTime = nil
        isPassing = true
    }

    /// It is not asked any more.
    mutating func end() { nextTime = nil }

    /// The container ended: nothing that is not running is ready, or alive.
    mutating func fail() {
        nextTime = nil
        isPassing = false
    }

    /// It was answered.
    /// - Parameters:
    ///   - isGood: whether well; nil when it could not be asked, which counts for nothing.
    ///   - time: when it was asked.
    /// - Returns: whether the container is to be stopped for it.
    mutating func answered(_ isGood: Bool?, at time: Timestamp) -> Bool {
        guard nextTime != nil else { return false }
        // At least a moment, so that a period of zero is no endless loop.
        nextTime = time + max(probe.period, .milliseconds(1))
        guard let isGood else { return false }
        run = lastAnswer == isGood ? run + 1 : 1
        lastAnswer = isGood
        if run < (isGood ? probe.successThreshold : probe.failureThreshold) { return false }
        isPassing = isGood
        if kind == .readiness || isGood {
            if kind == .startup { nextTime = nil }
            return false
        }
        // Asking a container that is being stopped tells nothing.
        nextTime = nil
        return true
    }
}
