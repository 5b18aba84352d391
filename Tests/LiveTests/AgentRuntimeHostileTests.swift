// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import Glibc
internal import LinuxKernel
internal import NodeAgent
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("What a container, or somebody else, does to a node's runtime", .needs(.idmappedMounts))
struct AgentRuntimeHostileTests {
    private let place: RuntimePlace
    private let runtime: LinuxPodRuntime

    init() throws {
        place = try RuntimePlace()
        runtime = try place.runtime()
    }

    private func begin(_ uid: String, _ script: String) async throws -> Pod {
        let pod = scriptPod(uid, [("main", "echo ready; " + script)])
        try await runtime.prepare(pod)
        try await runtime.start("main", of: pod, attempt: 1)
        #expect(eventually { place.log(pod, "main").hasPrefix("ready\n") })
        return pod
    }

    private func text(_ pod: Pod, _ change: (inout LogQuery) -> Void = { _ in }) async throws -> String {
        var query = LogQuery()
        change(&query)
        var bytes: [UInt8] = []
        for try await piece in try await runtime.log(of: "main", in: pod, query) {
            bytes += piece
            if bytes.count > 1 << 20 { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("A log that is larger than any file takes no longer to read", .needs(.root), .needs(.cgroup2))
    func largeLog() async throws {
        defer { place.clean() }
        // The second line ends nowhere, and is followed by 4 TiB of nothing.
        let script = """
            dd if=/dev/zero of=/proc/self/fd/1 bs=1 count=0 seek=2T 2>/dev/null; printf x
            dd if=/dev/zero of=/proc/self/fd/1 bs=1 count=0 seek=4T 2>/dev/null; echo made >/tmp/v/made; sleep 1000
            """
        let pod = try await begin("large", waiting(for: "go", then: script))
        try Data().write(to: URL(filePath: place.shared("large") + "/go"))
        #expect(eventually { FileManager.default.fileExists(atPath: place.shared("large") + "/made") })
        #expect(try await text(pod) { $0.tailLines = 10 }.utf8.count <= 1 << 21)
        #expect(try await text(pod) { $0.limitBytes = 5 }.utf8.count <= 5)
        #expect(try await text(pod).utf8.count <= 1 << 21)
        // And what it writes from now on is read.
        let other = try await begin("other", "echo more; sleep 1000")
        #expect(try await text(other) { $0.tailLines = 2 } == "ready\nmore\n")
        for pod in [pod, other] { try await runtime.remove(pod.uid) }
    }

    @Test("A frozen container keeps nobody waiting but its own commands", .needs(.root), .needs(.cgroup2))
    func frozen() async throws {
        defer { place.clean() }
        let pod = try await begin("frozen", "sleep 1000")
        let cgroup = "/\(place.root)/besteffort/podfrozen/main"
        try #require(try write("1", "cgroup.freeze", cgroup))
        let probe = Probe(.exec(["/bin/true"]), timeout: .milliseconds(300))
        for _ in 0..<8 { #expect(await runtime.ask(probe, of: "main", in: pod) != true) }
        await #expect(throws: PodRuntimeError.self) {
            _ = try await runtime.execute(["/bin/true"], in: "main", ofPod: pod.uid)
        }
        try #require(try write("0", "cgroup.freeze", cgroup))
        let patient = Probe(.exec(["/bin/true"]), timeout: .seconds(20))
        #expect(await runtime.ask(patient, of: "main", in: pod) == true)
        try await runtime.remove(pod.uid)
    }

    private func write(_ text: String, _ file: String, _ cgroup: String) throws -> Bool {
        let root = try #require(CgroupHost.probe().root)
        return (try? Data(text.utf8).write(to: URL(filePath: "\(root)\(cgroup)/\(file)"))) != nil
    }

    @Test("A container that stops whatever is born in it stops nothing else", .needs(.root), .needs(.cgroup2))
    func stopping() async throws {
        defer { place.clean() }
        let pod = try await begin("stopping", "while :; do kill -STOP -1; done")
        let probe = Probe(.exec(["/bin/sleep", "1000"]), timeout: .milliseconds(200))
        await withTaskGroup { group in
            for _ in 0..<20 { group.addTask { await runtime.ask(probe, of: "main", in: pod) } }
            for await answer in group { #expect(answer != true) }
        }
        let other = try await begin("other", "sleep 1000")
        for pod in [pod, other] { try await runtime.remove(pod.uid) }
        #expect(try await runtime.sightings().isEmpty)
    }

    @Test("Pods that somebody else made beneath the same root are left alone", .needs(.root), .needs(.cgroup2))
    func foreign() async throws {
        defer { place.clean() }
        let pod = try await begin("shared", "sleep 1000")
        let second = try RuntimePlace.runtime(root: place.root, state: place.scratch.path("another"))
        #expect(try await second.sightings().isEmpty)
        let error = await #expect(throws: PodRuntimeError.self) { try await second.prepare(pod) }
        #expect(error?.isPermanent == true && error?.description.contains("somebody else has made") == true)
        // Nor is it taken over, ended or removed by who has a manifest of the same uid.
        #expect(try await second.adopt(pod, attempts: ["main": 1]).isEmpty)
        try await second.signal("main", ofPod: "shared")
        try await second.kill("main", ofPod: "shared")
        try await second.remove("shared")
        let own = scriptPod("own", [("main", "sleep 1000")])
        try await second.prepare(own)
        #expect(try await runtime.sightings().map(\.uid) == ["shared"])
        try await second.remove("own")
        let seen = try await runtime.sightings()
        #expect(seen.map(\.uid) == ["shared"] && seen.allSatisfy(\.isPopulated))
        try await runtime.remove("shared")
    }

    @Test("A child whose starter was killed is no container, and is ended", .needs(.root), .needs(.cgroup2))
    func halfStarted() async throws {
        defer { place.clean() }
        let pod = try await begin("half", "sleep 1000")
        try await runtime.kill("main", ofPod: "half")
        // What such a child is to the next agent: number 1 of a process id namespace, in the container's control group.
        let host = try #require(CgroupHost.probe().root)
        let cgroup = "\(host)/\(place.root)/besteffort/podhalf/main"
        _ = try shell("sh -c 'echo $$ >\(cgroup)/cgroup.procs && exec unshare -p -f sleep 1000' >/dev/null 2>&1 &")
        #expect(
            eventually {
                ((try? String(contentsOfFile: "\(cgroup)/cgroup.procs", encoding: .utf8)) ?? "").split(separator: "\n")
                    .count == 2
            })
        let next = try place.runtime()
        let ends = try await next.adopt(pod, attempts: ["main": 1])
        #expect(ends == [ContainerEnd(uid: "half", container: "main", attempt: 1, code: 137)])
        #expect(try await next.sightings().allSatisfy { !$0.isPopulated })
        try await next.remove("half")
    }

    @Test("A pod that ended gives back all but its logs", .needs(.root), .needs(.cgroup2))
    func released() async throws {
        defer { place.clean() }
        let pod = scriptPod("short", [("main", "echo done")])
        try await runtime.prepare(pod)
        try await runtime.start("main", of: pod, attempt: 1)
        for await end in runtime.ends {
            #expect(end == ContainerEnd(uid: "short", container: "main", attempt: 1, code: 0))
            break
        }
        for _ in 1...2 {
            try await runtime.release("short")
            #expect(try await runtime.sightings().isEmpty)
            #expect(try await text(pod) == "done\n")
        }
        try await runtime.remove("short")
        await #expect(throws: PodRuntimeError.self) { _ = try await text(pod) }
    }
}
