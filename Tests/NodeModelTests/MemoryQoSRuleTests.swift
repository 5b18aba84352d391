// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Testing

@Suite struct MemoryQoSRuleTests {
    private let node = Node(capacity: NodeResources(memory: .gibibytes(8), milliCPU: 4000))
    private let whole = VectorResources(
        requests: ["cpu": "1", "memory": "1Gi"], limits: ["cpu": "1", "memory": "1Gi"])
    private let partly = VectorResources(requests: ["memory": "128Mi"], limits: ["memory": "256Mi"])

    private func plan(
        _ node: Node, _ pods: [Pod], _ policy: MemoryReservationPolicy = .tieredReservation
    ) throws -> MemoryPlan { try MemoryPlan(node: node, pods: pods, policy: policy) }

    /// The cgroups that have less of a protection than their children together.
    private func violations(_ plan: MemoryPlan) throws -> [String] {
        try plan.cgroups.flatMap { parent in
            try ["memory.min", "memory.low"].compactMap { file in
                let children = plan.cgroups.filter { $0.path.parent == parent.path }
                let sum = try children.map { try ByteCount(parsing: $0[file] ?? "0") }.total()
                return try ByteCount(parsing: parent[file] ?? "0") < sum ? "\(parent.path) \(file)" : nil
            }
        }
    }

    @Test func `Init containers take no protection from those that stay, and the pod covers all of them`() throws {
        let sidecar = Container(name: "s", resources: try partly.model(), restartPolicy: .always)
        var one = try pod([partly], initContainers: [partly, partly])
        one.spec.initContainers.append(sidecar)
        let plan = try plan(node, [one])
        #expect(plan[.pod(uid: "uid")]?["memory.low"] == "268435456")
        #expect(plan[.container(podUID: "uid", name: "c0")]?["memory.low"] == "134217728")
        #expect(plan[.container(podUID: "uid", name: "s")]?["memory.low"] == "134217728")
        #expect(plan[.container(podUID: "uid", name: "i0")]?["memory.low"] == "0")
        #expect(try violations(plan).isEmpty)
        // A larger init container is protected by what the others leave of the pod's.
        let large = try self.plan(node, [pod([partly], initContainers: [whole])])
        #expect(large[.container(podUID: "uid", name: "i0")]?["memory.low"] == "939524096")
        #expect(try violations(large).isEmpty)
    }

    @Test func `A pod that asks for less than its containers covers them still`() throws {
        let plan = try plan(node, [pod([partly, partly], podLevel: VectorResources(requests: ["memory": "200Mi"]))])
        #expect(plan[.container(podUID: "uid", name: "c1")]?["memory.low"] == "75497472")
        #expect(try violations(plan).isEmpty)
    }

    @Test(arguments: [
        (MinHeadroom.percent(10), "966367641"), (.bytes(.mebibytes(24)), "1048576000"), (.percent(0), "1073741824"),
    ])
    func `Headroom keeps memory.min below memory.max`(headroom: MinHeadroom, min: String) throws {
        var roomy = node
        roomy.minHeadroom = headroom
        let plan = try plan(roomy, [pod([whole])])
        #expect(plan[.container(podUID: "uid", name: "c0")]?["memory.min"] == min)
        #expect(plan[.container(podUID: "uid", name: "c0")]?["memory.max"] == "1073741824")
        #expect(plan[.pod(uid: "uid")]?["memory.min"] == min)
        #expect(plan.metrics.guaranteed == .gibibytes(1))
        #expect(plan.warnings.map(\.id) == (headroom == .percent(0) ? ["min-equals-max"] : []))
        #expect(try violations(plan).isEmpty)
    }

    @Test func `Headroom never makes a sum of containers exceed their pod`() throws {
        var roomy = node
        roomy.minHeadroom = .bytes(.mebibytes(100))
        // As a whole Guaranteed, of containers without limits of their own.
        let free = VectorResources(requests: ["memory": "500Mi"])
        let plan = try plan(roomy, [pod([free, free], podLevel: whole)])
        #expect(plan[.pod(uid: "uid")]?["memory.min"] == "968884224")
        #expect(try violations(plan).isEmpty)
        roomy.minHeadroom = .bytes(.gibibytes(2))
        let none = try self.plan(roomy, [pod([whole])])
        #expect(none[.pod(uid: "uid")]?["memory.min"] == "0")
        #expect(none.warnings.map(\.id) == ["useless-protection"])
    }

