// SPDX-License-Identifier: Apache-2.0

extension MemoryPlan {
    /// The plan for a node's pods. Pods that have ended take no part.
    ///
    /// What an earlier policy may have left behind is cleared: where nothing is to be protected, zero is written, and
    /// where nothing is to be throttled on the whole node, `max`.
    ///
    /// Source: KEP-2570; Kubernetes, pkg/kubelet/cm/qos_container_manager_linux.go and helpers_linux.go.
    /// - Parameters:
    ///   - node: the machine.
    ///   - pods: the pods to plan.
    ///   - policy: how requests are turned into protection; without effect where the node has Memory QoS off.
    ///   - present: the sums of pods that are on the node already and not among `pods`: the control groups above all
    ///     pods, the metrics and the warnings count both.
    /// - Throws: ``MemoryPlanError`` when a name cannot be that of a control group, or two pods would share one.
    public init(
        node: Node, pods: [Pod], policy: MemoryReservationPolicy = .none, present: PodTotals = .init()
    ) throws(MemoryPlanError) {
        let policy = node.memoryQoS ? policy : .none
        let active = try pods.filter(\.isActive).uniqueByUID().map(PodSummary.init)
        let sums = active.reduce(into: present) { $0 += $1.totals }
        try addRoot(node, sums, policy)
        for qosClass in [QoSClass.burstable, .bestEffort] { try add(qosClass, node, sums, policy) }
        cgroups += node.reservedCgroups.map { $0.planned(node) }
        for pod in active { try add(pod, node, policy) }
        if policy == .tieredReservation {
            metrics = MemoryQoSMetrics(guaranteed: sums.guaranteed, burstable: sums.burstable)
        }
        addWarnings(node: node, pods: active, sums: sums, policy: policy)
    }

    private mutating func addRoot(
        _ node: Node, _ sums: PodTotals, _ policy: MemoryReservationPolicy
    ) throws(MemoryPlanError) {
        let path = try node.path(.guaranteed)
        var root = PlannedCgroup(path: path, role: .allPods)
        // The root of the hierarchy itself has none of these files, and needs none: it is the machine.
        defer { cgroups.append(root) }
        if path.isRoot { return }
        let isTiered = policy == .tieredReservation
        if !node.keepsStaleValues {
            root.write("memory.min", isTiered ? sums.guaranteed + sums.burstable : .zero)
            if node.behaviour == .fixed { root.write("memory.low", isTiered ? sums.burstable : .zero) }
        }
        let limits = node.enforcesAllocatable ? node.allocatable : node.capacity
        root.write("memory.max", limits.memory)
        root.write("cpu.weight", limits.milliCPU.map { CPUShares(milliCPU: $0).linearWeight })
    }

    private mutating func add(
        _ qosClass: QoSClass, _ node: Node, _ sums: PodTotals, _ policy: MemoryReservationPolicy
    ) throws(MemoryPlanError) {
        let path = try node.path(qosClass)
        var cgroup = PlannedCgroup(path: path, role: .pods(qosClass))
        if qosClass == .burstable, !node.keepsStaleValues {
            cgroup.write("memory.low", policy == .tieredReservation ? sums.burstable : .zero)
        }
        cgroup.write("memory.max", sums.reservedLimit(of: qosClass, node: node))
        let shares = qosClass == .burstable ? CPUShares(milliCPU: sums.burstableMilliCPU) : .minimum
        cgroup.write("cpu.weight", shares.linearWeight)
        cgroup.writeHugePages(node) { _ in .unboundedHugePages }
        cgroups.append(cgroup)
    }
}

extension Node {
    /// Whether what Memory QoS wrote before it was switched off is left where it is, as Kubernetes 1.36.0 does.
    var keepsStaleValues: Bool { behaviour == .kubelet136 && !memoryQoS }

    fileprivate func path(_ qosClass: QoSClass) throws(MemoryPlanError) -> CgroupPath {
        do {
            return try layout.name(of: qosClass).path(driver: layout.driver)
        } catch {
            throw .name(pod: "the root of all pods", error)
        }
    }
}

extension [Pod] {
    fileprivate func uniqueByUID() throws(MemoryPlanError) -> [Pod] {
        var owners: [String: String] = [:]
        for pod in self {
            if let first = owners.updateValue(pod.description, forKey: pod.uid) {
                throw .duplicateUID(pod.uid, first: first, second: pod.description)
            }
        }
        return self
    }
}
