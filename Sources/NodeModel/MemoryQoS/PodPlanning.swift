// SPDX-License-Identifier: Apache-2.0

extension MemoryPlan {
    /// Plans a pod and its containers.
    mutating func add(_ summary: PodSummary, _ node: Node, _ policy: MemoryReservationPolicy) throws(MemoryPlanError) {
        let pod = summary.pod
        let qosClass = summary.qosClass
        let path = try node.path(of: pod, qosClass)
        let parameters = PodCgroupParameters(
            of: pod.spec, qosClass, requests: summary.requests, enforceCPULimits: node.enforceCPULimits,
            quotaPeriod: node.quotaPeriod, podLevelResources: true)
        var cgroup = PlannedCgroup(path: path, role: .pod(uid: pod.uid), request: summary.protected)
        let protection = MemoryProtection(summary.protected, qosClass, policy)
            .limited(by: node.minHeadroom, under: parameters.memoryLimit)
        // Under a policy a pod has one of the two at most; without one zeros clear what an earlier policy has left.
        let cleared: ByteCount? = policy == .none && node.behaviour == .fixed ? .zero : nil
        cgroup.write("memory.min", protection.min ?? cleared)
        cgroup.write("memory.low", protection.low ?? cleared)
        cgroup.write("memory.max", parameters.memoryLimit)
        cgroup.write("cpu.weight", parameters.cpuShares.linearWeight)
        cgroup.write("cpu.max", parameters.cpuQuota)
        cgroup.write("pids.max", node.podPIDsLimit.flatMap { $0 > 0 ? $0 : nil })
        let hugePages = node.hugePageSizes.isEmpty ? [:] : summary.requests.hugePages
        cgroup.writeHugePages(node) { hugePages[$0] ?? .zero }
        positionsByUID[pod.uid] = cgroups.count
        if let name = path.name { positionsByName[name] = cgroups.count }
        cgroups.append(cgroup)
        pods.append(
            PlannedPod(
                namespace: pod.namespace, name: pod.name, uid: pod.uid, qosClass: qosClass, request: summary.protected,
                milliCPU: summary.requests.milliCPU))
        try addContainers(of: summary, below: path, protection, node, policy)
    }

    /// Plans the containers so that together they are protected no more than their pod is.
    ///
    /// An ordinary init container has ended before the containers start, so a pod asks for the larger of the two and not
    /// for their sum. In a tree, where the control groups of both are there at once, the containers that stay come
    /// first; what a parent has beyond that, the kernel gives to whichever child uses it (`memory_recursiveprot`).
    private mutating func addContainers(
        of summary: PodSummary, below path: CgroupPath, _ ofPod: MemoryProtection, _ node: Node,
        _ policy: MemoryReservationPolicy
    ) throws(MemoryPlanError) {
        let pod = summary.pod
        let containers = pod.spec.initContainers + pod.spec.containers
        var seen: Set<String> = []
        for container in containers where !seen.insert(container.name).inserted {
            throw .duplicateContainer(container.name, pod: pod.description)
        }
        let initCount = pod.spec.initContainers.count
        let leaving = containers.indices.filter { $0 < initCount && !containers[$0].isSidecar }
        let staying = containers.indices.filter { $0 >= initCount || containers[$0].isSidecar }
        var protections = containers.map { MemoryProtection(of: $0, qosClass: summary.qosClass, policy: policy) }
        var left = ofPod
        for index in staying + leaving {
            let limit = containers[index].memoryLimit(in: pod)
            let wanted = protections[index].limited(by: node.minHeadroom, under: limit)
            protections[index] = node.behaviour == .fixed ? wanted.taken(from: &left) : wanted
        }
        for (container, protection) in zip(containers, protections) {
            cgroups.append(try Self.planned(container, of: summary, below: path, protection, node, policy))
        }
    }

    private static func planned(
        _ container: Container, of summary: PodSummary, below parent: CgroupPath, _ protection: MemoryProtection,
        _ node: Node, _ policy: MemoryReservationPolicy
    ) throws(MemoryPlanError) -> PlannedCgroup {
        let pod = summary.pod
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
        var cgroup = PlannedCgroup(
            path: path, role: .container(podUID: pod.uid, name: container.name),
            request: container.resources.requests.memoryBytes)
        if !node.keepsStaleValues {
            cgroup.write("memory.min", protection.min ?? .zero)
            cgroup.write("memory.low", protection.low ?? .zero)
            let isCleared = node.behaviour == .fixed && (policy == .none || node.throttlingFactor == nil)
            let high = node.memoryHigh(of: container, qosClass: summary.qosClass)
            cgroup.write("memory.high", high ?? (isCleared ? .max : nil))
        }
        cgroup.write("memory.max", parameters.memoryLimit)
        cgroup.write("memory.oom.group", parameters.killsWhole ? "1" : "0")
        cgroup.write("cpu.weight", parameters.cpuShares.runtimeWeight)
        cgroup.write("cpu.max", parameters.cpuQuota)
        cgroup.writeHugePages(node) { parameters.hugePages[$0] ?? .zero }
        return cgroup
    }
}

extension Container {
    /// The memory limit of the container, or without one of its pod as a whole.
    fileprivate func memoryLimit(in pod: Pod) -> ByteCount? {
        ContainerCgroupParameters(of: resources, podLimits: pod.spec.resources?.limits ?? [:]).memoryLimit
    }
}

extension MemoryProtection {
    /// The same with room left between `memory.min` and the limit.
    fileprivate func limited(by headroom: MinHeadroom?, under limit: ByteCount?) -> MemoryProtection {
        guard let min, let headroom, let limit else { return self }
        return MemoryProtection(min: Swift.min(min, headroom.protectable(under: limit)), low: low)
    }

    /// As much of this as is left, which becomes less by it.
    fileprivate func taken(from left: inout MemoryProtection) -> MemoryProtection {
        func take(_ amount: ByteCount?, _ left: inout ByteCount?) -> ByteCount? {
            guard let amount else { return nil }
            let taken = Swift.min(amount, left ?? .zero)
            left = (left ?? .zero) - taken
            return taken
        }
        return MemoryProtection(min: take(min, &left.min), low: take(low, &left.low))
    }
}

extension Node {
    /// The `memory.high` of a container; nil when the kernel's `max` is kept.
    public func memoryHigh(of container: Container, qosClass: QoSClass) -> ByteCount? {
        guard memoryQoS else { return nil }
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

    fileprivate func path(of pod: Pod, _ qosClass: QoSClass) throws(MemoryPlanError) -> CgroupPath {
        do {
            return try layout.name(ofPod: pod.uid, class: qosClass).path(driver: layout.driver)
        } catch {
            throw .name(pod: pod.description, error)
        }
    }
}