    @Test func `With no policy or the feature off every value that it may have written is cleared`() throws {
        var off = node
        off.memoryQoS = false
        let pods = [try pod([whole], uid: "g"), try pod([partly], uid: "b"), try pod([VectorResources()], uid: "e")]
        for (node, policy) in [(node, MemoryReservationPolicy.none), (off, .none), (off, .tieredReservation)] {
            let plan = try plan(node, pods, policy)
            for cgroup in plan.cgroups where cgroup.role != .pods(.burstable) && cgroup.role != .pods(.bestEffort) {
                #expect(cgroup["memory.min"] == "0", "\(cgroup.path)")
                #expect(cgroup["memory.low"] == "0", "\(cgroup.path)")
            }
            #expect(plan[.pods(.burstable)]?["memory.low"] == "0")
            #expect(plan[.container(podUID: "g", name: "c0")]?["memory.high"] == "max")
            let high = plan[.container(podUID: "b", name: "c0")]?["memory.high"]
            #expect(high == (node.memoryQoS ? "255012864" : "max"))
            #expect(plan.metrics == MemoryQoSMetrics())
        }
    }

    @Test func `Without a throttling factor memory.high is cleared`() throws {
        var free = node
        free.throttlingFactor = nil
        let plan = try plan(free, [pod([partly])])
        #expect(plan[.container(podUID: "uid", name: "c0")]?["memory.high"] == "max")
    }

    @Test func `Kubernetes 1.36 leaves what it wrote when the feature is off, and what it does not protect is told`()
        throws
    {
        var released = node
        released.behaviour = .kubelet136
        #expect(try plan(released, [pod([partly])]).warnings.map(\.id) == ["useless-protection"])
        released.minHeadroom = .percent(10)
        let roomy = try plan(released, [pod([whole])])
        #expect(roomy[.container(podUID: "uid", name: "c0")]?["memory.min"] == "966367641")
        released.memoryQoS = false
        let plan = try plan(released, [pod([whole], uid: "g"), pod([partly], uid: "b")])
        #expect(plan.writes.allSatisfy { !["memory.min", "memory.low", "memory.high"].contains($0.file) })
    }

    @Test func `What is set aside is protected and limited where that is enforced`() throws {
        var enforcing = node
        enforcing.systemReserved = NodeResources(memory: .mebibytes(512), milliCPU: 500)
        enforcing.kubeReserved = NodeResources(memory: .gibibytes(1), milliCPU: 1000)
        enforcing.reservedCgroups = [
            ReservedCgroup(.kubernetes, path: try CgroupPath(parsing: "/kube")),
            ReservedCgroup(.system, path: try CgroupPath(parsing: "/system"), isCompressibleOnly: true),
        ]
        let plan = try plan(enforcing, [], .none)
        let kube = try #require(plan[.reserved(.kubernetes)])
        #expect(kube["memory.min"] == "1073741824" && kube["memory.max"] == "1073741824")
        #expect(kube["cpu.weight"] == "39")
        #expect(plan[.reserved(.system)]?.files == [PlannedFile(name: "cpu.weight", value: "20")])
        #expect(plan.warnings.map(\.id) == ["min-equals-max"])
        enforcing.memoryQoS = false
        #expect(try self.plan(enforcing, [], .none)[.reserved(.kubernetes)]?["memory.min"] == "0")
    }

    @Test func `Pods that are not held to what they can use are held to what the machine has`() throws {
        var free = node
        free.kubeReserved = NodeResources(memory: .gibibytes(1))
        #expect(try plan(free, [])[.allPods]?["memory.max"] == "7516192768")
        free.enforcesAllocatable = false
        #expect(try plan(free, [])[.allPods]?["memory.max"] == "8589934592")
    }

