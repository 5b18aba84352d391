// SPDX-License-Identifier: Apache-2.0

extension MemoryPlan {
    /// The plan for a node's pods. Pods that have ended take no part.
    ///
    /// Source: KEP-2570; Kubernetes, pkg/kubelet/cm/qos_container_manager_linux.go and helpers_linux.go.
    /// - Parameters:
    ///   - node: the machine.
    ///   - pods: the pods to plan.
    ///   - policy: how requests are turned into protection.
    ///   - present: the sums of pods that are on the node already and not among `pods`: the control groups above all
    ///     pods, the metrics and the warnings count both.
    /// - Throws: ``MemoryPlanError`` when a name cannot be that of a control group, or two pods would share one.
    public init(
        node: Node, pods: [Pod], policy: MemoryReservationPolicy = .none, present: PodTotals = .init()
    ) throws(MemoryPlanError) {
        let active = try pods.filter(\.isActive).uniqueByUID().map(PodSummary.init)
        let sums = active.reduce(into: present) { $0 += $1.totals }
        try addRoot(node, sums, policy)
        for qosClass in [QoSClass.burstable, .bestEffort] { try add(qosClass, node, sums, policy) }
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
        let allocatable = node.allocatable
        var root = PlannedCgroup(path: path, role: .allPods)
        // The root of the hierarchy itself has none of these files, and needs none: it is the machine.
        defer { cgroups.append(root) }
        if path.isRoot { return }
        let isTiered = policy == .tieredReservation
        // Zero is written, not left out: it clears what an earlier policy left behind.
        root.write("memory.min", isTiered ? sums.guaranteed + sums.burstable : .zero)
        if node.behaviour == .fixed { root.write("memory.low", isTiered ? sums.burstable : .zero) }
        root.write("memory.max", allocatable.memory)
        root.write("cpu.weight", allocatable.milliCPU.map { CPUShares(milliCPU: $0).linearWeight })
    }

    private mutating func add(
        _ qosClass: QoSClass, _ node: Node, _ sums: PodTotals, _ policy: MemoryReservationPolicy
    ) throws(MemoryPlanError) {
        let path = try node.path(qosClass)
        var cgroup = PlannedCgroup(path: path, role: .pods(qosClass))
        if qosClass == .burstable {
            cgroup.write("memory.low", policy == .tieredReservation ? sums.burstable : .zero)
        }
        cgroup.write("memory.max", sums.reservedLimit(of: qosClass, node: node))
        let shares = qosClass == .burstable ? CPUShares(milliCPU: sums.burstableMilliCPU) : .minimum
        cgroup.write("cpu.weight", shares.linearWeight)
        cgroups.append(cgroup)
    }

    private mutating func add(
        _ summary: PodSummary, _ node: Node, _ policy: MemoryReservationPolicy
    ) throws(MemoryPlanError) {
        let pod = summary.pod
        let qosClass = summary.qosClass
        let path = try node.path(of: pod, qosClass)
        let parameters = PodCgroupParameters(
            of: pod.spec, qosClass, requests: summary.requests, enforceCPULimits: node.enforceCPULimits,
            quotaPeriod: node.quotaPeriod, podLevelResources: true)
        var cgroup = PlannedCgroup(path: path, role: .pod(uid: pod.uid), request: summary.protected)
        let protection = MemoryProtection(summary.protected, qosClass, policy)
        cgroup.write("memory.min", protection.min)
        cgroup.write("memory.low", protection.low)
        cgroup.write("memory.max", parameters.memoryLimit)
        cgroup.write("cpu.weight", parameters.cpuShares.linearWeight)
        cgroup.write("cpu.max", parameters.cpuQuota)
        cgroup.write("pids.max", node.podPIDsLimit.flatMap { $0 > 0 ? $0 : nil })
        positionsByUID[pod.uid] = cgroups.count
        if let name = path.name { positionsByName[name] = cgroups.count }
        cgroups.append(cgroup)
        pods.append(
            PlannedPod(
                namespace: pod.namespace, name: pod.name, uid: pod.uid, qosClass: qosClass, request: summary.protected,
                milliCPU: summary.requests.milliCPU))

        var seen: Set<String> = []
        for container in pod.spec.initContainers + pod.spec.containers {
            guard seen.insert(container.name).inserted else {
                throw .duplicateContainer(container.name, pod: pod.description)
            }
            cgroups.append(try Self.planned(container, of: pod, qosClass, below: path, node, policy))
        }
    }

    private static func planned(
        _ container: Container, of pod: Pod, _ qosClass: QoSClass, below parent: CgroupPath, _ node: Node,
        _ policy: MemoryReservationPolicy
    ) throws(MemoryPlanError) -> PlannedCgroup {
        let path: CgroupPath
        do {
            path = try parent.appending(node.runtime.leaf(id: container.name, driver: node.layout.driver))
        } catch {
            throw .container(pod: pod.description, error)
        }
        let parameters = ContainerCgroupParameters(
            of: container.resources, podLimits: pod.spec.resources?.limits ?? [:],
            enforceCPULimits: node.enforceCPULimits, quotaPeriod: node.quotaPeriod,
            singleProcessOOMKill: node.singleProcessOOMKill)
        let protection = MemoryProtection(of: container, qosClass: qosClass, policy: policy)
        var cgroup = PlannedCgroup(
            path: path, role: .container(podUID: pod.uid, name: container.name),
            request: container.resources.requests.memoryBytes)
        cgroup.write("memory.min", protection.min ?? .zero)
        cgroup.write("memory.low", protection.low ?? .zero)
        cgroup.write("memory.high", node.memoryHigh(of: container, qosClass: qosClass))
        cgroup.write("memory.max", parameters.memoryLimit)
        cgroup.write("memory.oom.group", parameters.killsWhole ? "1" : "0")
        cgroup.write("cpu.weight", parameters.cpuShares.runtimeWeight)
        cgroup.write("cpu.max", parameters.cpuQuota)
        return cgroup
    }
}

extension Node {
    /// The `memory.high` of a container; nil when the kernel's `max` is kept.
    public func memoryHigh(of container: Container, qosClass: QoSClass) -> ByteCount? {
        let request = container.resources.requests.memoryBytes
        let limit = container.resources.limits.memoryBytes
        switch behaviour {
        // Being Guaranteed is how a pod opts out of throttling (KEP-2570); the container's own request and limit
        // do not tell, when the pod as a whole has resources.
        case .fixed: if qosClass == .guaranteed { return nil }
        case .kubelet136: if request == limit { return nil }
        }
        return MemoryHigh.limit(
            request: request, limit: limit, nodeAllocatable: allocatable.memory, factor: throttlingFactor,
            pageSize: pageSize)
    }

    fileprivate func path(_ qosClass: QoSClass) throws(MemoryPlanError) -> CgroupPath {
        do {
            return try layout.name(of: qosClass).path(driver: layout.driver)
        } catch {
            throw .name(pod: "the root of all pods", error)
        }
    }

    fileprivate func path(of pod: Pod, _ qosClass: QoSClass) throws(MemoryPlanError) -> CgroupPath {
        do {
            return try layout.name(ofPod: pod.uid, class: qosClass).path(driver: layout.driver)
        } catch {
            throw .name(pod: pod.description, error)
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
