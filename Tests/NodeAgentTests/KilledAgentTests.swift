// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Synchronization
import Testing

@testable import NodeAgent

/// The agent is killed before and after each thing that it does to the kernel or to its disk, and another one goes on.
@Suite("An agent that is killed") struct KilledAgentTests {
    private func write(_ node: TestNode) throws {
        try node.write("a.yaml", Manifest.pod("a", ["x", "y"], more: "initContainers: [{name: init, image: host}]"))
        try node.write("once.yaml", Manifest.pod("once", ["once"], more: "restartPolicy: Never"))
        try node.write("job.yaml", Manifest.job("sum", "completions: 2\nparallelism: 2", container: "work"))
    }

    private func isSettled(_ node: TestNode, _ agent: NodeAgent) async -> Bool {
        guard node.kernel.running.map(\.container) == ["x", "y", "once"].sorted(by: order(node)) else { return false }
        let jobs = await agent.jobs()
        return jobs.count == 1 && jobs.allSatisfy { $0.status.isTrue(.complete) != nil }
    }

    /// Containers in the order of their pods' uids.
    private func order(_ node: TestNode) -> (String, String) -> Bool {
        let running = node.kernel.running.map(\.container)
        return { (running.firstIndex(of: $0) ?? 0) < (running.firstIndex(of: $1) ?? 0) }
    }

    @Test func `Everything wanted runs once, whichever act was the last one of the agent before`() async throws {
        for acts in 0... {
            let node = try TestNode()
            try write(node)
            let life = AgentLife(acts: acts)
            try await node.withAgent(life) { agent in
                try await node.eventually("killed after \(acts), or done") {
                    if life.isDead { return true }
                    return await isSettled(node, agent)
                }
            }
            if !life.isDead {
                // It was done before: there is no act left to be killed at.
                #expect(acts > 40)
                return
            }
            try await node.withAgent { agent in
                try await node.eventually("all is well after \(acts) acts") { await isSettled(node, agent) }
                #expect(await agent.jobs().first?.status.succeeded == 2)
                #expect(await agent.jobs().first?.status.failed == 0)
            }
            #expect(node.kernel.violations == [])
            let counts = Dictionary(grouping: node.kernel.starts, by: \.container).mapValues(\.count)
            #expect(counts == ["init": 1, "x": 1, "y": 1, "once": 1, "work": 2], "killed after \(acts) acts")
        }
    }

    @Test func `What is edited and removed is so in the end, killed twice at any act`() async throws {
        var second = 0
        for acts in 0... {
            let node = try TestNode()
            try write(node)
            try await node.withAgent { agent in
                try await node.eventually("all is well") { await isSettled(node, agent) }
            }
            try node.remove("a.yaml")
            try node.remove("job.yaml")
            try node.write("once.yaml", Manifest.pod("once", ["two"], more: "restartPolicy: Never"))
            second = (second + 7) % 23
            let lives = [AgentLife(acts: acts), AgentLife(acts: second)]
            for life in lives {
                try await node.withAgent(life) { agent in
                    try await node.eventually("killed after \(acts), or done") { life.isDead || isReplaced(node) }
                }
            }
            try await node.withAgent { agent in
                try await node.eventually("all is well after \(acts) acts") { isReplaced(node) }
                try await node.eventually("the Job is gone") { await agent.jobs() == [] }
            }
            #expect(node.kernel.violations == [])
            #expect(node.kernel.starts.count { $0.container == "two" } == 1, "killed after \(acts) acts")
            if !lives[0].isDead {
                #expect(acts > 20)
                return
            }
        }
    }

    @Test func `A Job that is suspended counts no failure, killed at any act, and goes on`() async throws {
        func write(_ node: TestNode, suspend: Bool) throws {
            try node.write("job.yaml", Manifest.job("train", "completions: 9\nparallelism: 2\nsuspend: \(suspend)"))
        }
        for acts in 0... {
            let node = try TestNode()
            try write(node, suspend: false)
            try await node.withAgent { _ in
                try await node.eventually("both run") { node.kernel.running.count == 2 }
            }
            try write(node, suspend: true)
            func isAtRest(_ agent: NodeAgent) async -> Bool {
                let job = await agent.jobs().first
                return job?.status.isTrue(.suspended) != nil && node.kernel.pods.isEmpty && job?.status.terminating == 0
            }
            let life = AgentLife(acts: acts)
            try await node.withAgent(life) { agent in
                try await node.eventually("killed after \(acts), or done") {
                    if life.isDead { return true }
                    return await isAtRest(agent)
                }
            }
            try await node.withAgent { agent in
                try await node.eventually("it is at rest after \(acts) acts") { await isAtRest(agent) }
                try write(node, suspend: false)
                try await node.eventually("it goes on") { node.kernel.running.count == 2 }
                let status = await agent.jobs().first?.status
                #expect(status?.failed == 0 && status?.succeeded == 0, "killed after \(acts) acts")
            }
            #expect(node.kernel.violations == [] && node.kernel.starts.count == 4)
            if !life.isDead {
                #expect(acts > 20)
                return
            }
        }
    }

