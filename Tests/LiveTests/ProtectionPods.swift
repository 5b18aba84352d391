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
        let plan = try MemoryPlan(
            node: node,
            pods: [
                Self.pod("g", ResourceRequirements(requests: all, limits: all)),
                Self.pod("b", ResourceRequirements(requests: ["memory": Quantity(Int64(request.bytes))])),
                Self.pod("e", ResourceRequirements()),
            ], policy: layout == .none ? .none : .tieredReservation)
        // A value without copies cannot throw once it is half made.
        let made = try TransientCgroup(named: name, in: Cgroup.root(), enabling: [.memory, .cpu])
        try write(plan)
        self.plan = plan
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

/// Makes what is missing of a plan's cgroups, and writes their values.
func write(_ plan: MemoryPlan) throws {
    let root = try Cgroup.root()
    for cgroup in plan.cgroups {
        if let parent = cgroup.path.parent, let name = cgroup.path.name {
            _ = try root.open(parent).openOrCreateChild(name, enabling: [.memory, .cpu])
        }
        try root.open(cgroup.path).write(cgroup.files)
    }
}
