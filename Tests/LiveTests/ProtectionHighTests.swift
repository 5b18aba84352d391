// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Launching
import LinuxKernel
import NodeModel
import TestSupport
import Testing

extension ProtectionTests {
    @Suite("memory.high of a Burstable container")
    struct High {
        /// request 32Mi, limit 256Mi, factor 0.9.
        static let high = MemoryHigh.limit(
            request: .mebibytes(32), limit: .mebibytes(256), nodeAllocatable: nil, factor: .standard,
            pageSize: .bytes(4096))

        private struct Result {
            let current: ByteCount
            let events: MemoryEvents
            let stalled: UInt64
        }

        @Test("It holds at the computed value what would run into memory.max, and nothing is killed") func throttles()
            throws
        {
            let high = try #require(Self.high)
            #expect(mebibytes(high) == 233)
            var table = ReportTable(
                "A Burstable container, request 32Mi, limit 256Mi: memory.high = \(high) (233.6 MiB)",
                columns: ["does", "memory.high", "MiB at the end", "high events", "max", "oom_kill", "stalled ms"])
            defer { try? table.print() }
            func add(_ what: String, _ limit: String, _ result: Result) {
                let events = [result.events.high, result.events.max, result.events.oomKill]
                let numbers = [UInt64(mebibytes(result.current))] + events.map { $0 ?? 0 } + [result.stalled / 1000]
                table.add([what, limit] + numbers.map(\.description))
            }

            let file = try makeFile("large", .mebibytes(320))
            let reading = try inPod(throttled: true) { cgroup in
                let exit = try cgroup.readFile(file)
                #expect(exit == .exited(0))
            }
            add("reads 320 MiB", "computed", reading)
            expectHeld(reading, high)

            let mixed = try inPod(throttled: true) { cgroup in
                try cgroup.hold(.mebibytes(160))
                let exit = try cgroup.readFile(file)
                #expect(exit == .exited(0))
            }
            add("fills 160 MiB, reads 320 MiB", "computed", mixed)
            expectHeld(mixed, high)

            // What cannot be reclaimed still grows, a huge page after each sleep: slowed down, so that somebody can act.
            // Before Linux 6.1 only who returns from the kernel is made to sleep: no single large read, as dd's would be.
            let filling = try inPod(throttled: true) { cgroup in
                // A shell with a mebibyte in each of its variables.
                let script = """
                    v=$(head -c 1048576 /dev/zero | tr '\\0' a); n=0
                    while [ $n -lt 320 ]; do eval "v$n=\\$v"; n=$((n + 1)); done; sleep 1000
                    """
                try cgroup.begin(script).detach()
                let isHeld = try eventually(.seconds(60)) {
                    let stalled = try cgroup.read(.memoryPressure)?.full?.total ?? 0
                    return try cgroup.current() >= high && stalled > 300_000
                }
                #expect(isHeld, "it stands still above memory.high")
            }
            add("fills 320 MiB, stalled for 0.3 s", "computed", filling)
            expectHeld(filling, high)

            let killed = try inPod(throttled: false) { cgroup in
                let exit = try cgroup.run("exec dd if=/dev/zero of=/dev/null bs=320M count=1")
                #expect(exit == .killed(signal: 9))
            }
            add("fills 320 MiB", "max", killed)
            let kills = killed.events.oomKill ?? 0
            #expect(kills > 0)
            #expect(killed.events.high == 0)
        }

        private func expectHeld(_ result: Result, _ high: ByteCount) {
            let throttled = result.events.high ?? 0
            #expect(throttled > 0)
            #expect(result.events.max == 0)
            #expect(result.events.oom == 0)
            #expect(result.events.oomKill == 0)
            #expect(result.current >= high - .mebibytes(8))
            #expect(result.current < .mebibytes(256))
        }

        private func inPod(throttled: Bool, _ body: (borrowing Cgroup) throws -> Void) throws -> Result {
            let name = TestTree.newName()
            let node = Node(
                capacity: NodeResources(memory: try Machine.memory("MemTotal"), milliCPU: 1000),
                throttlingFactor: throttled ? .standard : nil,
                layout: PodCgroupLayout(root: try CgroupName(cgroupfs: name)))
            let resources = ResourceRequirements(
                requests: ["memory": try Quantity(parsing: "32Mi")], limits: ["memory": try Quantity(parsing: "256Mi")])
            let owner = try TransientCgroup(named: name, in: Cgroup.root(), enabling: [.memory, .cpu])
            let plan = try PodTree(layout: node.layout).apply(
                [ProtectionPods.pod("b", resources)], on: node, policy: .tieredReservation
            ).memoryPlan
            let container = try Cgroup.root().open(
                try #require(plan[.container(podUID: "b", name: "app")]).path)
            let limits = (try container.read(.memoryHigh), try container.read(.memoryMax))
            #expect(limits == (throttled ? Self.high : .max, .mebibytes(256)))
            try body(container)
            let result = Result(
                current: try container.current(), events: try container.events(),
                stalled: try container.read(.memoryPressure)?.full?.total ?? 0)
            try owner.remove()
            return result
        }
    }
}
