// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Logging
internal import NodeModel
internal import PodManifests

// One look at the whole node: what is wanted, what was written down, what the kernel shows.
extension NodeAgent {
    /// A pod that is wanted.
    private struct Wanted {
        var version: PodVersion
        /// Nil for one whose text is not understood.
        var pod: Pod?
        /// How it begins.
        var stored: StoredPod
    }

    func look(_ store: NodeStore, _ reader: ManifestReader) async {
        if signals.manifests.take() { await read(reader) }
        var problems = folderProblem.map { [$0] } ?? []
        let (items, faults) = manifests.wanted()
        problems += faults
        var failures: [NodeProblem] = []
        do { problems += try await applyJobs(items, store) } catch {
            failures.append(NodeProblem("Jobs cannot be changed: \(error)"))
        }
        do { problems += try await lookAtPods(items, store) } catch {
            failures.append(NodeProblem("pods cannot be begun or ended: \(error)"))
        }
        problems += failures
        for problem in problems where !found.contains(problem) { logger.error("\(problem)") }
        found = problems
        if failures.isEmpty {
            lookDelay.reset()
            lastSync = clock.now
        } else {
            lookAgain()
        }
    }

    private func read(_ reader: ManifestReader) async {
        do {
            manifests.update(try await reader.files())
            folderProblem = nil
        } catch {
            folderProblem = NodeProblem(
                "the folder of manifests cannot be read, and what was in force stays so: \(error)")
        }
    }

    private func lookAtPods(_ items: [WantedItem], _ store: NodeStore) async throws -> [NodeProblem] {
        // First what the kernel shows, then the records: whatever is seen then has one. What a worker has in hand it knows best.
        let known = workers.values.filter { $0.stored != nil }.map(\.uid)
        let sightings = try await runtime.sightings(besides: Set(known))
        let pods = await store.allPods
        let (wanted, problems) = wantedPods(items, pods)
        try await act(wanted, pods, sightings, store)
        return problems
    }

    private func lookAgain() {
        let time = clock.now + lookDelay.next()
        Task { [clock, signals] in
            await clock.sleep(until: time)
            signals.look.yield()
        }
    }

    private func applyJobs(_ items: [WantedItem], _ store: NodeStore) async throws(StateError) -> [NodeProblem] {
        var problems: [NodeProblem] = []
        var names: Set<ObjectName> = []
        for item in items {
            guard case .job(let job) = item.item.object else { continue }
            names.insert(job.objectName)
            problems += try await store.apply(item, job, rules: configuration.jobUpdateRules)
        }
        for job in await store.allJobs where !names.contains(job.job) { try await store.deleteJob(job.job) }
        return problems
    }

    /// The pods of manifests, then those of Jobs.
    private func wantedPods(_ items: [WantedItem], _ pods: [PodObject]) -> (pods: [String: Wanted], [NodeProblem]) {
        var wanted: [String: Wanted] = [:]
        var names: Set<ObjectName> = []
        var problems: [NodeProblem] = []
        for item in items {
            guard case .pod(let described) = item.item.object else { continue }
            let pod = described.asWanted
            let stored = StoredPod(item, pod)
            names.insert(stored.version.objectName)
            wanted[pod.uid] = Wanted(version: stored.version, pod: pod, stored: stored)
        }
        for object in pods {
            guard let owner = object.stored.owner, !object.stored.isDeleted else { continue }
            let version = object.stored.version
            guard wanted[version.uid] == nil, names.insert(version.objectName).inserted else {
                problems.append(
                    NodeProblem(
                        object: owner.job, "its pod \(version.name) is not run: a manifest has a pod of that name"))
                continue
            }
            wanted[version.uid] = Wanted(version: version, pod: object.pod, stored: object.stored)
        }
        return (wanted, problems)
    }

    private func act(
        _ wanted: [String: Wanted], _ pods: [PodObject], _ sightings: [PodSighting], _ store: NodeStore
    ) async throws(StateError) {
        let plan = NodePlan(
            desired: wanted.values.map(\.version), records: pods.compactMap(\.stored.record), sightings: sightings)
        // Who has a worker is in its hands; it only has to know whether it is wanted.
        for (uid, worker) in workers where wanted[uid]?.version != worker.stored?.version || wanted[uid] == nil {
            worker.events.yield(.stop)
        }
        for object in pods where object.stored.record == nil && object.stored.isDeleted {
            if workers[object.stored.version.uid] == nil { try await store.removePod(object.stored.version.uid) }
        }
        let known = Dictionary(pods.map { ($0.stored.version.uid, $0) }) { first, _ in first }
        let seen = Dictionary(sightings.map { ($0.uid, $0) }) { first, _ in first }
        waiting = []
        for action in plan.actions {
            switch action {
            case .begin(let version):
                guard workers[version.uid] == nil, let new = wanted[version.uid], let pod = new.pod else { continue }
                start(PodWorker(.new(new.stored, pod), context(store)))
            case .carryOn(let uid): recover(uid, known[uid], seen[uid], isWanted: true, store)
            case .stop(let uid, hasRecord: true): recover(uid, known[uid], seen[uid], isWanted: false, store)
            case .stop(let uid, hasRecord: false), .remove(let uid):
                recover(uid, known[uid], seen[uid], isWanted: false, store)
            case .wait(let version, let behind):
                guard workers[version.uid] == nil, let pod = wanted[version.uid]?.pod else { continue }
                let name = known[behind].map { "\($0.stored.version.objectName)" } ?? behind
                waiting.append((pod, "it waits until the pod \(name) that was there before is gone"))
            }
        }
        for (uid, object) in known where object.stored.owner == nil {
            if let file = wanted[uid]?.stored.file { try await store.note(file: file, of: uid) }
        }
    }

    private func context(_ store: NodeStore) -> PodContext {
        PodContext(
            runtime: runtime, store: store, clock: clock, backoff: configuration.backoff, permits: permits,
            counters: counters, logger: logger)
    }

    private func recover(
        _ uid: String, _ object: PodObject?, _ sighting: PodSighting?, isWanted: Bool, _ store: NodeStore
    ) {
        if workers[uid] != nil { return }
        let origin: PodWorker.Origin
        if let object, object.stored.record != nil {
            origin = .found(object, sighting)
        } else {
            origin = .stranger(uid)
        }
        let worker = PodWorker(origin, context(store))
        if !isWanted { worker.events.yield(.stop) }
        start(worker)
    }

    private func start(_ worker: PodWorker) {
        workers[worker.uid] = worker
        tasks[worker.uid] = Task {
            if await worker.run() { self.ended(worker.uid) }
        }
    }

    private func ended(_ uid: String) {
        workers[uid] = nil
        tasks[uid] = nil
        signals.look.yield()
    }
}
