// SPDX-License-Identifier: Apache-2.0

extension MemoryPlan {
    /// Looks for what may not be meant.
    mutating func addWarnings(node: Node, pods: [PodSummary], sums: PodTotals, policy: MemoryReservationPolicy) {
        if let capacity = node.capacity.memory, node.allocatable.memory == .zero {
            warn("nothing-allocatable", "the reserved memory takes all of the node's \(capacity) bytes")
        }
        let names = Dictionary(pods.map { ($0.pod.uid, $0.pod) }) { first, _ in first }
        addThrottlingWarnings(names)
        guard policy == .tieredReservation else { return }
        let protected = sums.guaranteed + sums.burstable
        if let memory = node.allocatable.memory, protected > memory {
            warn(
                "overcommitted-protection",
                "the pods' memory requests add up to \(protected) bytes, but the node has \(memory) for pods: "
                    + "the kernel cannot keep all of it from reclaim and may kill processes outside the pods")
        }
        // Without resources of its own a pod asks for at least what its containers do.
        for pod in pods where pod.pod.spec.resources != nil { addPodWarning(pod) }
        for cgroup in cgroups {
            if case .container(let uid, let name) = cgroup.role {
                addContainerWarning(cgroup, container: name, pod: names[uid]?.description ?? uid)
            }
        }
    }

    /// A `memory.high` above what the container or its pod may use at most never throttles: without a limit of its own a
    /// container is measured by the node, even where its pod as a whole has one.
    private mutating func addThrottlingWarnings(_ pods: [String: Pod]) {
        var podLimit: UInt64?
        for cgroup in cgroups {
            let limit = cgroup["memory.max"].flatMap { UInt64($0) }
            if case .pod = cgroup.role { podLimit = limit }
            guard case .container(let uid, let name) = cgroup.role,
                let high = cgroup["memory.high"].flatMap({ UInt64($0) }),
                let lowest = [limit, podLimit].compactMap({ $0 }).min(), high > lowest
            else { continue }
            warn(
                "high-above-max",
                "\(pods[uid]?.description ?? uid), container \(name): memory.high is \(high), above the \(lowest) it may use at "
                    + "most: it is never throttled before it is killed")
        }
    }

    private mutating func addPodWarning(_ summary: PodSummary) {
        let pod = summary.pod
        let asked = pod.spec.totalRequests(podLevel: false).memoryBytes
        let protected = summary.protected
        if asked > protected {
            warn(
                "overcommitted-protection",
                "\(pod): its containers ask for \(asked) bytes of memory, but the pod as a whole for \(protected): "
                    + "their protection is cut to that")
        }
    }

    private mutating func addContainerWarning(_ cgroup: PlannedCgroup, container: String, pod: String) {
        guard let min = cgroup["memory.min"], min != "0", min == cgroup["memory.max"] else { return }
        warn(
            "min-equals-max",
            "\(pod), container \(container): memory.min and memory.max are both \(min): at the limit its own page cache "
                + "cannot be reclaimed, so writing large files gets it killed")
    }

    private mutating func warn(_ id: String, _ text: String) {
        warnings.append(PlanWarning(id: id, text: text))
    }
}
