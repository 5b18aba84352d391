// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxKernel
import NodeModel
import PodManifests
import SystemPackage
import TestSupport
import Testing

@testable import NodeAgent

@Suite("The folder of state") struct StateTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-state-\(UUID().uuidString)")
    private var path: FilePath { FilePath(folder.path) }

    @Test func `Records are written, replaced, listed and removed, and the folder is its owner's alone`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let state = try StateFolder(path)
        try state.write("pod-a", Array("one".utf8))
        try state.write("pod-a", Array("two".utf8))
        try state.write("job-b", [])
        #expect(try state.names() == ["job-b", "pod-a"])
        #expect(try state.read("pod-a") == Array("two".utf8))
        try state.remove("job-b")
        try state.remove("job-b")
        #expect(try state.names() == ["pod-a"])
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try mode(folder.path) == 0o700)
        #expect(try mode(folder.appending(path: "pod-a.json").path) == 0o600)
        #expect(throws: StateError.self) { try state.read("pod-c") }
    }

    @Test func `Two agents never have one folder`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            let first = try StateFolder(path)
            let error = #expect(throws: StateError.self) { _ = try StateFolder(path) }
            #expect(error?.description.contains("in use by another agent, process \(getpid())") == true)
            _ = try first.names()
        }
        _ = try StateFolder(path)
    }

    @Test func `A folder that others may look into is refused`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        #expect(throws: StateError.self) { _ = try StateFolder(path) }
    }

    @Test func `What a killed writer left is swept away, and the record is as it was`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try StateFolder(path).write("pod-a", Array("one".utf8))
        try Data("tw".utf8).write(to: folder.appending(path: "pod-a.7.new"))
        let state = try StateFolder(path)
        #expect(try state.read("pod-a") == Array("one".utf8))
        #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "pod-a.7.new").path))
    }

    @Test("On a full disk a record is as it was, and can be written when there is room", .needs(.root))
    func fullDisk() throws {
        let disk = try MountCall.newFileSystem("tmpfs", options: [("size", "64k")])
        let state = try StateFolder(FilePath("/proc/self/fd/\(disk.number)/state"))
        let large = [UInt8](repeating: 0x61, count: 20_000)
        try state.write("pod-a", Array("one".utf8))
        try state.write("pod-b", large)
        let error = #expect(throws: StateError.self) {
            for index in 0..<9 {
                try state.write("pod-c\(index)", large)
            }
        }
        #expect(error?.description.contains("No space left on device") == true)
        #expect(throws: StateError.self) { try state.write("pod-a", large) }
        #expect(try state.read("pod-a") == Array("one".utf8))
        let names = try Descriptor.open(FilePath("/proc/self/fd/\(disk.number)/state"), [.directory]).entries()
        #expect(names.allSatisfy { !$0.hasSuffix(".new") })
        try state.remove("pod-b")
        try state.write("pod-a", large)
        #expect(try state.read("pod-a") == large)
    }

    private func store(_ files: StateFolder) -> NodeStore {
        let caches = NodeStore.caches()
        return NodeStore(files, pods: caches.pods, jobs: caches.jobs)
    }

    @Test func `Pods and Jobs come back from disk as they went, and damaged records are set aside and told`()
        async throws
    {
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try StateFolder(path)
        let before = store(files)
        var set = ManifestSet()
        set.update(["f.yaml": .text(Manifest.pod("a") + "\n---\n" + Manifest.job("sum", "completions: 2"))])
        for item in set.wanted().items {
            switch item.item.object {
            case .pod(let pod):
                var stored = StoredPod(item, pod)
                stored.begunAt = Timestamp(seconds: 7)
                var record = PodRecord(stored.version)
                record.containers["app"] = ContainerRecord(
                    attempt: 2, begunAt: Timestamp(seconds: 8), backoff: CrashLoopBackoff())
                try await before.note(record, of: stored, pod)
            case .job(let job):
                _ = try await before.apply(item, job, rules: JobUpdateRules())
                let stored = try #require(await before.job(job.objectName))
                var status = JobStatus()
                status.succeeded = 1
                status.lastSerial = 3
                _ = try await before.update(stored, to: status)
                let current = try #require(await before.job(job.objectName))
                _ = try await before.createPod(
                    JobDecision.Creation(name: "sum-4", serial: 4, index: nil), of: current)
                await #expect(throws: JobWriteError.changed(job.objectName)) {
                    try await before.update(stored, to: JobStatus())
                }
            }
        }
        let after = store(files)
        #expect(try await after.load() == [])
        let (pods, jobs) = (await before.allPods, await before.allJobs)
        #expect(await after.allPods.map(\.stored) == pods.map(\.stored))
        #expect(await after.allPods.map(\.pod) == pods.map(\.pod))
        #expect(await after.allJobs.map(\.status) == jobs.map(\.status))
        #expect(await after.allJobs.map(\.parsed.spec) == jobs.map(\.parsed.spec))
        #expect(await after.itemsInForce.map(\.item.digest).sorted() == set.wanted().items.map(\.item.digest).sorted())

        let uid = try #require(pods.first { $0.stored.owner == nil }).stored.version.uid
        try files.write("pod-\(uid)", Array("{\"version\": ".utf8))
        try files.write("pod-other", try files.read("job-\(jobs[0].uid)"))
        let damaged = store(files)
        let problems = try await damaged.load()
        #expect(problems.count == 2 && problems.allSatisfy { $0.reason.contains("is damaged, and was set aside") })
        #expect(await damaged.allPods.count == 1)
        #expect(FileManager.default.fileExists(atPath: folder.appending(path: "pod-\(uid).broken").path))
    }

    @Test func `An agent on a real disk runs a pod, and says so when the folder is another's`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let node = try TestNode()
        try node.write("web.yaml", Manifest.pod("web"))
        func agent() -> NodeAgent {
            NodeAgent(
                configuration: NodeAgentConfiguration(manifests: FilePath(node.folder.path), state: path),
                runtime: FakeRuntime(node.kernel, AgentLife()), logger: TestNode.silent)
        }
        for _ in 0..<2 {
            let agent = agent()
            let task = Task { try await agent.run() }
            try await eventually("it runs") { await agent.statuses().first?.phase == .running }
            let other = NodeAgent(
                configuration: NodeAgentConfiguration(manifests: FilePath(node.folder.path), state: path),
                runtime: FakeRuntime(FakeKernel(), AgentLife()), logger: TestNode.silent)
            await #expect(throws: StateError.self) { try await other.run() }
            task.cancel()
            _ = await task.result
        }
        #expect(node.kernel.starts.count == 1)
    }
}
