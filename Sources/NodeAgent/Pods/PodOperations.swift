// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NodeModel

// What a pod's worker does to the kernel and the disk, and what it makes of a failure.
extension PodWorker {
    /// Takes over a pod that was there before.
    /// - Returns: whether it is in hand.
    func takeOver(_ stored: StoredPod) async -> Bool {
        let now = context.clock.now
        guard let pod, var record = await context.store.pod(uid)?.stored.record else {
            // Its first record was never written: it is begun again.
            if let spec { managed = ManagedPod(stored.version, spec: spec, backoff: context.backoff) }
            return managed != nil
        }
        let ends: [ContainerEnd]
        let seen: PodSighting?
        do throws(PodRuntimeError) {
            // Of what is only to be removed, or has ended, there is nothing to watch.
            let isEmpty = sighting.map { $0?.isPopulated != true } == true
            let isOver = isEmpty && (!isWanted || record.stage == .ended)
            let attempts = record.containers.mapValues(\.attempt)
            ends = isOver ? [] : try await context.runtime.adopt(pod, attempts: attempts)
            var found: PodSighting?
            if let sighting {
                found = sighting
            } else {
                found = try await context.runtime.sightings().first { $0.uid == uid }
            }
            if !isOver {
                // What neither runs nor has ended was not begun: what its control group shows is of the attempt before.
                for container in attempts.keys where found?.containers[container]?.isPopulated == false {
                    found?.containers[container]?.hasRun = ends.contains { $0.container == container }
                }
            }
            seen = found
        } catch {
            sighting = nil
            // What is only to end is ended without, if need be.
            mustRemove = !isWanted && (error.isPermanent || delay.failures > 2)
            if !mustRemove { fail("it cannot be taken over: \(error)", error.isPermanent) }
            return mustRemove
        }
        sighting = nil
        if isClosed { return false }
        let before = record
        for end in ends where record.containers[end.container]?.attempt == end.attempt {
            if record.containers[end.container]?.exit != nil { continue }
            record.containers[end.container]?.exit = ContainerRecord.Exit(code: end.code, time: now)
        }
        if let known = stored.bootID, let current = context.clock.bootID, known != current {
            record = record.afterReboot(of: spec, at: now)
            log(.notice, "the machine was started again since the pod ran")
        }
        if record != before {
            var stored = stored
            stored.bootID = context.clock.bootID
            do { try await context.store.note(record, of: stored, pod) } catch {
                fail("its record cannot be written: \(error)")
                // It is ended without, if that is all that is left to do.
                if isWanted { return false }
                pause = nil
            }
        }
        managed = ManagedPod(
            recovering: record, spec: spec, sighting: seen, at: now, backoff: context.backoff)
        log(.info, "the pod was taken over", ["stage": "\(record.stage)"])
        return true
    }

    /// Does one thing, and tells the pod.
    /// - Returns: whether the next one may be done.
    func isPerformed(_ operation: ManagedPod.Operation) async -> Bool {
        switch operation {
        case .start(let container, let attempt): await start(container, attempt)
        case .signal(let container): await signal(container)
        case .kill(let container): await kill(container)
        case .write, .ask: true
        }
    }

    /// Writes the record.
    /// - Returns: whether it is on disk.
    func write(_ record: PodRecord) async -> Bool {
        guard var stored else { return false }
        begunAt = begunAt ?? context.clock.now
        stored.begunAt = begunAt
        stored.bootID = context.clock.bootID
        do {
            try await context.store.note(record, of: stored, pod, life: managed?.life)
            return true
        } catch {
            if isWanted {
                fail("its record cannot be written: \(error)")
            } else {
                log(.error, "it is ended although its record cannot be written", ["cause": "\(error)"])
            }
            return false
        }
    }

    private func start(_ container: String, _ attempt: Int) async -> Bool {
        guard let pod else { return false }
        return await context.permits.run {
            // Its turn may come late.
            if isClosed { return false }
            guard await prepare(pod) else { return false }
            if isClosed { return false }
            do throws(PodRuntimeError) {
                try await context.runtime.start(container, of: pod, attempt: attempt)
                managed?.started(container, at: context.clock.now)
                startFailures[container] = nil
                startPauses[container] = nil
                log(.info, "a container was started", ["container": "\(container)", "attempt": "\(attempt)"])
            } catch {
                if isClosed { return false }
                // What the host could not do says nothing of the container.
                guard error.isOfCommand else {
                    putOff(container, error)
                    return true
                }
                managed?.startFailed(container, at: context.clock.now)
                startFailures[container] = "it could not be started: \(error)"
                log(.error, "a container could not be started", ["container": "\(container)", "cause": "\(error)"])
            }
            return true
        }
    }

