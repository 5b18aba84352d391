// SPDX-License-Identifier: Apache-2.0

import NodeModel
import PodManifests
import Synchronization
import Testing

@testable import NodeAgent

@Suite("Jobs of an agent") struct JobTests {
    private func limit(_ agent: NodeAgent) async -> Quantity? {
        await agent.jobs().first?.spec.template.spec.containers.first?.resources.limits.memory
    }
    private func mebibytes(_ count: Int) throws -> Quantity { try Quantity(parsing: "\(count)Mi") }

    @Test func `A Job runs its pods to completion, and its end is kept over a restart`() async throws {
        let node = try TestNode()
        try node.write("job.yaml", Manifest.job("sum", "completions: 4\nparallelism: 2", container: "work"))
        for _ in 0..<2 {
            try await node.withAgent { agent in
                try await node.eventually("it is complete") {
                    await agent.jobs().first?.status.isTrue(.complete) != nil
                }
                #expect(await agent.jobs().first?.status.succeeded == 4)
            }
            #expect(node.kernel.starts.count == 4)
        }
        try node.remove("job.yaml")
        try await node.withAgent { agent in
            try await node.eventually("nothing is left of it") {
                let jobs = await agent.jobs()
                return jobs.isEmpty && node.kernel.pods.isEmpty && node.kernel.state.withLock { $0.disk.isEmpty }
            }
        }
    }

    @Test func `A Job ends in time although one of its pods cannot be made ready`() async throws {
        let node = try TestNode()
        try node.write("job.yaml", Manifest.job("sum", "completions: 2\nparallelism: 2\nactiveDeadlineSeconds: 30"))
        try await node.withAgent { agent in
            try await node.eventually("both run") { node.kernel.running.count == 2 }
        }
        try node.remove("job.yaml")
        try await node.withAgent { _ in try await node.eventually("it is gone") { node.kernel.pods.isEmpty } }

        try node.write("job.yaml", Manifest.job("late", "completions: 2\nparallelism: 2\nactiveDeadlineSeconds: 30"))
        node.kernel.state.withLock { $0.failures["prepare"] = PodRuntimeError("no range of ids is left") }
        try await node.withAgent { agent in
            try await node.eventually("the reason is told") {
                let reasons = await agent.statuses().compactMap(\.reason)
                return reasons.count == 2 && reasons.allSatisfy { $0.contains("no range of ids is left") }
            }
            node.clock.advance(.seconds(31))
            try await node.eventually("it has failed") {
                await agent.jobs().first?.status.isTrue(.failed) != nil
            }
        }
    }

