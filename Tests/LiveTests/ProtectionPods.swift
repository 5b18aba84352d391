// SPDX-License-Identifier: Apache-2.0

import Cgroups
import LinuxKernel
import NodeModel
import TestSupport
import Testing

/// A pod of each class with one container, `app`, in cgroups with the values of a plan.
struct ProtectionPods: ~Copyable {
    /// Who decides the values.
    enum Layout: String, CaseIterable {
        /// No protection (`memoryReservationPolicy: None`).
        case none = "none"
        /// What Kubernetes 1.36.0 writes: the root of all pods has no `memory.low`.
        case kubernetes136 = "1.36.0"
        /// What it describes, and Bulkhead writes.
        case fixed = "fixed"
    }

    let owner: TransientCgroup
    let plan: MemoryPlan

    /// Each pod but the BestEffort one asks for `request`; a container's `memory.high` is not set, as by default from
    /// Kubernetes 1.37 on.
    init(_ layout: Layout, request: ByteCount, allocatable: ByteCount) throws {
        let name = TestTree.newName()
        let node = Node(
            capacity: NodeResources(memory: allocatable, milliCPU: 1000), throttlingFactor: nil,
            layout: PodCgroupLayout(root: try CgroupName(cgroupfs: name)),
            behaviour: layout == .kubernetes136 ? .kubelet136 : .fixed)
        let all: ResourceList = ["memory": Quantity(Int64(request.bytes)), "cpu": Quantity(1)]
        let pods = [
            Self.pod("g", ResourceRequirements(requests: all, limits: all)),
            Self.pod("b", ResourceRequirements(requests: ["memory": Quantity(Int64(request.bytes))])),
            Self.pod("e", ResourceRequirements()),
        ]
        // What 1.36.0 writes does not cover itself, and is refused otherwise.
        var options = TreeOptions()
        options.force = layout == .kubernetes136
        // A value without copies cannot throw once it is half made.
        let made = try TransientCgroup(named: name, in: Cgroup.root(), enabling: [.memory, .cpu])
        plan = try PodTree(layout: node.layout).apply(
            pods, on: node, policy: layout == .none ? .none : .tieredReservation, options: options
        ).memoryPlan
        owner = made
    }

    static func pod(_ uid: String, _ resources: ResourceRequirements) -> Pod {
        Pod(name: uid, uid: uid, spec: PodSpec(containers: [Container(name: "app", resources: resources)]))
    }

    /// The container of a pod.
    func container(_ uid: String) throws -> Cgroup {
        try Cgroup.root().open(try #require(plan[.container(podUID: uid, name: "app")]).path)
    }
}
