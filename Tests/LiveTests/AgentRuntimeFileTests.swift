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

@Suite("What a node's pods leave, use and write", .needs(.idmappedMounts))
struct AgentRuntimeFileTests {
    private static func text(_ stream: AsyncThrowingStream<[UInt8], any Error>) async throws -> String {
        var all: [UInt8] = []
        for try await bytes in stream { all += bytes }
        return String(decoding: all, as: UTF8.self)
    }

    private static func text(
        _ runtime: LinuxPodRuntime, _ pod: Pod, _ change: (inout LogQuery) -> Void = { _ in }
    ) async throws -> String {
        var query = LogQuery()
        change(&query)
        return try await text(runtime.log(of: "main", in: pod, query))
    }

    @Test(
        "A log is read whole, from its end, in part, of the attempt before, and as it grows", .needs(.root),
        .needs(.cgroup2))
    func logs() async throws {
        let place = try RuntimePlace()
        defer { place.clean() }
        let runtime = try place.runtime()
        let pod = scriptPod(
            "logs",
            [("main", "echo one; echo two >&2; echo three >>/dev/stdout; " + waiting(for: "go", then: "printf last"))])
        try await runtime.prepare(pod)
        await #expect(throws: PodRuntimeError.self) { _ = try await runtime.log(of: "main", in: pod) }
        try await runtime.start("main", of: pod, attempt: 1)
        #expect(eventually { place.log(pod, "main").hasSuffix("three\n") })
        #expect(try await Self.text(runtime, pod) == "one\ntwo\nthree\n")
        #expect(try await Self.text(runtime, pod) { $0.tailLines = 2 } == "two\nthree\n")
        #expect(try await Self.text(runtime, pod) { $0.tailLines = 0 } == "")
        #expect(try await Self.text(runtime, pod) { $0.tailLines = 9 } == "one\ntwo\nthree\n")
        #expect(try await Self.text(runtime, pod) { $0.limitBytes = 5 } == "one\nt")
        #expect(try await Self.text(runtime, pod) { $0.since = Timestamp(seconds: 1_000) } == "one\ntwo\nthree\n")
        let timed = try await Self.text(runtime, pod) { $0.timestamps = true }
        #expect(timed.split(separator: "\n").allSatisfy { $0.contains("Z ") && $0.hasPrefix("20") }, "\(timed)")
        await #expect(throws: PodRuntimeError.self) {
            _ = try await Self.text(runtime, pod) { $0.previous = true }
        }
        // It follows to the end, which comes when the container ends.
        async let followed = Self.text(runtime, pod) { $0.follows = true }
        try Data().write(to: URL(filePath: place.shared("logs") + "/go"))
        #expect(try await followed == "one\ntwo\nthree\nlast")
        #expect(try await nextEnd(of: runtime).code == 0)
        #expect(try await Self.text(runtime, pod) { $0.tailLines = 1 } == "last")
        for attempt in 2...3 {
            try await runtime.start("main", of: pod, attempt: attempt)
            #expect(try await nextEnd(of: runtime).attempt == attempt)
        }
        #expect(try await Self.text(runtime, pod) { $0.previous = true } == "one\ntwo\nthree\nlast")
        #expect(place.log(pod, "main", 1).isEmpty && !place.log(pod, "main", 2).isEmpty)
        try await runtime.remove("logs")
        await #expect(throws: PodRuntimeError.self) { try await Self.text(runtime, pod) }
    }

    @Test(
        "What a log has too much is given back from its beginning, and what is left is read by whole lines",
        .needs(.root), .needs(.cgroup2))
    func limit() async throws {
        let place = try RuntimePlace(in: fileSystems.first)
        defer { place.clean() }
        let runtime = try place.runtime { $0.logLimit = .mebibytes(1) }
        let pod = scriptPod(
            "limit",
            [
                (
                    "main",
                    "yes 0123456789abcdef | head -c 4000000 | tr -d '\\0'; echo; echo end; "
                        + waiting(for: "go", then: "exit 0")
                )
            ])
        try await runtime.prepare(pod)
        try await runtime.start("main", of: pod, attempt: 1)
        let path = "\(place.state)/logs/default_p-limit_limit/main/1.log"
        // A hole at the beginning takes no room.
        func hole() throws -> UInt64 {
            guard let log = try? Descriptor.open(FilePath(path), .reading) else { return 0 }
            return try log.nextData(from: 0) ?? 0
        }
        // It is the runtime's own task that looks: with one processor it could not while this one held the thread.
        for _ in 0..<1200 where try hole() < 2_500_000 || place.logSize(path) < 4_000_005 {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try hole() >= 2_500_000)
        let kept = try await Self.text(runtime, pod)
        #expect(kept.hasPrefix("0123456789abcdef\n") && kept.hasSuffix("end\n"))
        #expect(kept.utf8.count < 1_500_000 && kept.utf8.count > 900_000)
        try await runtime.remove("limit")
    }

    @Test(
        "A removed pod leaves no control group, mount, process, range of ids, folder or descriptor", .needs(.root),
        .needs(.cgroup2))
    func removal() async throws {
        let place = try RuntimePlace()
        defer { place.clean() }
        await #expect(processExitsWith: .success) { [root = place.root as String, state = place.state as String] in
            let runtime = try RuntimePlace.runtime(root: root, state: state)
            func pod(_ uid: String) -> Pod {
                var pod = scriptPod(
                    uid,
                    [
                        ("deep", "cd /tmp/v; for i in $(seq 300); do mkdir d; cd d; done; echo ready; sleep 1000"),
                        ("memory", "echo x >/tmp/m/x; echo ready; sleep 1000 & sleep 1000"),
                    ])
                pod.spec.volumes.append(Volume(name: "m", source: .emptyDir(inMemory: true, sizeLimit: .mebibytes(1))))
                pod.spec.containers[1].volumeMounts.append(VolumeMount(name: "m", mountPath: "/tmp/m"))
                return pod
            }
            func logs(_ uid: String, _ name: String) -> String {
                (try? String(contentsOfFile: "\(state)/logs/default_p-\(uid)_\(uid)/\(name)/1.log", encoding: .utf8))
                    ?? ""
            }
            func round(_ uid: String) async throws {
                try await runtime.prepare(pod(uid))
                for name in ["deep", "memory"] {
                    try await runtime.start(name, of: pod(uid), attempt: 1)
                    #expect(eventually { logs(uid, name) == "ready\n" }, "\(logs(uid, name))")
                }
                var status = PodStatus(pod(uid))
                await runtime.describe(&status)
                #expect(wholeMountTable().contains("\(state)/pods/\(uid)/volumes/m"))
                try await runtime.remove(uid)
                #expect(status.containers.compactMap(\.pid).count == 2)
                #expect(status.containers.compactMap(\.pid).allSatisfy { !isRunning($0) })
            }
            // What is opened once and for all is open after the first.
            try await round("first")
            for await end in runtime.ends where end.container == "memory" { break }
            let before = openDescriptors()
            try await round("second")
            #expect(eventually { openDescriptors().count <= before.count }, "\(openDescriptors()), before \(before)")
            #expect(!wholeMountTable().contains(state))
            #expect(try await runtime.sightings().isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(state)/pods").isEmpty)
            #expect(!hasChildren())
        }
    }

    @Test(
        "What a pod asks for is protected, in each of its attempts, and given back with it", .needs(.root),
        .needs(.memoryController))
    func protection() async throws {
        let place = try RuntimePlace()
        defer { place.clean() }
        let runtime = try place.runtime()
        var pod = scriptPod("protected", [("main", "exit 0")])
        pod.spec.containers[0].resources.requests["memory"] = try Quantity(parsing: "16Mi")
        func low(_ path: String) throws -> String? {
            try Cgroup.root().openChild(place.root + path).text(of: CgroupFile(named: "memory.low"))?.trimmingNewline
        }
        try await runtime.prepare(pod)
        for attempt in 1...2 {
            try await runtime.start("main", of: pod, attempt: attempt)
            #expect(try await nextEnd(of: runtime).code == 0)
            #expect(try low("/burstable/podprotected/main") == "16777216")
            #expect(try low("/burstable") == "16777216" && low("") == "16777216")
        }
        try await runtime.remove("protected")
        #expect(try low("/burstable") == "0" && low("") == "0")
    }

    @Test("What only files are left of is seen, and removed", .needs(.root), .needs(.cgroup2))
    func leftovers() async throws {
        let place = try RuntimePlace()
        defer { place.clean() }
        try place.scratch.folder("state/pods/left/volumes/v/inner")
        try place.scratch.file(
            "state/pods/left/userns", "\(PodIDFile(block: IDRange(first: RuntimePlace.ids.first, count: 65_536)))")
        let runtime = try place.runtime()
        #expect(try await runtime.sightings() == [PodSighting(uid: "left")])
        try await runtime.remove("left")
        #expect(try await runtime.sightings().isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(place.state)/pods").isEmpty)
    }

    @Test("Pods that begin and end side by side get ranges of their own", .needs(.root), .needs(.cgroup2))
    func many() async throws {
        let place = try RuntimePlace()
        defer { place.clean() }
        let runtime = try place.runtime()
        let pods = (0..<scaled(20)).map { scriptPod("many-\($0)", [("main", "sleep 1000")]) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for pod in pods {
                group.addTask {
                    try await runtime.prepare(pod)
                    try await runtime.start("main", of: pod, attempt: 1)
                }
            }
            try await group.waitForAll()
        }
        var firsts: Set<UInt32> = []
        for pod in pods {
            var status = PodStatus(pod)
            await runtime.describe(&status)
            firsts.insert(status.userNamespace?.uid.first?.outside ?? 0)
        }
        #expect(firsts.count == pods.count)
        #expect(try await runtime.sightings().count == pods.count)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for pod in pods { group.addTask { try await runtime.remove(pod.uid) } }
            try await group.waitForAll()
        }
        #expect(try await runtime.sightings().isEmpty)
    }

    @Test("What a pod uses is told, and what this host does not count is not", .needs(.root), .needs(.cgroup2))
    func statistics() async throws {
        let place = try RuntimePlace()
        defer { place.clean() }
        let runtime = try place.runtime()
        let pod = scriptPod("used", [("main", "echo ready; while :; do :; done")])
        try await runtime.prepare(pod)
        try await runtime.start("main", of: pod, attempt: 1)
        #expect(eventually { place.log(pod, "main") == "ready\n" })
        var status = PodStatus(pod)
        await runtime.describe(&status)
        let first = await runtime.statistics(of: [status, PodStatus(scriptPod("gone", []))], nodeName: "here")
        #expect(first.nodeName == "here" && first.pods.map(\.uid) == ["used"])
        #expect(first.memoryCapacityBytes == machineMemory() && first.startTime != nil)
        #expect((first.node.workingSetBytes ?? 0) > 0)
        let used = try #require(first.pods.first)
        #expect(used.containers.map(\.name) == ["main"])
        let counts = CgroupHost.probe().unavailability(of: "memory") == nil
        #expect((used.usage.memoryBytes != nil) == counts)
        #expect((used.containers[0].usage.workingSetBytes != nil) == counts)
        let start = try #require(used.usage.cpuNanoseconds)
        var later = start
        for _ in 0..<200 where later <= start {
            try await Task.sleep(for: .milliseconds(50))
            later = await runtime.statistics(of: [status], nodeName: "here").pods.first?.usage.cpuNanoseconds ?? 0
        }
        #expect(later > start)
        try await runtime.remove("used")
    }
}