    private func isReplaced(_ node: TestNode) -> Bool {
        node.kernel.running.map(\.container) == ["two"] && node.kernel.pods.count == 1
            && node.kernel.state.withLock { $0.disk.count } == 1
    }

    @Test(arguments: 0..<6)
    func `After any edits, ends and kills the node is as its manifests say`(seed: UInt64) async throws {
        var random = Random(state: seed)
        let node = try TestNode()
        var life = AgentLife()
        var agent = node.agent(life)
        var task = Task { [agent] in try await agent.run() }
        for _ in 0..<25 {
            let name = ["x", "y", "z"][random.below(3)]
            switch random.below(10) {
            case 0: try? node.remove("\(name).yaml")
            case 1: try node.write("\(name).yaml", "kind: [")
            case 2...4: try node.write("\(name).yaml", Manifest.pod(name, ["app"], command: "\(random.below(3))"))
            case 5:
                let running = node.kernel.running
                if !running.isEmpty {
                    let victim = running[random.below(running.count)]
                    node.kernel.end(victim.uid, victim.container, code: Int32(random.below(2)))
                }
            case 8:
                let (parallelism, memory) = (1 + random.below(3), 64 << random.below(2))
                let fields = "completions: 50\nparallelism: \(parallelism)\nsuspend: \(random.below(2) == 0)"
                try node.write("job.yaml", Manifest.job("train", fields, memory: "\(memory)Mi"))
            case 9: try? node.remove("job.yaml")
            case 6: node.clock.advance(.seconds(Int64(random.below(400))))
            default:
                life.kill()
                task.cancel()
                _ = await task.result
                life = AgentLife(acts: random.below(2) == 0 ? random.below(40) : nil)
                agent = node.agent(life)
                task = Task { [agent] in try await agent.run() }
            }
            if random.below(2) == 0 { try await Task.sleep(for: .milliseconds(random.below(10))) }
        }
        life.kill()
        task.cancel()
        _ = await task.result
        try node.write("x.yaml", Manifest.pod("x", command: "x"))
        try node.write("y.yaml", Manifest.pod("y", command: "y"))
        try? node.remove("z.yaml")
        try? node.remove("job.yaml")
        try await node.withAgent { agent in
            try await node.eventually("all is well", passing: .seconds(1)) {
                node.kernel.running.map(\.command).sorted { $0[0] < $1[0] } == [["x"], ["y"]]
                    && node.kernel.pods.count == 2
            }
            #expect(await agent.problems() == [])
            try await node.eventually("the Job is gone") { await agent.jobs() == [] }
            try node.write("job.yaml", Manifest.job("train", "completions: 50\nparallelism: 2", memory: "32Mi"))
            try await node.eventually("the Job has its pods", passing: .seconds(1)) { node.kernel.running.count == 4 }
            let memory = node.kernel.running.compactMap(\.memory)
            #expect(memory == (try [Quantity(parsing: "32Mi"), Quantity(parsing: "32Mi")]))
        }
        #expect(node.kernel.violations == [])
    }

    @Test func `While the disk is full nothing new is started, and nothing is lost`() async throws {
        let node = try TestNode()
        try node.write("old.yaml", Manifest.pod("old"))
        try await node.withAgent { agent in
            try await node.eventually("the old one runs") { node.kernel.running.count == 1 }
            node.kernel.state.withLock { $0.isDiskFull = true }
            try node.write("new.yaml", Manifest.pod("new"))
            try await node.eventually("the reason is told") {
                await agent.statuses().contains { $0.reason?.contains("No space left on device") == true }
            }
            #expect(node.kernel.running.map(\.pod) == ["default/old"])
            node.kernel.state.withLock { $0.isDiskFull = false }
            try await node.eventually("the new one runs", passing: .seconds(1)) { node.kernel.running.count == 2 }
        }
        #expect(node.kernel.starts.count == 2)
    }
}

/// Numbers that are the same in each run.
struct Random {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }
}
