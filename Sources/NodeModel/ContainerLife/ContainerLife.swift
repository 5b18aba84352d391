// SPDX-License-Identifier: Apache-2.0

/// One container of a pod from its first start to its last end: when it is started, asked, stopped and killed.
///
/// What happened is told (``started(at:)``, ``ended(_:at:)``, …); what is to be done is asked (``step(at:)``). Whoever does it
/// tells that it is done.
public struct ContainerLife: Hashable, Sendable {
    /// Where it is.
    public enum State: Hashable, Sendable {
        /// Not started yet, or not since it ended.
        case waiting
        /// Running.
        case running(since: Timestamp)
        /// Running, and asked to end.
        case stopping(since: Timestamp, Termination)
        /// Ended, at a time, with an exit code: 128 + n for signal n.
        case ended(at: Timestamp, code: Int32)
    }

    /// The name.
    public let name: String
    /// What becomes of it when it ends.
    public let restartPolicy: RestartPolicy
    /// Where it is.
    public private(set) var state: State = .waiting
    /// How often it was started again.
    public private(set) var restartCount = 0
    /// The wait before it is started again.
    public private(set) var backoff: CrashLoopBackoff
    /// What is asked of it.
    public private(set) var probes: ContainerProbes

    private let gracePeriod: Duration
    /// A container that is stopped for a probe is started again whatever its exit code, unless it never is.
    private var isStoppedByProbe = false
    /// The pod ends: nothing is started any more.
    private var isFinal = false

    /// A container that was not started yet.
    /// - Parameters:
    ///   - container: the container.
    ///   - restartPolicy: what becomes of it when it ends; of an init container, ``initPolicy(of:in:)``.
    ///   - gracePeriod: how long it has when it is stopped.
    ///   - backoff: how long it waits before it is started again.
    public init(
        _ container: Container, restartPolicy: RestartPolicy, gracePeriod: Duration = .seconds(30),
        backoff: CrashLoopBackoff = CrashLoopBackoff()
    ) {
        name = container.name
        self.restartPolicy = restartPolicy
        self.gracePeriod = gracePeriod
        self.backoff = backoff
        probes = ContainerProbes(container)
    }

    /// What becomes of an init container that ends: it is not started again when it succeeded, unless it is a sidecar.
    public static func initPolicy(of container: Container, in spec: PodSpec) -> RestartPolicy {
        if container.isSidecar { return .always }
        return spec.restartPolicy == .never ? .never : .onFailure
    }

    /// Whether it runs.
    public var isRunning: Bool {
        switch state {
        case .running, .stopping: true
        case .waiting, .ended: false
        }
    }

    /// Whether it has ended and is not started again.
    public var isFinished: Bool {
        if case .ended(_, let code) = state { return !isRestarted(after: code) }
        return isFinal && state == .waiting
    }

    /// Whether it has ended for good, and well.
    public var hasSucceeded: Bool {
        if case .ended(_, code: 0) = state { isFinished } else { false }
    }

    private func isRestarted(after code: Int32) -> Bool {
        if isFinal || restartPolicy == .never { return false }
        return restartPolicy == .always || code != 0 || isStoppedByProbe
    }

    /// What is to be done.
    public enum Step: Hashable, Sendable {
        /// Start it.
        case start
        /// Ask these probes.
        case ask([ProbeKind])
        /// Send the signal to stop.
        case signal
        /// Kill it.
        case kill
        /// Nothing until a time; nil for until something happens.
        case wait(until: Timestamp?)
        /// Nothing any more.
        case nothing
    }

    /// What is to be done now.
    public func step(at now: Timestamp) -> Step {
        switch state {
        case .waiting: return isFinal ? .nothing : .start
        case .ended(let end, let code):
            guard isRestarted(after: code) else { return .nothing }
            let time = backoff.restartTime(endedAt: end)
            return time <= now ? .start : .wait(until: time)
        case .running: return ask(at: now) ?? .wait(until: probes.nextTime)
        case .stopping(_, let termination):
            switch termination.step(at: now) {
            case .signal: return .signal
            case .kill: return .kill
            case .wait(let until):
                return ask(at: now) ?? .wait(until: min(until, probes.nextTime ?? until))
            }
        }
    }

    private func ask(at now: Timestamp) -> Step? {
        let due = probes.due(at: now)
        return due.isEmpty ? nil : .ask(due)
    }

    /// It was started.
    public mutating func started(at now: Timestamp) {
        if case .ended(let end, _) = state {
            backoff.restarted(endedAt: end, at: now)
            restartCount += 1
        }
        isStoppedByProbe = false
        state = .running(since: now)
        probes.begin(at: now)
    }

    /// It runs since before this was made: an agent that starts finds it so.
    /// - Parameters:
    ///   - time: since when it runs.
    ///   - restartCount: how often it was started again.
    ///   - backoff: the wait that was reached.
    ///   - hasStarted: whether its startup probe was answered well before.
    public mutating func adopted(
        startedAt time: Timestamp, restartCount: Int, backoff: CrashLoopBackoff, hasStarted: Bool
    ) {
        state = .running(since: time)
        self.restartCount = restartCount
        self.backoff = backoff
        probes.begin(at: time, isKnownToHaveStarted: hasStarted)
    }

    /// It does not run, and was not started since it ended last: an agent that starts finds it so.
    /// - Parameters:
    ///   - restartCount: how often it was started again.
    ///   - backoff: the wait that was reached.
    public mutating func restored(restartCount: Int, backoff: CrashLoopBackoff) {
        self.restartCount = restartCount
        self.backoff = backoff
    }

    /// It could not be started, which counts as an end.
    public mutating func startFailed(at now: Timestamp) {
        started(at: now)
        ended(128, at: now)
    }

    /// It ended.
    /// - Parameters:
    ///   - code: the exit code; 128 + n for signal n.
    ///   - now: the time.
    public mutating func ended(_ code: Int32, at now: Timestamp) {
        state = .ended(at: now, code: code)
        probes.ended()
    }

    /// A probe was answered.
    /// - Parameters:
    ///   - kind: which.
    ///   - isGood: whether well; nil when it could not be asked.
    ///   - asked: when it was asked, which is what the next one is counted from; nil for now.
    ///   - now: the time, from which a container that is to end has its grace period.
    public mutating func answered(
        _ kind: ProbeKind, _ isGood: Bool?, askedAt asked: Timestamp? = nil, at now: Timestamp
    ) {
        guard probes.answered(kind, isGood, at: asked ?? now), case .running(let since) = state else { return }
        isStoppedByProbe = true
        probes.stopping()
        let grace = probes[kind]?.probe.terminationGracePeriod ?? gracePeriod
        state = .stopping(since: since, Termination(at: now, gracePeriod: grace))
    }

    /// The signal to stop was sent.
    public mutating func signalled() {
        guard case .stopping(let since, var termination) = state else { return }
        termination.signalled()
        state = .stopping(since: since, termination)
    }

    /// It is to end for good.
    /// - Parameters:
    ///   - now: the time.
    ///   - gracePeriod: how long it has; nil for what it has anyway.
    public mutating func stop(at now: Timestamp, gracePeriod: Duration? = nil) {
        isFinal = true
        probes.stopping()
        switch state {
        case .running(let since):
            state = .stopping(since: since, Termination(at: now, gracePeriod: gracePeriod ?? self.gracePeriod))
        case .stopping(let since, var termination):
            termination.hasten(to: gracePeriod ?? self.gracePeriod, at: now)
            state = .stopping(since: since, termination)
        case .waiting, .ended: break
        }
    }
}
