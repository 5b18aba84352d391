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

@Suite("The runtime of a node's pods", .needs(.idmappedMounts))
struct AgentRuntimeTests {
    @Test(
        "A container runs in its pod's namespaces and control group, writes its log, and its end is told with its code",
        .needs(.root), .needs(.cgroup2), arguments: [false, true])
    func life(hostUsers: Bool) async throws {
        let place = try RuntimePlace()
        defer { place.clean() }
        let runtime = try place.runtime()
        let pod = scriptPod(
            "life", [("main", "echo out; echo err >&2; cat /proc/self/uid_map; " + waiting(for: "go", then: "exit 7"))],
            hostUsers: hostUsers)
        try await runtime.prepare(pod)
        var sighting = try #require(try await runtime.sightings().first)
        #expect(sighting.uid == "life")
        #expect(sighting.containers["main"] == .init(isPopulated: false, hasRun: false))
        try await runtime.start("main", of: pod, attempt: 1)
        #expect(
            eventually { place.log(pod, "main").contains("4294967295") || place.log(pod, "main").contains("65536") })
        sighting = try #require(try await runtime.sightings().first)
        #expect(sighting.containers["main"] == .init(isPopulated: true, hasRun: true))
        var status = PodStatus(pod)
        await runtime.describe(&status)
        #expect(status.containers[0].pid.map(isRunning) == true)
        #expect((status.userNamespace == nil) == hostUsers)

        try Data().write(to: URL(filePath: place.shared("life") + "/go"))
        #expect(
            try await nextEnd(of: runtime) == ContainerEnd(uid: "life", container: "main", attempt: 1, code: 7))
        let lines = place.log(pod, "main").split(separator: "\n").map(String.init)
        #expect(lines.prefix(2) == ["out", "err"])
        let first = status.userNamespace?.uid.first?.outside ?? 0
        #expect(lines.last?.split(separator: " ").prefix(2) == ["0", "\(first)"])
        #expect(try await runtime.sightings().first?.containers["main"]?.isPopulated == false)

        // Another attempt, in a control group that is new, with a log of its own.
        try await runtime.start("main", of: pod, attempt: 2)
        #expect(try await nextEnd(of: runtime).attempt == 2)
        #expect(place.log(pod, "main", 2).hasPrefix("out\nerr\n"))
        #expect(place.log(pod, "main", 1).hasPrefix("out\nerr\n"))
        try await runtime.remove("life")
    }

    @Test("A signal reaches the command, and a kill takes all of the container", .needs(.root), .needs(.cgroup2))
    func ending() async throws {
        let place = try RuntimePlace()
        defer { place.clean() }
        let runtime = try place.runtime()
        let pod = scriptPod(
            "ending",
            [
                ("polite", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"),
                ("deaf", "trap '' TERM; sleep 1000 & echo ready; while :; do sleep 0.05; done"),
            ])
        try await runtime.prepare(pod)
        try await runtime.start("polite", of: pod, attempt: 1)
        try await runtime.start("deaf", of: pod, attempt: 1)
        #expect(eventually { place.log(pod, "polite") == "ready\n" && place.log(pod, "deaf") == "ready\n" })
        try await runtime.signal("deaf", ofPod: "ending")
        try await runtime.signal("polite", ofPod: "ending")
        #expect(try await nextEnd(of: runtime).code == 9)
        try await runtime.kill("deaf", ofPod: "ending")
        #expect(try await nextEnd(of: runtime).code == 137)
        #expect(try await runtime.sightings().allSatisfy { !$0.isPopulated })
        // Once more, and of what is not there, it is no failure.
        try await runtime.kill("deaf", ofPod: "ending")
        try await runtime.signal("deaf", ofPod: "ending")
        try await runtime.kill("none", ofPod: "nobody")
        try await runtime.remove("ending")
        try await runtime.remove("ending")
    }

    private static func kept() -> Pod {
        scriptPod(
            "kept",
            [
                ("early", "echo early; " + waiting(for: "early", then: "exit 3")),
                ("late", "readlink /proc/self/ns/net; " + waiting(for: "late", then: "echo late; kill -7 $$$$")),
                ("killed", "echo killed; sleep 1000"),
            ])
    }

    @Test(
        "An agent that is killed leaves its containers running, and the next one knows how they end", .needs(.root),
        .needs(.cgroup2))
    func adoption() async throws {
        let place = try RuntimePlace()
        defer { place.clean() }
        let pod = Self.kept()
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [root = place.root as String, state = place.state as String] in
            let runtime = try RuntimePlace.runtime(root: root, state: state)
            let pod = AgentRuntimeTests.kept()
            try await runtime.prepare(pod)
            for container in pod.spec.containers { try await runtime.start(container.name, of: pod, attempt: 4) }
            kill(getpid(), SIGKILL)
        }
        func touch(_ name: String) throws { try Data().write(to: URL(filePath: place.shared("kept") + "/\(name)")) }
        #expect(eventually { place.log(pod, "late", 4).contains("net:") })
        try touch("early")
        let root = try Cgroup.root().openChild(place.root)
        #expect(
            try eventually {
                try root.openChild("besteffort/podkept/early").read(.events)?.populated == false
            })

        let runtime = try place.runtime()
        let ended = try await runtime.adopt(pod, attempts: ["early": 4, "late": 4, "killed": 4])
        #expect(ended == [ContainerEnd(uid: "kept", container: "early", attempt: 4, code: 3)])
        var status = PodStatus(pod)
        await runtime.describe(&status)
        #expect(status.containers.map { $0.pid == nil } == [true, false, false])
        // What is started now shares the namespaces of what ran on.
        try await runtime.start("early", of: pod, attempt: 5)
        #expect(try await nextEnd(of: runtime).code == 3)
        try touch("late")
        #expect(
            try await nextEnd(of: runtime) == ContainerEnd(uid: "kept", container: "late", attempt: 4, code: 135))
        #expect(place.log(pod, "late", 4).hasSuffix("late\n"))
        try await runtime.kill("killed", ofPod: "kept")
        #expect(
            try await nextEnd(of: runtime) == ContainerEnd(uid: "kept", container: "killed", attempt: 4, code: 137))
        try await runtime.remove("kept")
    }
}
