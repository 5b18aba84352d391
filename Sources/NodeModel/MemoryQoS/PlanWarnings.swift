// SPDX-License-Identifier: Apache-2.0

extension MemoryPlan {
    /// Looks for what may not be meant.
    mutating func addWarnings(node: Node, pods: [PodSummary], sums: PodTotals, policy: MemoryReservationPolicy) {
        addNodeWarnings(node, sums, policy)
        for cgroup in shared {
            guard case .reserved(let reservation) = cgroup.role else { continue }
            addMinWarning(cgroup, name: "\(reservation.rawValue), \(cgroup.path)")
        }
        // Pods are planned in their order, each before its containers.
        var position = shared.count
        for pod in pods {
            let end = cgroups[(position + 1)...].firstIndex { if case .pod = $0.role { true } else { false } }
            addWarnings(of: pod, cgroups[position..<(end ?? cgroups.count)], node, policy)
            position = end ?? cgroups.count
        }
    }

    private mutating func addNodeWarnings(_ node: Node, _ sums: PodTotals, _ policy: MemoryReservationPolicy) {
        if let capacity = node.capacity.memory, node.allocatable.memory == .zero {
            warn("nothing-allocatable", "the reserved memory takes all of the node's \(capacity) bytes")
        }
        if let kernel = node.kernel, kernel < KernelNumber(5, 9), cgroups.contains(where: { $0.throttles }) {
            warn(
                "memory-high-livelock",
                "kernel \(kernel) is below 5.9: a large allocation in a cgroup at its memory.high can hang for ever; "
                    + "use a newer kernel or no throttling factor")
        }
        guard policy == .tieredReservation else { return }
        let protected = sums.guaranteed + sums.burstable
        if let memory = node.allocatable.memory, protected > memory {
            warn(
                "overcommitted-protection",
                "the pods' memory requests add up to \(protected) bytes, but the node has \(memory) for pods: "
                    + "the kernel cannot keep all of it from reclaim and may kill processes outside the pods")
        } else if let limit = cgroups.first?.number("memory.max"), protected.bytes == limit {
            warn(
                "min-equals-max",
                "the pods' memory requests add up to all \(limit) bytes that pods can use: once they use them, nothing "
                    + "can be reclaimed, and page cache alone gets processes killed")
        }
        if node.hasMultiGenerationalLRU, sums.burstable > .zero, node.allocatable.memory == node.capacity.memory {
            warn(
                "multi-gen-lru",
                "this kernel reclaims by the multi-generational LRU, which passes over memory.low when the machine itself "
                    + "runs short: reserve memory, so that the pods reach their own memory.max first, or write n to "
                    + "/sys/kernel/mm/lru_gen/enabled")
        }
        if node.behaviour == .kubelet136, sums.burstable > .zero {
            warn(
                "useless-protection",
                "as in Kubernetes 1.36.0 the cgroup above all pods has no memory.low, so the \(sums.burstable) bytes of "
                    + "Burstable pods below it are not protected")
        }
        if let parent = cgroups.first?.path.parent, !parent.isRoot, protected > .zero {
            warn(
                "foreign-ancestor",
                "\(parent) is not in this plan: unless it and those above it protect \(protected) bytes too, no pod is "
                    + "protected from what is outside of it")
        }
    }

    private mutating func addWarnings(
        of summary: PodSummary, _ own: ArraySlice<PlannedCgroup>, _ node: Node, _ policy: MemoryReservationPolicy
    ) {
        guard let pod = own.first else { return }
        let name = summary.pod.description
        let podLimit = pod.number("memory.max")
        var isWarned = false
        for cgroup in own.dropFirst() {
            guard case .container(_, let container) = cgroup.role else { continue }
            let name = "\(name), container \(container)"
            addThrottlingWarning(cgroup, podLimit, name)
            addPageWarning(cgroup, node, name)
            if addMinWarning(cgroup, name: name) { isWarned = true }
        }
        addPageWarning(pod, node, name)
        if !isWarned { addMinWarning(pod, name: name) }
        // Without resources of its own a pod asks for at least what its containers do.
        if policy == .tieredReservation, summary.pod.spec.resources != nil { addSumWarning(summary) }
        if node.minHeadroom != nil, pod["memory.min"] == "0", policy == .tieredReservation {
            warn(
                "useless-protection",
                "\(name): the headroom leaves nothing of its \(summary.protected) bytes to protect")
        }
    }

    /// A `memory.high` above what the container or its pod may use at most never throttles: without a limit of its own a
    /// container is measured by the node, even where its pod as a whole has one.
    private mutating func addThrottlingWarning(_ cgroup: PlannedCgroup, _ podLimit: UInt64?, _ name: String) {
        guard let high = cgroup.number("memory.high"),
            let lowest = [cgroup.number("memory.max"), podLimit].compactMap({ $0 }).min(), high > lowest
        else { return }
        warn(
            "high-above-max",
            "\(name): memory.high is \(high), above the \(lowest) it may use at most: it is never throttled before it is "
                + "killed")
    }

    private mutating func addSumWarning(_ summary: PodSummary) {
        let asked = summary.pod.spec.totalRequests(podLevel: false).memoryBytes
        if asked > summary.protected {
            warn(
                "overcommitted-protection",
                "\(summary.pod): its containers ask for \(asked) bytes of memory, but the pod as a whole for "
                    + "\(summary.protected): their protection is cut to that")
        }
    }

    /// The kernel keeps whole pages and rounds down.
    private mutating func addPageWarning(_ cgroup: PlannedCgroup, _ node: Node, _ name: String) {
        for file in ["memory.min", "memory.low", "memory.max"] {
            guard let bytes = cgroup.number(file), bytes > 0, bytes < node.pageSize.bytes else { continue }
            let effect = file == "memory.max" ? "nothing can run in it" : "nothing is protected"
            warn(
                "below-one-page",
                "\(name): \(file) is \(bytes) bytes, less than one page of \(node.pageSize), which the kernel rounds down "
                    + "to 0: \(effect)")
        }
    }

    @discardableResult
    private mutating func addMinWarning(_ cgroup: PlannedCgroup, name: String) -> Bool {
        guard let min = cgroup.number("memory.min"), min > 0, let limit = cgroup.number("memory.max"), min >= limit
        else { return false }
        warn(
            "min-equals-max",
            min == limit
                ? "\(name): memory.min and memory.max are both \(min): at the limit its own page cache cannot be "
                    + "reclaimed, so writing large files gets it killed"
                : "\(name): memory.min is \(min), above its memory.max of \(limit): at the limit nothing can be reclaimed, "
                    + "so writing large files gets it killed")
        return true
    }

    private mutating func warn(_ id: String, _ text: String) {
        warnings.append(PlanWarning(id: id, text: text))
    }
}

extension PlannedCgroup {
    /// The value of a file as a number; nil when it is left alone, and for `max`.
    fileprivate func number(_ file: String) -> UInt64? { self[file].flatMap { UInt64($0) } }

    /// Whether it is slowed down at some size.
    fileprivate var throttles: Bool { number("memory.high") != nil }
}
