// SPDX-License-Identifier: Apache-2.0

// Source of the rules: k8s.io/component-helpers, resource/helpers.go.

extension PodSpec {
    /// What the pod as a whole asks for.
    ///
    /// Containers add up; init containers run one after the other, beside the sidecars started before them; the larger
    /// counts. Resources of the pod as a whole replace the sum.
    /// - Parameters:
    ///   - overhead: whether what the runtime needs is added.
    ///   - podLevel: whether resources of the pod as a whole are looked at.
    public func totalRequests(overhead: Bool = true, podLevel: Bool = true) -> ResourceList {
        var total = sum(\.requests)
        if podLevel { total.replace(with: resources?.requests) }
        if overhead { total += self.overhead }
        return total
    }

    /// What the pod as a whole may use at most, as ``totalRequests(overhead:podLevel:)``; a resource without a limit
    /// gets none from the overhead.
    /// - Parameters:
    ///   - overhead: whether what the runtime needs is added.
    ///   - podLevel: whether resources of the pod as a whole are looked at.
    public func totalLimits(overhead: Bool = true, podLevel: Bool = true) -> ResourceList {
        var total = sum(\.limits)
        if podLevel { total.replace(with: resources?.limits) }
        if overhead {
            for (name, amount) in self.overhead.amounts {
                if let limit = total[name], limit != .zero { total[name] = limit + amount }
            }
        }
        return total
    }

    private func sum(_ list: KeyPath<ResourceRequirements, ResourceList>) -> ResourceList {
        var total: ResourceList = [:]
        for container in containers { total += container.resources[keyPath: list] }

        var sidecars: ResourceList = [:]
        var peak: ResourceList = [:]
        for container in initContainers {
            let own = container.resources[keyPath: list]
            if container.isSidecar {
                total += own
                sidecars += own
                peak = peak.maximum(sidecars)
            } else {
                peak = peak.maximum(own + sidecars)
            }
        }
        return total.maximum(peak)
    }

    /// The same pod with the requests the Kubernetes API server fills in.
    ///
    /// In a container a limit without a request is asked for in full. For the pod as a whole, when it has limits, what
    /// is not asked for becomes what its containers ask for, or else its limit.
    public func withDefaultRequests() -> PodSpec {
        var spec = self
        for index in spec.containers.indices {
            spec.containers[index].resources = spec.containers[index].resources.withDefaultRequests()
        }
        for index in spec.initContainers.indices {
            spec.initContainers[index].resources = spec.initContainers[index].resources.withDefaultRequests()
        }
        if let resources, !resources.limits.isEmpty {
            let fromContainers = spec.totalRequests(overhead: false, podLevel: false)
            var filled = resources
            for (name, amount) in fromContainers.amounts where ResourceList.isSupportedForPods(name) {
                if filled.requests[name] == nil { filled.requests[name] = amount }
            }
            for (name, amount) in resources.limits.amounts where ResourceList.isSupportedForPods(name) {
                if filled.requests[name] == nil { filled.requests[name] = amount }
            }
            spec.resources = filled
        }
        return spec
    }
}

extension ResourceList {
    fileprivate mutating func replace(with podLevel: ResourceList?) {
        for (name, amount) in podLevel?.amounts ?? [:] where Self.isSupportedForPods(name) { self[name] = amount }
    }
}

extension Pod {
    /// The memory that is to be protected for the pod: its request with overhead and dynamic allocations.
    public var protectedMemory: ByteCount {
        (spec.totalRequests() + dynamicAllocations).memoryBytes
    }
}
