// SPDX-License-Identifier: Apache-2.0

public import Logging
public import NodeModel
internal import SystemPackage

/// Keeps the pods of a node as a folder of manifests says: it watches the folder, runs each Pod, makes the pods of each Job,
/// and starts again what ends.
///
/// All that it has to know is on disk before it acts on it. Killed at any instant and started again it takes over what runs,
/// loses nothing and starts nothing twice; ended by ``run()``'s cancellation it leaves the pods running.
public actor NodeAgent {
    let configuration: NodeAgentConfiguration
    let runtime: any PodRuntime
    let clock: any NodeClock
    let logger: Logger
    let signals = AgentSignals()
    let counters = PodCounters()
    let permits: Permits
    private let openFiles: @Sendable () throws(StateError) -> any RecordFiles

    var store: NodeStore?
    var jobLoop: ReconcileLoop<JobController>?
    var manifests = ManifestSet()
    var workers: [String: PodWorker] = [:]
    var tasks: [String: Task<Void, Never>] = [:]
    /// Pods that have to wait until others are gone, and why.
    var waiting: [(pod: Pod, reason: String)] = []
    /// Records that were damaged.
    var damages: [NodeProblem] = []
    /// Why the folder of manifests could not be read the last time.
    var folderProblem: NodeProblem?
    /// What is wrong by the last look.
    var found: [NodeProblem] = []
    var lookDelay = RetryDelay()
    /// When the last look at the whole node was finished; nil before the first.
    public internal(set) var lastSync: Timestamp?
    var startedAt: Timestamp?

    /// An agent that does nothing yet.
    /// - Parameters:
    ///   - configuration: how it works.
    ///   - runtime: what does to the kernel what it decides.
    ///   - logger: where it tells what it does. No environment of a container is ever told.
    public init(
        configuration: NodeAgentConfiguration, runtime: any PodRuntime, logger: Logger = Logger(label: "bulkheadd")
    ) {
        self.init(configuration: configuration, runtime: runtime, logger: logger, clock: MachineClock()) {
            () throws(StateError) in try StateFolder(configuration.state)
        }
    }

    package init(
        configuration: NodeAgentConfiguration, runtime: any PodRuntime, logger: Logger, clock: any NodeClock,
        files: @escaping @Sendable () throws(StateError) -> any RecordFiles
    ) {
        self.configuration = configuration
        self.runtime = runtime
        self.logger = logger
        self.clock = clock
        permits = Permits(configuration.startsAtATime)
        openFiles = files
    }

    /// Works until the task is cancelled; the pods go on. To be called once.
    /// - Throws: ``StateError`` when the folder of state cannot be used, or another agent has it.
    public func run() async throws(StateError) {
        startedAt = clock.now
        let caches = NodeStore.caches(
            pods: { [signals] in signals.podChanged($0) }, jobs: { [signals] in signals.jobChanged($0) })
        let store = NodeStore(
            try openFiles(), pods: caches.pods, jobs: caches.jobs, told: { [signals] in signals.deliver.yield() })
        damages = try await store.load()
        for problem in damages { logger.error("\(problem)") }
        self.store = store
        manifests = ManifestSet(before: await store.itemsInForce)
        Self.apply(store)
        let staleness = ConsistencyStore(caches: [
            JobController.podResource: store.pods, JobController.jobResource: store.jobs,
        ])
        let loop = ReconcileLoop(
            JobController(store: store, staleness: staleness, logger: logger), staleness: staleness)
        jobLoop = loop
        await work(store, loop)
        await end()
    }

    private func work(_ store: NodeStore, _ loop: ReconcileLoop<JobController>) async {
        let folder = ManifestFolder(configuration.manifests, limit: configuration.manifestSizeLimit)
        let reader = ManifestReader(folder)
        let watch = ManifestWatch(
            folder: folder, rescan: configuration.rescanInterval, quiet: configuration.quietInterval, logger: logger)
        let (isFirstOver, first) = AsyncStream<Void>.makeStream()
        await withTaskGroup { group in
            group.addTask { [signals] in await watch.run { signals.manifestsChanged() } }
            group.addTask { [signals] in for await _ in signals.deliveries { Self.apply(store) } }
            group.addTask { [runtime] in for await end in runtime.ends { await self.take(end) } }
            group.addTask {
                // Jobs are looked at as their manifests are now, not as they were when the agent ended.
                for await _ in isFirstOver { break }
                await self.runJobs(loop)
            }
            signals.manifestsChanged()
            for await _ in signals.looks {
                await look(store, reader)
                first.yield()
            }
            group.cancelAll()
        }
    }

    private static func apply(_ store: NodeStore) {
        while store.pods.applyNext() || store.jobs.applyNext() {}
    }

    private func take(_ end: ContainerEnd) { workers[end.uid]?.events.yield(.end(end)) }

    private func runJobs(_ loop: ReconcileLoop<JobController>) async {
        var timer: Task<Void, Never>?
        for await name in signals.jobs {
            if let name { loop.enqueue(name) }
            while !Task.isCancelled, let turn = await loop.turn(at: clock.now) { tell(turn) }
            timer?.cancel()
            guard let time = loop.nextTime else { continue }
            timer = Task { [clock, signals] in
                await clock.sleep(until: time)
                if !Task.isCancelled { signals.job.yield(nil) }
            }
        }
        timer?.cancel()
    }

    private func tell(_ turn: ReconcileTurn<JobWriteError>) {
        switch turn {
        case .done: break
        case .skipped(let stale, _): logger.debug("\(stale)")
        case .failed(let name, let error, let until):
            logger.warning("a Job is put off: \(error)", metadata: ["job": "\(name)", "again": "\(until)"])
        }
    }

    /// Lets every pod finish what is being done to it. What takes long goes on in the kernel, and is found by the next agent.
    private func end() async {
        for worker in workers.values { await worker.close() }
        let running = Array(tasks.values)
        // Whoever waits for a task waits to its end, cancelled or not: here, the first of two is enough.
        let (isOver, over) = AsyncStream<Void>.makeStream()
        Task {
            for task in running { await task.value }
            over.finish()
        }
        let limit = Task { [limit = configuration.endLimit] in
            try? await Task.sleep(for: limit)
            over.finish()
        }
        // The task that waits here is cancelled already.
        await Task { for await _ in isOver {} }.value
        limit.cancel()
        logger.info("the agent ended; the pods go on", metadata: ["pods": "\(workers.count)"])
    }
}
