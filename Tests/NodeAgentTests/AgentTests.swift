// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Synchronization
import Testing

@testable import NodeAgent

@Suite("An agent and its pods") struct AgentTests {
    @Test func `A manifest becomes a running pod, and what is removed is stopped`() async throws {
        let node = try TestNode()
        try node.write("web.yaml", Manifest.pod("web", ["app", "log"]))
        try await node.withAgent { agent in
            try await eventually("both containers run") { node.kernel.running.count == 2 }
            try await eventually("the pod is shown as running") {
                let statuses = await agent.statuses()
                return statuses.count == 1 && statuses.allSatisfy { $0.phase == .running && $0.isReady }
            }
            #expect(await agent.problems() == [])
            try node.remove("web.yaml")
            try await eventually("nothing is left") {
                let statuses = await agent.statuses()
                return node.kernel.pods.isEmpty && statuses.isEmpty && node.kernel.state.withLock { $0.disk.isEmpty }
            }
        }
        #expect(node.kernel.violations == [])
    }

    @Test func `An agent that ends leaves its pods running, and the next one takes them over`() async throws {
        let node = try TestNode()
        try node.write("web.yaml", Manifest.pod("web"))
        try await node.withAgent { _ in
            try await eventually("it runs") { node.kernel.running.count == 1 }
        }
        #expect(node.kernel.running.count == 1)
        try await node.withAgent { agent in
            try await eventually("it was taken over") {
                await agent.statuses().first?.phase == .running
            }
            #expect(node.kernel.starts.count == 1)
            // It is watched: its end is seen, and it is started again.
            node.kernel.end(try #require(node.kernel.running.first).uid, "app", code: 1)
            try await eventually("it was started again") { node.kernel.starts.map(\.attempt) == [1, 2] }
            try node.remove("web.yaml")
            try await eventually("nothing is left") { node.kernel.pods.isEmpty }
        }
        #expect(node.kernel.violations == [])
    }

    @Test func `A pod whose manifest went while no agent ran is stopped, with its grace period`() async throws {
        let node = try TestNode()
        node.kernel.state.withLock { _ = $0.stubborn.insert("app") }
        try node.write("web.yaml", Manifest.pod("web"))
        try await node.withAgent { _ in try await eventually("it runs") { node.kernel.running.count == 1 } }
        try node.remove("web.yaml")
        try await node.withAgent { agent in
            try await eventually("it was asked to end") { node.kernel.state.withLock { $0.operations["signal"] == 1 } }
            node.clock.advance(.seconds(29))
            #expect(node.kernel.running.count == 1)
        }
        // The grace period goes on over a restart, and is over.
        try await node.withAgent { _ in
            node.clock.advance(.seconds(2))
            try await eventually("nothing is left") { node.kernel.pods.isEmpty }
        }
    }

    @Test func `An edit replaces the pod: the new version begins when nothing is left of the old one`() async throws {
        let node = try TestNode()
        try node.write("web.yaml", Manifest.pod("web", command: "old"))
        try await node.withAgent { _ in
            try await eventually("it runs") { node.kernel.running.count == 1 }
            // Form alone is no edit.
            try node.write("web.yaml", "# a comment\n" + Manifest.pod("web", command: "old"))
            try node.write("other.yaml", Manifest.pod("other"))
            try await eventually("the other one runs") { node.kernel.running.count == 2 }
            #expect(node.kernel.starts.count == 2)
            try node.write("web.yaml", Manifest.pod("web", command: "new"))
            try await eventually("the new one runs") {
                node.kernel.running.contains { $0.command == ["new"] }
            }
        }
        #expect(node.kernel.running.map(\.command).sorted { $0[0] < $1[0] } == [["a"], ["new"]])
        #expect(node.kernel.violations == [])
    }

    @Test func `A pod that cannot be made ready says why, and is tried again later`() async throws {
        let node = try TestNode()
        let uid = "u-1"
        node.kernel.state.withLock { $0.failures["prepare \(uid)"] = PodRuntimeError("no range of ids is left") }
        try node.write(
            "web.yaml",
            "{apiVersion: v1, kind: Pod, metadata: {name: web, uid: \(uid)}, spec: {hostUsers: false, containers: "
                + "[{name: app, image: host, command: [a]}]}}")
        try await node.withAgent { agent in
            try await eventually("the reason is told") {
                await agent.statuses().first?.reason?.contains("no range of ids is left") == true
            }
            let errors = await agent.samples().first { $0.name == "kubelet_started_user_namespaced_pods_errors_total" }
            #expect(errors?.value == 1)
            node.kernel.state.withLock { $0.failures = [:] }
            node.clock.advance(.seconds(2))
            try await eventually("it runs") { node.kernel.running.count == 1 }
            #expect(await agent.statuses().first?.reason == nil)
        }
    }

    @Test func `A container that cannot be started waits longer each time`() async throws {
        let node = try TestNode()
        node.kernel.state.withLock { $0.failures["start app"] = PodRuntimeError("no such program", isOfCommand: true) }
        try node.write("web.yaml", Manifest.pod("web"))
        try await node.withAgent { agent in
            try await eventually("the second try failed") {
                await agent.statuses().first?.containers.first?.restartCount == 1
            }
            let reason = await agent.statuses().first?.containers.first?.reason
            #expect(reason?.contains("no such program") == true)
            #expect(reason?.contains("is started again at \(node.clock.now + .seconds(10))") == true)
            node.kernel.state.withLock { $0.failures = [:] }
            node.clock.advance(.seconds(9))
            #expect(node.kernel.running.isEmpty)
            node.clock.advance(.seconds(2))
            try await eventually("it runs") { node.kernel.running.first?.attempt == 3 }
        }
    }

    @Test func `What the host could not do is no failure of the container`() async throws {
        let node = try TestNode()
        node.kernel.state.withLock { $0.failures["start work"] = PodRuntimeError("Too many open files") }
        try node.write("web.yaml", Manifest.pod("web", ["work", "app"], more: "restartPolicy: Never"))
        try await node.withAgent { agent in
            try await eventually("the reason is told") {
                let containers = await agent.statuses().first?.containers ?? []
                return containers.contains { $0.reason?.contains("Too many open files") == true }
            }
            // The other one goes on meanwhile, and nothing is written over and over.
            try await eventually("the other one runs") { node.kernel.running.map(\.container) == ["app"] }
            let version = await agent.store?.nextVersion() ?? 0
            try await Task.sleep(for: .milliseconds(100))
            #expect(await agent.store?.nextVersion() == version + 1)
            node.kernel.end(try #require(node.kernel.running.first).uid, "app", code: 0)
            node.kernel.state.withLock { $0.failures = [:] }
            node.clock.advance(.seconds(2))
            try await eventually("it succeeded") { await agent.statuses().first?.phase == .succeeded }
            #expect(node.kernel.starts.map(\.attempt) == [1, 1])
        }
    }

    @Test func `A pod that ended gives back what it had, and is shown until it is removed`() async throws {
        let node = try TestNode()
        try node.write("once.yaml", Manifest.pod("once", ["work"], more: "restartPolicy: Never"))
        for life in 1...2 {
            try await node.withAgent { agent in
                try await eventually("it succeeded") { await agent.statuses().first?.phase == .succeeded }
                try await eventually("it gave back what it had") {
                    node.kernel.pods.isEmpty && node.kernel.state.withLock { $0.operations["release"] == life }
                }
            }
        }
        #expect(node.kernel.starts.count == 1)
        try node.remove("once.yaml")
        try await node.withAgent { _ in
            try await eventually("nothing is left") { node.kernel.state.withLock { $0.disk.isEmpty } }
        }
        #expect(node.kernel.violations == [])
    }

    @Test func `What fills the disk can be removed`() async throws {
        let node = try TestNode()
        node.kernel.state.withLock { _ = $0.stubborn.insert("app") }
        try node.write("web.yaml", Manifest.pod("web"))
        try await node.withAgent { _ in
            try await eventually("it runs") { node.kernel.running.count == 1 }
            node.kernel.state.withLock { $0.isDiskFull = true }
            try node.remove("web.yaml")
            try await eventually("it was asked to end") { node.kernel.state.withLock { $0.operations["signal"] == 1 } }
            node.clock.advance(.seconds(31))
            try await eventually("nothing is left") {
                node.kernel.pods.isEmpty && node.kernel.state.withLock { $0.disk.isEmpty }
            }
        }
    }

    @Test func `A pod is begun again when the machine was started again`() async throws {
        let node = try TestNode()
        try node.write("web.yaml", Manifest.pod("web"))
        try node.write("once.yaml", Manifest.pod("once", ["main"], more: "restartPolicy: Never"))
        try await node.withAgent { _ in try await eventually("both run") { node.kernel.running.count == 2 } }
        node.kernel.state.withLock { $0.groups = [:] }
        node.clock.reboot()
        try await node.withAgent { agent in
            try await eventually("what was to run once has failed") {
                await agent.statuses().contains { $0.pod.name == "once" && $0.phase == .failed }
            }
            try await eventually("the other one runs") { node.kernel.running.map(\.pod) == ["default/web"] }
        }
        #expect(node.kernel.starts.count == 3)
    }

    @Test func `A probe that takes its time does not hold up the end of its pod`() async throws {
        let node = try TestNode()
        try node.write(
            "web.yaml",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: web}
            spec:
              containers:
              - {name: app, image: host, command: [a], readinessProbe: {exec: {command: [ok]}}}
            """)
        try await node.withAgent { agent in
            try await eventually("it runs") { node.kernel.running.count == 1 }
            #expect(await agent.statuses().first?.isReady == false)
            try node.remove("web.yaml")
            try await eventually("nothing is left") { node.kernel.pods.isEmpty }
            try node.write("web.yaml", Manifest.pod("web", ["b"]))
            try await eventually("another one runs") { node.kernel.running.map(\.container) == ["b"] }
        }
    }

    @Test func `A liveness probe that fails has its container started again`() async throws {
        let node = try TestNode()
        node.kernel.state.withLock { $0.answers["app"] = true }
        try node.write(
            "web.yaml",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: web}
            spec:
              containers:
              - {name: app, image: host, command: [a], livenessProbe: {exec: {command: [ok]}, failureThreshold: 1}}
            """)
        try await node.withAgent { agent in
            try await eventually("it runs") { node.kernel.running.count == 1 }
            node.kernel.state.withLock { $0.answers["app"] = false }
            try await eventually("it was started again") {
                node.clock.advance(.seconds(1))
                return node.kernel.starts.count > 1
            }
        }
        #expect(node.kernel.violations == [])
    }

    @Test func `What runs without a record is killed, and only then others begin`() async throws {
        let node = try TestNode()
        let stray = FakeKernel.Process(pod: "?", uid: "stray", container: "x", attempt: 1, command: [], memory: nil)
        node.kernel.state.withLock { state in
            state.groups["stray"] = ["x": FakeKernel.Group(attempt: 1, process: stray, hasRun: true)]
        }
        try node.write("web.yaml", Manifest.pod("web"))
        try await node.withAgent { _ in
            try await eventually("only the wanted one runs") { node.kernel.running.map(\.pod) == ["default/web"] }
        }
        #expect(node.kernel.pods.count == 1)
    }

    @Test func `A pod that cannot be taken over is removed all the same when it is not wanted`() async throws {
        let node = try TestNode()
        try node.write("web.yaml", Manifest.pod("web"))
        try await node.withAgent { _ in try await node.eventually("it runs") { node.kernel.running.count == 1 } }
        let uid = try #require(node.kernel.pods.first)
        node.kernel.state.withLock { $0.failures["adopt \(uid)"] = PodRuntimeError("its namespaces are gone") }
        try await node.withAgent { agent in
            try await node.eventually("the reason is told") {
                await agent.statuses().first?.reason?.contains("its namespaces are gone") == true
            }
            #expect(node.kernel.running.count == 1)
            try node.remove("web.yaml")
            try await node.eventually("nothing is left", passing: .seconds(1)) { node.kernel.pods.isEmpty }
        }
    }

    @Test func `A start that never returns keeps neither other pods from starting nor the agent from ending`()
        async throws
    {
        let node = try TestNode()
        node.kernel.state.withLock { _ = $0.hanging.insert("stuck") }
        defer { node.kernel.state.withLock { $0.hanging = [] } }
        try node.write("a.yaml", Manifest.pod("a", ["stuck"]))
        let agent = node.agent(starts: 2, endLimit: .milliseconds(50))
        let task = Task { try await agent.run() }
        try await eventually("its pod is there") { await agent.statuses().count == 1 }
        try node.write("b.yaml", Manifest.pod("b"))
        try await eventually("the other one runs") { node.kernel.running.map(\.container) == ["app"] }
        task.cancel()
        try await task.value
    }

    @Test func `Three hundred pods are begun, kept over a restart, and removed`() async throws {
        let node = try TestNode()
        for index in 0..<300 { try node.write("p\(index).yaml", Manifest.pod("p\(index)")) }
        try await node.withAgent { _ in
            try await eventually("all run", within: .seconds(300)) { node.kernel.running.count == 300 }
        }
        try await node.withAgent { agent in
            try await eventually("all were taken over", within: .seconds(300)) {
                await agent.statuses().count { $0.phase == .running } == 300
            }
            #expect(node.kernel.starts.count == 300)
            for index in 0..<300 { try node.remove("p\(index).yaml") }
            try await eventually("all are gone", within: .seconds(300)) { node.kernel.pods.isEmpty }
        }
        #expect(node.kernel.violations == [])
    }
}