    @Test func `Huge pages are limited at every level, for the sizes the node has`() throws {
        var huge = node
        huge.hugePageSizes = [.gibibytes(1), .mebibytes(2)]
        let amounts = [
            "cpu": "1", "memory": "1Gi", "hugepages-2Mi": "4Mi", "hugepages-2097152": "2Mi", "hugepages-64Ki": "1Mi",
        ]
        let plan = try plan(huge, [pod([VectorResources(requests: amounts, limits: amounts), partly])])
        let one = try #require(plan[.pod(uid: "uid")])
        #expect(
            one.files.filter { $0.name.hasPrefix("hugetlb") }.map { "\($0.name) \($0.value)" } == [
                "hugetlb.2MB.max 6291456", "hugetlb.2MB.rsvd.max 6291456", "hugetlb.1GB.max 0",
                "hugetlb.1GB.rsvd.max 0",
            ])
        #expect(plan[.container(podUID: "uid", name: "c0")]?["hugetlb.2MB.max"] == "6291456")
        #expect(plan[.container(podUID: "uid", name: "c1")]?["hugetlb.2MB.max"] == "0")
        #expect(plan[.pods(.bestEffort)]?["hugetlb.1GB.max"] == "4611686018427387904")
        #expect(plan[.allPods]?["hugetlb.2MB.max"] == nil)
        huge.kernel = KernelNumber(5, 6)
        #expect(try self.plan(huge, [pod([partly])])[.pod(uid: "uid")]?["hugetlb.2MB.rsvd.max"] == nil)
        #expect(
            [ByteCount.kibibytes(64), .mebibytes(32), .gibibytes(16)].map(\.hugePageName) == ["64KB", "32MB", "16GB"])
    }

    @Test func `A kernel below 5.9 is warned of where something is throttled`() throws {
        var old = node
        for (kernel, ids) in [
            (KernelNumber(5, 8), ["memory-high-livelock"]), (KernelNumber(5, 10), []),
            (KernelNumber(4, 19), ["memory-high-livelock"]),
        ] {
            old.kernel = kernel
            #expect(try plan(old, [pod([partly])]).warnings.map(\.id) == ids)
        }
        old.kernel = KernelNumber(5, 4)
        old.throttlingFactor = nil
        #expect(try plan(old, [pod([partly])]).warnings.isEmpty)
    }

    @Test func `What the kernel rounds to nothing is warned of`() throws {
        let typo = VectorResources(requests: ["memory": "128m"], limits: ["memory": "200"])
        let plan = try plan(node, [pod([typo])])
        #expect(Set(plan.warnings.map(\.id)) == ["below-one-page"])
        #expect(plan.warnings.count == 4)
    }

    @Test func `Protection that leaves no room under the limit of all pods is warned of`() throws {
        let all = VectorResources(requests: ["memory": "8Gi"])
        #expect(try plan(node, [pod([all])]).warnings.map(\.id) == ["min-equals-max"])
    }

    @Test func `A root below another control group is warned of`() throws {
        var nested = node
        nested.layout = PodCgroupLayout(root: try CgroupName(["custom", "kubepods"]))
        #expect(try plan(nested, [pod([partly])]).warnings.map(\.id) == ["foreign-ancestor"])
        #expect(try plan(nested, [pod([VectorResources()])]).warnings.isEmpty)
    }

    @Test func `The metrics are in the text format of Prometheus`() {
        let text = MemoryQoSMetrics(guaranteed: .gibibytes(1), burstable: .zero).prometheusText
        let lines = text.split(separator: "\n")
        #expect(lines.count == 6)
        #expect(lines[1] == "# TYPE kubelet_memory_qos_node_memory_min_bytes gauge")
        #expect(lines[2] == "kubelet_memory_qos_node_memory_min_bytes 1073741824")
        #expect(lines[3].hasPrefix("# HELP kubelet_memory_qos_node_memory_low_bytes "))
        #expect(lines[5] == "kubelet_memory_qos_node_memory_low_bytes 0")
    }
}
