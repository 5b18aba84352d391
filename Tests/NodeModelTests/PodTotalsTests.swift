// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Testing

@Suite struct PodTotalsTests {
    private let node = Node(capacity: NodeResources(memory: .gibibytes(8), milliCPU: 4000))

    private func pods() throws -> [Pod] {
        let whole = ["cpu": "1", "memory": "1Gi"]
        return [
            try pod([VectorResources(requests: whole, limits: whole)], uid: "g"),
            try pod([VectorResources(requests: ["cpu": "500m", "memory": "128Mi"])], uid: "b"),
            try pod([VectorResources()], uid: "e"),
        ]
    }

    @Test func `Pods add up by class`() throws {
        let totals = PodTotals(of: try pods())
        #expect(
            totals
                == PodTotals(guaranteed: .gibibytes(1), burstable: .mebibytes(128), burstableMilliCPU: 500, pods: 3))
        var ended = try pods()[0]
        ended.phase = .succeeded
        #expect(PodTotals(of: [ended]) == PodTotals())
    }

    @Test func `A plan beside present pods has the shared values of a plan of all`() throws {
        let all = try pods()
        let whole = try MemoryPlan(node: node, pods: all, policy: .tieredReservation)
        for count in 0...all.count {
            let present = PodTotals(of: Array(all[..<count]))
            let rest = try MemoryPlan(
                node: node, pods: Array(all[count...]), policy: .tieredReservation, present: present)
            for role in [CgroupRole.allPods, .pods(.burstable), .pods(.bestEffort)] {
                #expect(rest[role] == whole[role])
            }
            #expect(rest.metrics == whole.metrics)
            #expect(PodTotals(of: rest.pods) + present == PodTotals(of: all))
        }
    }

    @Test func `Present pods alone can take more than the node has`() throws {
        let plan = try MemoryPlan(
            node: node, pods: [], policy: .tieredReservation, present: PodTotals(guaranteed: .gibibytes(9)))
        #expect(plan.warnings.map(\.id) == ["overcommitted-protection"])
    }

    @Test func `Sums and differences stop at what there is`() {
        let most = PodTotals(guaranteed: .max, burstable: .max, burstableMilliCPU: .max, pods: .max)
        let one = PodTotals(pod: .burstable, request: ByteCount(1), milliCPU: 1)
        #expect(most + one == most)
        #expect(one - PodTotals(burstable: .gibibytes(1), burstableMilliCPU: .max, pods: 7) == PodTotals())
        #expect(one + one - one == one)
    }

    @Test func `A planned pod and its containers keep what they ask for`() throws {
        let plan = try MemoryPlan(node: node, pods: try pods(), policy: .none)
        #expect(plan.pods.map(\.request) == [.gibibytes(1), .mebibytes(128), .zero])
        #expect(plan.pods.map(\.milliCPU) == [1000, 500, 0])
        #expect(plan[.container(podUID: "g", name: "c0")]?.request == .gibibytes(1))
        #expect(plan[.allPods]?.request == .zero)
    }

    @Test func `Every planned cgroup is found by its path and its role`() throws {
        var two = node
        for driver in CgroupDriver.allCases {
            two.layout = PodCgroupLayout(driver: driver)
            two.reservedCgroups = [ReservedCgroup(.system, path: try CgroupPath(parsing: "/system.slice"))]
            let plan = try MemoryPlan(node: two, pods: try pods())
            for cgroup in plan.cgroups {
                #expect(plan[cgroup.path] == cgroup)
                #expect(plan[cgroup.role] == cgroup)
            }
            #expect(plan[try CgroupPath(parsing: "/kubepods/podg/other")] == nil)
            #expect(plan[.root] == nil)
            #expect(plan[.container(podUID: "b", name: "c1")] == nil)
            #expect(plan[.pod(uid: "x")] == nil)
        }
    }

    @Test func `Planning takes time in proportion to the pods, and finding one does not`() throws {
        let amounts = ["cpu": "10m", "memory": "1Mi"]
        let many = try (0..<4000).map {
            try pod([VectorResources(requests: amounts), VectorResources()], uid: "u\($0)")
        }
        let clock = ContinuousClock()
        func time(_ count: Int) throws -> Duration {
            try clock.measure {
                let plan = try MemoryPlan(node: node, pods: Array(many[..<count]), policy: .tieredReservation)
                for cgroup in plan.cgroups where plan[cgroup.path] != cgroup { Issue.record("\(cgroup.path)") }
            }
        }
        _ = try time(100)
        let few = try (0..<3).map { _ in try time(400) }.min() ?? .zero
        let all = try time(4000)
        // Ten times the pods take ten times as long, where a search through all would take a hundred times as long.
        #expect(all < few * 40, "400 pods: \(few), 4000: \(all)")
    }
}