    @Test func `A suspended Job is given other resources, and goes on with them where it was`() async throws {
        let node = try TestNode()
        func write(_ memory: String, suspend: Bool) throws {
            try node.write("job.yaml", Manifest.job("train", "completions: 3\nsuspend: \(suspend)", memory: memory))
        }
        try write("64Mi", suspend: false)
        try await node.withAgent { agent in
            try await node.eventually("the first pod runs") { node.kernel.running.count == 1 }
            let uid = try #require(await agent.jobs().first?.uid)
            node.kernel.end(try #require(node.kernel.running.first).uid, "app", code: 0)
            try await node.eventually("the second pod runs") {
                node.kernel.starts.count == 2 && node.kernel.running.count == 1
            }
            try write("64Mi", suspend: true)
            try await node.eventually("it is suspended, and no pod runs") {
                let job = await agent.jobs().first
                return job?.status.isTrue(.suspended) != nil && job?.status.active == 0 && node.kernel.running.isEmpty
            }
            let wanted = try mebibytes(128)
            try write("128Mi", suspend: true)
            try await node.eventually("the new limit is accepted") {
                let limit = await limit(agent)
                return limit == wanted
            }
            #expect(await agent.problems() == [])
            try write("128Mi", suspend: false)
            try await node.eventually("it goes on") { node.kernel.running.count == 1 }
            #expect(node.kernel.running.first?.memory == (try mebibytes(128)))
            let job = try #require(await agent.jobs().first)
            #expect(job.uid == uid)
            #expect(job.status.succeeded == 1)
            #expect(job.status.failed == 0)
        }
        #expect(node.kernel.starts.map(\.memory) == (try [mebibytes(64), mebibytes(64), mebibytes(128)]))
        #expect(node.kernel.violations == [])
    }

    @Test func `An edit that is refused is reported by field, and the version before stays in force`() async throws {
        let node = try TestNode()
        try node.write("job.yaml", Manifest.job("train", "completions: 3"))
        try await node.withAgent { agent in
            try await node.eventually("a pod runs") { node.kernel.running.count == 1 }
            func isRefused(_ field: String) async -> Bool {
                await agent.problems().contains {
                    $0.field == field && $0.file == "job.yaml"
                        && $0.object == ObjectName(namespace: "default", name: "train")
                        && $0.reason.contains("field is immutable")
                }
            }
            // More memory while a pod runs.
            try node.write("job.yaml", Manifest.job("train", "completions: 3", memory: "128Mi"))
            try await node.eventually("the memory is refused") { await isRefused("spec.template") }
            #expect(await limit(agent) == (try mebibytes(64)))
            // Suspended and changed at once.
            try node.write("job.yaml", Manifest.job("train", "completions: 3\nsuspend: true", memory: "128Mi"))
            try await node.eventually("that is refused, too") { await isRefused("spec.template") }
            try node.write("job.yaml", Manifest.job("train", "completions: 5"))
            try await node.eventually("the completions are refused") { await isRefused("spec.completions") }
            #expect(await agent.jobs().first?.spec.completions == 3)
            #expect(node.kernel.starts.count == 1 && node.kernel.running.count == 1)
            // While it is suspended only resources may change.
            try node.write("job.yaml", Manifest.job("train", "completions: 3\nsuspend: true"))
            try await node.eventually("it is suspended") { node.kernel.running.isEmpty }
            try node.write("job.yaml", Manifest.job("train", "completions: 3\nsuspend: true", image: "other"))
            try await node.eventually("the image is refused") { await isRefused("spec.template.spec") }
            try node.write("job.yaml", Manifest.job("train", "completions: 3\nsuspend: true"))
            try await node.eventually("nothing is wrong") { await agent.problems() == [] }
        }
        #expect(node.kernel.violations == [])
    }

    @Test func `An edit that was made while no agent ran is held to the same rules`() async throws {
        let node = try TestNode()
        try node.write("job.yaml", Manifest.job("train", "suspend: true"))
        try await node.withAgent { agent in
            try await node.eventually("it is suspended") {
                await agent.jobs().first?.status.isTrue(.suspended) != nil
            }
        }
        try node.write("job.yaml", Manifest.job("train", "suspend: true", memory: "1Gi", image: "other"))
        try await node.withAgent { agent in
            try await node.eventually("the image is refused") {
                await agent.problems().contains { $0.field == "spec.template.spec" }
            }
            #expect(await limit(agent) == (try mebibytes(64)))
            // To be given more and resumed by one edit is right.
            try node.write("job.yaml", Manifest.job("train", memory: "1Gi"))
            try await node.eventually("it runs") { node.kernel.running.count == 1 }
            #expect(node.kernel.running.first?.memory == (try mebibytes(1024)))
        }
    }

    @Test func `A Job that asks for what nothing here does is refused, and the field named`() async throws {
        let node = try TestNode()
        try node.write("job.yaml", Manifest.job("sum", "successPolicy: {rules: [{succeededCount: 1}]}"))
        try await node.withAgent { agent in
            try await node.eventually("it is refused") {
                await agent.problems().map(\.field) == ["spec.successPolicy"]
            }
            #expect(await agent.jobs() == [])
        }
        #expect(node.kernel.starts.isEmpty)
    }

    @Test func `The metrics have the names and labels of Kubernetes`() async throws {
        let node = try TestNode()
        try node.write("job.yaml", Manifest.job("sum"))
        try await node.withAgent { agent in
            try await node.eventually("a pod runs") { node.kernel.running.count == 1 }
            let samples = await agent.samples()
            #expect(samples.contains { $0.name == "job_controller_stale_sync_skips_total" && $0.kind == .counter })
            let versions = samples.filter { $0.name == "informer_store_resource_version" }
            #expect(
                versions.map { $0.labels.map(\.value) } == [
                    ["job", "", "v1", "pods"], ["job", "batch", "v1", "jobs"],
                ])
            #expect(versions.allSatisfy { $0.value > 0 })
            try await node.eventually("it is counted") {
                await agent.samples().contains {
                    $0.name == "bulkhead_pods" && $0.labels.first?.value == "Running" && $0.value == 1
                }
            }
            #expect(await agent.isInSync)
        }
    }
}

/// The Job controller over caches that a test delivers to.
@Suite("A Job controller with a stale cache") struct StaleJobTests {
    /// How many pods a Job that wants one has when it is looked at again before the cache of pods has its first one.
    private func pods(guarded: Bool) async throws -> (count: Int, skips: UInt64) {
        let kernel = FakeKernel()
        let caches = NodeStore.caches()
        let store = NodeStore(
            FakeFiles(kernel: kernel, life: AgentLife()), pods: caches.pods, jobs: caches.jobs)
        _ = try await store.load()
        func deliver() { while caches.pods.applyNext() || caches.jobs.applyNext() {} }
        var set = ManifestSet()
        set.update(["job.yaml": .text(Manifest.job("sum"))])
        let item = try #require(set.wanted().items.first)
        guard case .job(let job) = item.item.object else { throw NeverHappened(description: "no Job") }
        _ = try await store.apply(item, job, rules: JobUpdateRules())
        deliver()

        let staleness: any StalenessGuard =
            guarded
            ? ConsistencyStore(caches: [
                JobController.podResource: caches.pods, JobController.jobResource: caches.jobs,
            ]) : Unguarded()
        let controller = JobController(store: store, staleness: staleness, logger: TestNode.silent)
        let loop = ReconcileLoop(controller, staleness: staleness)
        var now = Timestamp(seconds: 1_800_000_000)
        loop.enqueue(job.objectName)
        await loop.turn(at: now)
        // The Job's new status arrives, its pod does not.
        while caches.jobs.applyNext() {}
        loop.enqueue(job.objectName)
        await loop.turn(at: now)
        deliver()
        for _ in 0..<20 {
            now = now + .seconds(1)
            await loop.turn(at: now)
            deliver()
        }
        return (await store.allPods.count, loop.staleSkips)
    }

    @Test func `With the guard the Job waits for its cache, without it the pod is made twice`() async throws {
        let guarded = try await pods(guarded: true)
        #expect(guarded.count == 1)
        #expect(guarded.skips > 0)
        #expect(try await pods(guarded: false).count == 2)
    }
}
