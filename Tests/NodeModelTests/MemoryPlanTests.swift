// SPDX-License-Identifier: Apache-2.0

import Foundation
import NodeModel
import Testing

@Suite struct MemoryPlanTests {
    private let node = Node(
        capacity: NodeResources(memory: .gibibytes(8), milliCPU: 4000),
        systemReserved: NodeResources(memory: .mebibytes(512)), kubeReserved: NodeResources(milliCPU: 500))

    private func pods() throws -> [Pod] {
        [
            try pod([VectorResources(requests: guaranteed, limits: guaranteed)], uid: "g"),
            try pod(
                [VectorResources(requests: ["memory": "128Mi"], limits: ["memory": "256Mi"]), VectorResources()],
                uid: "b"),
            try pod([VectorResources()], uid: "e"),
        ]
    }
    private let guaranteed = ["cpu": "1", "memory": "1Gi"]

    @Test func `A plan holds every control group from the root down`() throws {
        let plan = try MemoryPlan(node: node, pods: try pods(), policy: .tieredReservation)
        #expect(
            plan.cgroups.map(\.path.description) == [
                "/kubepods", "/kubepods/burstable", "/kubepods/besteffort", "/kubepods/podg", "/kubepods/podg/c0",
                "/kubepods/burstable/podb", "/kubepods/burstable/podb/c0", "/kubepods/burstable/podb/c1",
                "/kubepods/besteffort/pode", "/kubepods/besteffort/pode/c0",
            ])
        for (index, cgroup) in plan.cgroups.enumerated() where index > 0 {
            #expect(plan.cgroups[..<index].contains { $0.path == cgroup.path.parent })
        }
        #expect(plan.pods.map(\.qosClass) == [.guaranteed, .burstable, .bestEffort])
    }

    @Test func `A plan prints every write`() throws {
        let plan = try MemoryPlan(node: node, pods: try pods(), policy: .tieredReservation)
        #expect(
            plan.description == """
                memory.min <- 1207959552 in /kubepods
                memory.low <- 134217728 in /kubepods
                memory.max <- 8053063680 in /kubepods
                cpu.weight <- 137 in /kubepods
                memory.low <- 134217728 in /kubepods/burstable
                cpu.weight <- 1 in /kubepods/burstable
                cpu.weight <- 1 in /kubepods/besteffort
                memory.min <- 1073741824 in /kubepods/podg
                memory.max <- 1073741824 in /kubepods/podg
                cpu.weight <- 39 in /kubepods/podg
                cpu.max <- 100000 100000 in /kubepods/podg
                memory.min <- 1073741824 in /kubepods/podg/c0
                memory.low <- 0 in /kubepods/podg/c0
                memory.max <- 1073741824 in /kubepods/podg/c0
                memory.oom.group <- 1 in /kubepods/podg/c0
                cpu.weight <- 100 in /kubepods/podg/c0
                cpu.max <- 100000 100000 in /kubepods/podg/c0
                memory.low <- 134217728 in /kubepods/burstable/podb
                cpu.weight <- 1 in /kubepods/burstable/podb
                memory.min <- 0 in /kubepods/burstable/podb/c0
                memory.low <- 134217728 in /kubepods/burstable/podb/c0
                memory.high <- 255012864 in /kubepods/burstable/podb/c0
                memory.max <- 268435456 in /kubepods/burstable/podb/c0
                memory.oom.group <- 1 in /kubepods/burstable/podb/c0
                cpu.weight <- 1 in /kubepods/burstable/podb/c0
                memory.min <- 0 in /kubepods/burstable/podb/c1
                memory.low <- 0 in /kubepods/burstable/podb/c1
                memory.high <- 7247757312 in /kubepods/burstable/podb/c1
                memory.oom.group <- 1 in /kubepods/burstable/podb/c1
                cpu.weight <- 1 in /kubepods/burstable/podb/c1
                cpu.weight <- 1 in /kubepods/besteffort/pode
                memory.min <- 0 in /kubepods/besteffort/pode/c0
                memory.low <- 0 in /kubepods/besteffort/pode/c0
                memory.high <- 7247757312 in /kubepods/besteffort/pode/c0
                memory.oom.group <- 1 in /kubepods/besteffort/pode/c0
                cpu.weight <- 1 in /kubepods/besteffort/pode/c0
                """)
    }

    @Test func `The JSON document has the promised shape`() throws {
        let plan = try MemoryPlan(node: node, pods: try pods(), policy: .tieredReservation)
        let data = try JSONEncoder().encode(plan)
        let document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let cgroups = try #require(document["cgroups"] as? [[String: Any]])
        #expect(cgroups[0]["path"] as? String == "/kubepods")
        #expect((cgroups[0]["files"] as? [String: String])?["memory.min"] == "1207959552")
        let pods = try #require(document["pods"] as? [[String: String]])
        #expect(pods[0] == ["namespace": "default", "name": "pod-g", "uid": "g", "qosClass": "Guaranteed"])
        let metrics = try #require(document["metrics"] as? [String: Int])
        #expect(metrics["kubelet_memory_qos_node_memory_min_bytes"] == 1_073_741_824)
        #expect(metrics["kubelet_memory_qos_node_memory_low_bytes"] == 134_217_728)
        let warnings = try #require(document["warnings"] as? [[String: String]])
        #expect(warnings.map { $0["id"] } == ["min-equals-max"])
    }

    @Test func `Without a policy nothing is protected, and what was is cleared`() throws {
        let plan = try MemoryPlan(node: node, pods: try pods(), policy: .none)
        #expect(plan[.allPods]?["memory.min"] == "0")
        #expect(plan[.allPods]?["memory.low"] == "0")
        #expect(plan[.pods(.burstable)]?["memory.low"] == "0")
        #expect(plan.writes.allSatisfy { !["memory.min", "memory.low"].contains($0.file) || $0.value == "0" })
        #expect(plan.metrics == MemoryQoSMetrics())
        #expect(plan[.container(podUID: "b", name: "c0")]?["memory.high"] == "255012864")
        #expect(plan.warnings.isEmpty)
    }

    @Test func `Kubernetes 1.36 protects nothing below the root and throttles no container that asks for nothing`()
        throws
    {
        var released = node
        released.behaviour = .kubelet136
        let plan = try MemoryPlan(node: released, pods: try pods(), policy: .tieredReservation)
        #expect(plan[.allPods]?["memory.low"] == nil)
        #expect(plan[.container(podUID: "e", name: "c0")]?["memory.high"] == nil)
    }

    @Test func `A pod made Guaranteed as a whole is not throttled`() throws {
        let own = VectorResources(requests: ["memory": "1Mi"], limits: ["memory": "8Mi"])
        let whole = VectorResources(requests: guaranteed, limits: guaranteed)
        let one = try pod([own], podLevel: whole)
        let role = CgroupRole.container(podUID: "uid", name: "c0")
        #expect(try MemoryPlan(node: node, pods: [one], policy: .tieredReservation)[role]?["memory.high"] == nil)
        var released = node
        released.behaviour = .kubelet136
        #expect(try MemoryPlan(node: released, pods: [one])[role]?["memory.high"] != nil)
    }

    @Test func `systemd names control groups by slices and scopes`() throws {
        var systemd = node
        systemd.layout = PodCgroupLayout(driver: .systemd)
        let plan = try MemoryPlan(node: systemd, pods: [pod([VectorResources()], uid: "1-2")])
        #expect(
            plan.cgroups.last?.path.description
                == "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/bulkhead-c0.scope")
    }

    @Test func `Pods may be put right below the root of the hierarchy, where nothing is written`() throws {
        var bare = node
        bare.layout = PodCgroupLayout(root: .root)
        let plan = try MemoryPlan(node: bare, pods: try pods(), policy: .tieredReservation)
        #expect(plan[.allPods]?.path == .root)
        #expect(plan[.allPods]?.files.isEmpty == true)
        #expect(plan[.pod(uid: "b")]?.path.description == "/burstable/podb")
    }

    @Test func `More protection than the node has for pods is warned of`() throws {
        let eight = ["cpu": "1", "memory": "8Gi"]
        let plan = try MemoryPlan(
            node: node, pods: [pod([VectorResources(requests: eight)])], policy: .tieredReservation)
        #expect(plan.warnings.map(\.id) == ["overcommitted-protection"])
        #expect(plan.warnings[0].text.contains("8589934592"))
        #expect(plan.warnings[0].text.contains("8053063680"))
    }

    @Test func `Reserving the whole node is warned of`() throws {
        let small = Node(
            capacity: NodeResources(memory: .gibibytes(1)), kubeReserved: NodeResources(memory: .gibibytes(2)))
        #expect(small.allocatable.memory == .zero)
        #expect(try MemoryPlan(node: small, pods: []).warnings.map(\.id) == ["nothing-allocatable"])
    }

    @Test func `Throttling that is never reached is warned of`() throws {
        let whole = VectorResources(requests: ["memory": "64Mi"], limits: ["memory": "128Mi"])
        let plan = try MemoryPlan(node: node, pods: [pod([VectorResources()], podLevel: whole)])
        #expect(plan[.container(podUID: "uid", name: "c0")]?["memory.max"] == "134217728")
        #expect(plan.warnings.map(\.id) == ["high-above-max"])
    }

    @Test func `A pod that asks for less than its containers is warned of`() throws {
        let own = VectorResources(requests: ["memory": "64Mi"])
        let whole = VectorResources(requests: ["memory": "32Mi"])
        let plan = try MemoryPlan(node: node, pods: [pod([own], podLevel: whole)], policy: .tieredReservation)
        #expect(plan.warnings.map(\.id) == ["overcommitted-protection"])
    }

    @Test func `Pods that have ended take no part`() throws {
        var ended = try pods()
        for index in ended.indices { ended[index].phase = index == 0 ? .failed : .succeeded }
        let plan = try MemoryPlan(node: node, pods: ended, policy: .tieredReservation)
        #expect(plan == (try MemoryPlan(node: node, pods: [], policy: .tieredReservation)))
    }

    @Test func `Pods that would share a control group are refused`() throws {
        let two = try [pod([VectorResources()]), pod([VectorResources()])]
        #expect(throws: MemoryPlanError.duplicateUID("uid", first: "default/pod-uid", second: "default/pod-uid")) {
            try MemoryPlan(node: node, pods: two)
        }
        var twin = two[0]
        twin.spec.initContainers = twin.spec.containers
        #expect(throws: MemoryPlanError.duplicateContainer("c0", pod: "default/pod-uid")) {
            try MemoryPlan(node: node, pods: [twin])
        }
        #expect(throws: MemoryPlanError.self) {
            try MemoryPlan(node: node, pods: [pod([VectorResources()], uid: "../../x")])
        }
    }

    @Test func `Processes of a pod are limited when the node says so`() throws {
        var limited = node
        limited.podPIDsLimit = 100
        let plan = try MemoryPlan(node: limited, pods: try pods())
        #expect(plan[.pod(uid: "e")]?["pids.max"] == "100")
        #expect(plan[.container(podUID: "e", name: "c0")]?["pids.max"] == nil)
    }
}
