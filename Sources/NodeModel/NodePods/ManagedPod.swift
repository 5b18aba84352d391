// SPDX-License-Identifier: Apache-2.0

/// A pod in the hands of an agent: its life, and the record that says at least as much.
///
/// ``operations(at:holding:)`` are to be done in their order, each only when those before it are done: a record is on disk before
/// what it announces. What happens is told, and changes both; each operation that was asked for is told before the next ones
/// are asked. Where a record cannot be written, ``writeFailed()`` tells: what it announces is not to be done then, unless it
/// ends what runs.
public struct ManagedPod: Hashable, Sendable {
    /// What is to be done.
    public enum Operation: Hashable, Sendable {
        /// Write the record, whole or not at all.
        case write(PodRecord)
        /// Make the container's control group anew and start it there.
        case start(container: String, attempt: Int)
        /// Send the signal to stop.
        case signal(container: String)
        /// Kill the container's control group.
        case kill(container: String)
        /// Ask probes.
        case ask(container: String, [ProbeKind])
    }

    /// What was written, or is to be.
    public private(set) var record: PodRecord
    /// Its containers.
    public private(set) var life: PodLife
    /// Containers that run and must not: no start of them was written down, or their end was.
    public private(set) var strays: Set<String> = []
    private var isWritten = false

    /// A pod that begins.
    /// - Parameters:
    ///   - version: which.
    ///   - spec: what it is.
    ///   - backoff: how long its containers wait before they are started again.
    public init(_ version: PodVersion, spec: PodSpec, backoff: CrashLoopBackoff = CrashLoopBackoff()) {
        record = PodRecord(version, gracePeriodSeconds: spec.terminationGracePeriodSeconds)
        life = PodLife(spec, backoff: backoff)
    }

    /// A pod that an agent finds when it starts.
    ///
    /// A container whose start was begun is running if its control group has a process; if none ever was in it, it is
    /// started now; else it ended unseen, and counts as killed.
    /// - Parameters:
    ///   - record: what was written down.
    ///   - spec: what it is; nil when nobody knows any more, and it is only to be stopped.
    ///   - sighting: what the kernel shows; nil for nothing.
    ///   - now: the time.
    ///   - backoff: how long its containers wait before they are started again.
    public init(
        recovering record: PodRecord, spec: PodSpec?, sighting: PodSighting?, at now: Timestamp,
        backoff: CrashLoopBackoff = CrashLoopBackoff()
    ) {
        let record = record.notAfter(now)
        self.record = record
        let seen = sighting?.containers ?? [:]
        var known = PodSpec(
            containers: Set(record.containers.keys).union(seen.keys).sorted().map { Container(name: $0) },
            restartPolicy: .never)
        known.terminationGracePeriodSeconds = record.gracePeriodSeconds
        life = PodLife(spec ?? known, backoff: backoff)
        isWritten = true
        for (name, container) in seen where container.isPopulated {
            if record.containers[name].map({ $0.exit != nil }) ?? true { strays.insert(name) }
        }
        for (name, container) in record.containers {
            recover(name, container, seen[name], at: now)
        }
        if record.stage == .stopping, let killTime = record.killTime {
            life.stop(at: now, gracePeriod: max(.zero, killTime - now))
        }
    }

    private mutating func recover(
        _ name: String, _ container: ContainerRecord, _ seen: PodSighting.Container?, at now: Timestamp
    ) {
        life.tell(name) { life in
            if container.exit == nil, seen?.isPopulated != true, seen?.hasRun != true {
                life.restored(restartCount: container.attempt - 1, backoff: container.backoff)
                return
            }
            life.adopted(
                startedAt: container.begunAt, restartCount: container.attempt - 1, backoff: container.backoff,
                hasStarted: container.hasStarted)
            if let exit = container.exit { life.ended(exit.code, at: exit.time) }
        }
        if container.exit == nil, seen?.isPopulated != true, seen?.hasRun == true { ended(name, code: 137, at: now) }
    }