    /// The other containers of the pod go on meanwhile.
    private func putOff(_ container: String, _ error: PodRuntimeError) {
        var pause = startPauses[container] ?? StartPause(until: context.clock.now)
        pause.until = context.clock.now + pause.delay.next(isPermanent: error.isPermanent)
        startPauses[container] = pause
        startFailures[container] = "it could not be started: \(error)"
        log(
            .error, "a container cannot be started",
            ["container": "\(container)", "cause": "\(error)", "again": "\(pause.until)"])
    }

    private func prepare(_ pod: Pod) async -> Bool {
        if isPrepared { return true }
        do {
            try await context.runtime.prepare(pod)
            context.counters.prepared(pod, failed: false)
            isPrepared = true
            return true
        } catch {
            context.counters.prepared(pod, failed: true)
            fail("it cannot be made ready: \(error)", error.isPermanent, isOfStart: true)
            return false
        }
    }

    private func signal(_ container: String) async -> Bool {
        do { try await context.runtime.signal(container, ofPod: uid) } catch {
            // The kill at the end of the grace period comes all the same.
            log(.warning, "a container cannot be asked to end", ["container": "\(container)", "cause": "\(error)"])
        }
        managed?.signalled(container)
        return true
    }

    private func kill(_ container: String) async -> Bool {
        do {
            try await context.runtime.kill(container, ofPod: uid)
            managed?.ended(container, code: 137, at: context.clock.now)
            log(.info, "a container was killed", ["container": "\(container)"])
            return true
        } catch {
            fail("the container \(container) cannot be killed: \(error)")
            return false
        }
    }

    /// Asks probes, each in a task of its own: the pod goes on meanwhile.
    func ask(_ kinds: [ProbeKind], of container: String) {
        guard let pod, let attempt = attempt(of: container) else { return }
        let now = context.clock.now
        for kind in kinds {
            let question = Question(container: container, attempt: attempt, kind: kind)
            guard let probe = managed?.life[container]?.probes[kind]?.probe, asking.insert(question).inserted else {
                continue
            }
            Task { [runtime = context.runtime, events] in
                let isGood = await runtime.ask(probe, of: container, in: pod)
                events.yield(.answer(question, isGood: isGood, askedAt: now))
            }
        }
    }

    /// Puts all off for a while.
    func fail(_ reason: String, _ isPermanent: Bool = false, isOfStart: Bool = false) {
        let until = context.clock.now + delay.next(isPermanent: isPermanent)
        pause = (until, reason, isOfStart)
        if !isClosed { log(.error, "\(reason)", ["again": "\(until)"]) }
    }

    func log(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata = [:]) {
        var all = metadata
        all["pod"] = pod.map { "\($0)" } ?? "\(uid)"
        all["uid"] = "\(uid)"
        context.logger.log(level: level, message, metadata: all)
    }
}

// What others see of it.
extension PodWorker {
    /// How the pod is; nil for one that nobody knows.
    func status() async -> PodStatus? {
        guard let pod else { return nil }
        var status = PodStatus(pod)
        status.startTime = begunAt
        status.reason = pause?.reason
        if let life = managed?.life {
            status.phase = life.phase
            status.isReady = life.isReady
            for index in status.initContainers.indices { fill(&status.initContainers[index], life) }
            for index in status.containers.indices { fill(&status.containers[index], life) }
        } else {
            status.phase = .unknown
        }
        await context.runtime.describe(&status)
        return status
    }

    private func fill(_ container: inout PodStatus.Container, _ life: PodLife) {
        guard let known = life[container.name] else { return }
        container.state = known.state
        container.restartCount = known.restartCount
        container.isReady = known.isRunning && known.probes.isReady
        container.hasStarted = known.isRunning && known.probes.hasStarted
        if case .waiting = known.state { container.reason = startFailures[container.name] }
        guard case .ended(_, let code) = known.state else { return }
        var reason = startFailures[container.name]
        if case .wait(let until?) = known.step(at: context.clock.now) {
            reason = (reason ?? "it ended with code \(code)") + "; it is started again at \(until)"
        }
        container.reason = reason
    }
}
