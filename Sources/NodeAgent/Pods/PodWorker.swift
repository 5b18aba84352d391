// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NodeModel

/// One pod from its begin, or from where it was found, until nothing of it is left: all that is done to it is done here, one
/// thing after the other.
actor PodWorker {
    /// What happens to a pod.
    enum Event: Sendable {
        /// Look again.
        case wake
        /// It is not wanted any more.
        case stop
        /// A container ended.
        case end(ContainerEnd)
        /// A probe was answered.
        case answer(Question, isGood: Bool?, askedAt: Timestamp)
    }

    /// A probe of one attempt of a container.
    struct Question: Hashable, Sendable {
        var container: String
        var attempt: Int
        var kind: ProbeKind
    }

    /// Where it comes from.
    enum Origin: Sendable {
        /// It is begun.
        case new(StoredPod, Pod)
        /// There is a record of it.
        case found(PodObject, PodSighting?)
        /// It runs, and nobody knows what it is.
        case stranger(String)
    }

    nonisolated let uid: String
    let context: PodContext
    let stored: StoredPod?
    let pod: Pod?
    /// Whether `pod` is all of it: nil when only what the record tells is known.
    let spec: PodSpec?
    private let inbox: AsyncStream<Event>
    nonisolated let events: AsyncStream<Event>.Continuation

    /// Since when it is on the node.
    var begunAt: Timestamp?
    /// Its life and its record; nil before it was taken over, and for a stranger.
    var managed: ManagedPod?
    /// What was seen of it, for the first try to take it over.
    var sighting: PodSighting??
    var isWanted: Bool
    var isPrepared = false
    /// What a pod has that ended was given back, but for its logs and its record.
    var isReleased = false
    /// It could not be taken over, and is not to go on.
    var mustRemove = false
    private(set) var isGone = false
    private(set) var isClosed = false
    var asking: Set<Question> = []
    /// Nothing is done before, for a reason.
    var pause: (until: Timestamp, reason: String, isOfStart: Bool)?
    var delay = RetryDelay()
    /// Why a container could not be started.
    var startFailures: [String: String] = [:]
    /// Containers that the host could not start, and when that is tried again.
    var startPauses: [String: StartPause] = [:]
    private var timer: Task<Void, Never>?
    private var published: Published?

    init(_ origin: Origin, _ context: PodContext) {
        self.context = context
        (inbox, events) = AsyncStream<Event>.makeStream()
        switch origin {
        case .new(let stored, let pod):
            uid = pod.uid
            (self.stored, self.pod, spec) = (stored, pod, pod.spec)
            managed = ManagedPod(stored.version, spec: pod.spec, backoff: context.backoff)
            isWanted = true
            begunAt = stored.begunAt
        case .found(let object, let sighting):
            uid = object.stored.version.uid
            stored = object.stored
            pod = object.pod ?? object.stored.podOfRecord()
            spec = object.pod?.spec
            self.sighting = .some(sighting)
            begunAt = object.stored.begunAt
            isWanted = true
        case .stranger(let uid):
            self.uid = uid
            (stored, pod, spec) = (nil, nil, nil)
            isWanted = false
        }
    }

    /// Works until nothing is left of the pod, or the agent ends.
    /// - Returns: whether nothing is left.
    func run() async -> Bool {
        events.yield(.wake)
        for await event in inbox {
            take(event)
            while !isClosed, !isGone, await isGoneOn() {}
            if isClosed || isGone { break }
            setTimer()
        }
        timer?.cancel()
        return isGone
    }

    /// The agent ends: what is being done is done to its end, and nothing more. The pod goes on.
    func close() {
        isClosed = true
        events.finish()
    }

    private func take(_ event: Event) {
        let now = context.clock.now
        switch event {
        case .wake: break
        case .stop:
            isWanted = false
            // To end it, what kept it from starting, or from being taken over, does not matter.
            if pause?.isOfStart == true || managed == nil { pause = nil }
        case .end(let end): take(end, at: now)
        case .answer(let question, let isGood, let time):
            asking.remove(question)
            guard attempt(of: question.container) == question.attempt else { return }
            managed?.answered(question.container, question.kind, isGood, askedAt: time, at: now)
        }
    }

    private func take(_ end: ContainerEnd, at now: Timestamp) {
        guard let life = managed?.life[end.container], life.isRunning, life.restartCount + 1 == end.attempt else {
            return
        }
        managed?.ended(end.container, code: end.code, at: now)
        log(.info, "a container ended", ["container": "\(end.container)", "code": "\(end.code)"])
    }

    func attempt(of container: String) -> Int? {
        managed?.life[container].map { $0.restartCount + 1 }
    }

    /// Does what is to be done now.
    /// - Returns: whether there may be more.
    private func isGoneOn() async -> Bool {
        if let pause, pause.until > context.clock.now { return false }
        pause = nil
        guard let stored else { return await remove() }
        if managed == nil, !mustRemove, !(await takeOver(stored)) { return false }
        if mustRemove { return await remove() }
        // Not before it was taken over: what was found to have ended then would end after this.
        let now = context.clock.now
        if !isWanted { managed?.stop(at: now) }
        let operations = managed?.operations(at: now, holding: held(at: now)) ?? []
        var isMore = false
        for operation in operations {
            if isClosed { return false }
            switch operation {
            case .ask(let container, let kinds): ask(kinds, of: container)
            case .write(let record):
                if await write(record) {
                    isMore = true
                    continue
                }
                managed?.writeFailed()
                // What only ends is done all the same: it may be what has filled the disk.
                if isWanted { return false }
            default:
                isMore = true
                guard await isPerformed(operation) else { return false }
            }
        }
        if pause == nil { delay.reset() }
        await publish()
        if isMore { return true }
        guard let managed, managed.life.hasEnded, managed.strays.isEmpty else { return false }
        if !isWanted { return await remove() }
        if managed.record.stage == .ended { await release() }
        return false
    }

    /// Containers that are not to be started yet.
    private func held(at now: Timestamp) -> Set<String> {
        Set(startPauses.filter { $0.value.until > now }.keys)
    }

    /// Gives back what the pod has that ended: its claims on memory are others' now.
    private func release() async {
        if isReleased { return }
        do { try await context.runtime.release(uid) } catch {
            fail("what it had cannot be given back: \(error)", error.isPermanent)
            return
        }
        isReleased = true
        isPrepared = false
    }

    /// Removes what is left.
    private func remove() async -> Bool {
        // Whoever counts it says so by waking this pod.
        guard await context.store.mayForget(uid) else { return false }
        do { try await context.runtime.remove(uid) } catch {
            fail("it cannot be removed: \(error)", error.isPermanent)
            return false
        }
        if isClosed { return false }
        do { try await context.store.removePod(uid) } catch {
            fail("its record cannot be removed: \(error)")
            return false
        }
        isGone = true
        log(.info, stored == nil ? "a pod without a record was removed" : "the pod was removed")
        return false
    }

    /// Tells the caches how the pod is, when that is something else.
    func publish() async {
        guard let managed else { return }
        let new = Published(managed.life)
        if new == published { return }
        published = new
        await context.store.observe(managed.life, of: uid)
    }

    private func setTimer() {
        timer?.cancel()
        timer = nil
        guard let time = nextTime else { return }
        timer = Task { [clock = context.clock, events] in
            await clock.sleep(until: time)
            if !Task.isCancelled { events.yield(.wake) }
        }
    }

    /// When to look again although nothing happens.
    private var nextTime: Timestamp? {
        let now = context.clock.now
        if let pause { return pause.until }
        guard let life = managed?.life else { return nil }
        // Time has passed since what is to be done was asked for.
        let held = held(at: now)
        let isDue = life.steps(at: now).contains { container, step in
            switch step {
            case .start: !held.contains(container)
            case .signal, .kill: true
            case .ask, .wait, .nothing: false
            }
        }
        if isDue { return now }
        // A container that is being asked says nothing of its kill.
        let kills = (life.initContainers + life.containers).compactMap { container -> Timestamp? in
            if case .stopping(_, let termination) = container.state { termination.killTime } else { nil }
        }
        let starts = held.compactMap { startPauses[$0]?.until }
        return (kills + starts + [life.nextTime(after: now)].compactMap(\.self)).min()
    }
}

/// When a container is tried again that the host could not start.
struct StartPause {
    var until: Timestamp
    var delay = RetryDelay()
}

/// What others act upon.
private struct Published: Hashable {
    var phase: PodPhase
    var isReady: Bool
    var isStopping: Bool
    var restarts: Int
    var hasEnded: Bool

    init(_ life: PodLife) {
        phase = life.phase
        isReady = life.isReady
        isStopping = life.killTime != nil
        restarts = (life.initContainers + life.containers).reduce(0) { $0 + $1.restartCount }
        hasEnded = life.hasEnded
    }
}
