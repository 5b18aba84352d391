// SPDX-License-Identifier: Apache-2.0

/// The probes of one container together: which of them is asked when, and whether the container has started and is ready.
public struct ContainerProbes: Hashable, Sendable {
    private var states: [ProbeState]
    private var startedAt: Timestamp?

    /// The probes of a container.
    public init(_ container: Container) {
        let probes: [(ProbeKind, Probe?)] = [
            (.startup, container.startupProbe), (.liveness, container.livenessProbe),
            (.readiness, container.readinessProbe),
        ]
        states = probes.compactMap { kind, probe in probe.map { ProbeState(kind, $0) } }
    }

    /// One of them.
    public subscript(_ kind: ProbeKind) -> ProbeState? { states.first { $0.kind == kind } }

    /// Whether the container has started: its startup probe, if any, was answered well.
    public var hasStarted: Bool { startedAt != nil && (self[.startup].map { $0.isPassing == true } ?? true) }

    /// Whether the container is ready: it has started, and its readiness probe, if any, is answered well.
    public var isReady: Bool { hasStarted && (self[.readiness]?.isPassing ?? true) }

    /// When the next of them is to be asked; nil for none.
    public var nextTime: Timestamp? { states.compactMap(\.nextTime).min() }

    /// Those that are to be asked by now.
    public func due(at now: Timestamp) -> [ProbeKind] {
        states.filter { state in state.nextTime.map { $0 <= now } ?? false }.map(\.kind)
    }

    /// The container started.
    /// - Parameters:
    ///   - time: when.
    ///   - isKnownToHaveStarted: whether its startup probe was answered well before, as for one that is adopted.
    mutating func begin(at time: Timestamp, isKnownToHaveStarted: Bool = false) {
        startedAt = time
        let waits = self[.startup] != nil && !isKnownToHaveStarted
        for index in states.indices {
            if states[index].kind == .startup {
                states[index].begin(at: time)
                if isKnownToHaveStarted { states[index].pass() }
            } else {
                states[index].begin(at: time)
                if waits { states[index].end() }
            }
        }
    }

    /// A probe was answered.
    /// - Returns: whether the container is to be stopped for it.
    mutating func answered(_ kind: ProbeKind, _ isGood: Bool?, at time: Timestamp) -> Bool {
        guard let index = states.firstIndex(where: { $0.kind == kind }), let startedAt else { return false }
        let hadStarted = hasStarted
        let isFailed = states[index].answered(isGood, at: time)
        if hasStarted, !hadStarted {
            for index in states.indices where states[index].kind != .startup {
                states[index].begin(at: startedAt, asking: time)
            }
        }
        return isFailed
    }

    /// The container is to be stopped: whether it is alive is nobody's question any more. Whether it is ready is.
    mutating func stopping() {
        for index in states.indices where states[index].kind != .readiness { states[index].end() }
    }

    /// The container ended.
    mutating func ended() {
        startedAt = nil
        for index in states.indices { states[index].fail() }
    }
}