    /// What is to be done now, in this order.
    /// - Parameters:
    ///   - now: the time.
    ///   - held: containers that are not to be started yet, for reasons that are not the pod's.
    public mutating func operations(at now: Timestamp, holding held: Set<String> = []) -> [Operation] {
        life.advance(at: now)
        var steps: [Operation] = strays.sorted().map { .kill(container: $0) }
        for (name, step) in life.steps(at: now) where !strays.contains(name) {
            switch step {
            case .start:
                guard let container = life[name], !held.contains(name) else { continue }
                steps.append(.start(container: name, attempt: begin(container, at: now)))
            case .signal: steps.append(.signal(container: name))
            case .kill: steps.append(.kill(container: name))
            case .ask(let kinds): steps.append(.ask(container: name, kinds))
            case .wait, .nothing: break
            }
        }
        if record.stage == .running, life.hasEnded, strays.isEmpty { change { $0.stage = .ended } }
        if isWritten { return steps }
        isWritten = true
        return [.write(record)] + steps
    }

    /// Notes that a container is about to be started.
    private mutating func begin(_ container: ContainerLife, at now: Timestamp) -> Int {
        var next = container
        next.started(at: now)
        let attempt = next.restartCount + 1
        // The same start again, after a kill before it, is nothing new; but its time is.
        change { record in
            record.containers[container.name] = ContainerRecord(attempt: attempt, begunAt: now, backoff: next.backoff)
        }
        return attempt
    }

    /// The record could not be written. It is asked for again.
    public mutating func writeFailed() { isWritten = false }

    private mutating func change(_ change: (inout PodRecord) -> Void) {
        let before = record
        change(&record)
        if record != before { isWritten = false }
    }

    /// A container was started.
    public mutating func started(_ name: String, at now: Timestamp) { life.tell(name) { $0.started(at: now) } }

    /// A container could not be started, which counts as an end.
    public mutating func startFailed(_ name: String, at now: Timestamp) {
        life.tell(name) { $0.started(at: now) }
        ended(name, code: 128, at: now)
    }

    /// A container ended; of one that must not run, that it does not any more.
    /// - Parameters:
    ///   - name: the container.
    ///   - code: its exit code; 128 + n for signal n.
    ///   - now: the time.
    public mutating func ended(_ name: String, code: Int32, at now: Timestamp) {
        if strays.remove(name) != nil { return }
        life.tell(name) { $0.ended(code, at: now) }
        change { $0.containers[name]?.exit = ContainerRecord.Exit(code: code, time: now) }
    }

    /// The signal to stop was sent to a container.
    public mutating func signalled(_ name: String) { life.tell(name) { $0.signalled() } }

    /// A probe of a container was answered.
    /// - Parameters:
    ///   - name: the container.
    ///   - kind: which probe.
    ///   - isGood: whether well; nil when it could not be asked.
    ///   - asked: when it was asked; nil for now.
    ///   - now: the time.
    public mutating func answered(
        _ name: String, _ kind: ProbeKind, _ isGood: Bool?, askedAt asked: Timestamp? = nil, at now: Timestamp
    ) {
        life.tell(name) { $0.answered(kind, isGood, askedAt: asked, at: now) }
        let hasStarted = life[name]?.probes.hasStarted == true
        if kind == .startup { change { $0.containers[name]?.hasStarted = hasStarted } }
    }

    /// The pod is to end.
    /// - Parameters:
    ///   - now: the time.
    ///   - gracePeriod: how long it has; nil for what its spec says. Asked again, the shorter one counts.
    public mutating func stop(at now: Timestamp, gracePeriod: Duration? = nil) {
        if record.stage == .stopping, gracePeriod == nil { return }
        life.stop(at: now, gracePeriod: gracePeriod)
        let killTime = life.killTime
        change { record in
            record.stage = .stopping
            record.killTime = killTime
        }
    }
}
