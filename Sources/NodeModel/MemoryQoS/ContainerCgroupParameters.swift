// SPDX-License-Identifier: Apache-2.0

/// What a runtime is asked to set for a container's control group, apart from memory protection.
///
/// Source: Kubernetes, pkg/kubelet/kuberuntime/kuberuntime_container_linux.go.
public struct ContainerCgroupParameters: Sendable, Hashable {
    /// The relative cpu weight.
    public var cpuShares: CPUShares
    /// The cpu limit; nil for none.
    public var cpuQuota: CPUQuota?
    /// The memory limit; nil for none.
    public var memoryLimit: ByteCount?
    /// The limits of huge pages in bytes, by page size; of a size that is not here it may have none.
    public var hugePages: [ByteCount: ByteCount]
    /// Whether the out-of-memory killer ends the whole container (`memory.oom.group`).
    public var killsWhole: Bool

    /// The parameters of a container.
    ///
    /// The weight follows the cpu request, or the limit when nothing is said about the request; an explicit request of
    /// zero gives the smallest weight. A limit the container does not declare is that of the pod as a whole.
    /// - Parameters:
    ///   - resources: requests and limits of the container.
    ///   - podLimits: limits of the pod as a whole.
    ///   - enforceCPULimits: whether cpu limits are enforced.
    ///   - quotaPeriod: microseconds in a period of `cpu.max`.
    ///   - singleProcessOOMKill: whether the out-of-memory killer ends one process only.
    public init(
        of resources: ResourceRequirements, podLimits: ResourceList = [:], enforceCPULimits: Bool = true,
        quotaPeriod: UInt64 = CPUQuota.defaultPeriod, singleProcessOOMKill: Bool = false
    ) {
        let milliCPU = resources.limits.milliCPU > 0 ? resources.limits.milliCPU : podLimits.milliCPU
        cpuShares = CPUShares(milliCPU: resources.requests.cpu?.milliValue ?? milliCPU)
        if enforceCPULimits { cpuQuota = CPUQuota(milliCPU: milliCPU, period: quotaPeriod) }
        let declared = resources.limits.memoryBytes
        let limit = declared > .zero ? declared : podLimits.memoryBytes
        memoryLimit = limit > .zero ? limit : nil
        hugePages = podLimits.hugePages.merging(resources.limits.hugePages) { $1 }
        killsWhole = !singleProcessOOMKill
    }
}

extension QoSClass {
    /// How readily the out-of-memory killer takes a container's processes (`oom_score_adj`), from -1000 to 1000.
    ///
    /// - Parameters:
    ///   - request: the memory the container asks for.
    ///   - capacity: the memory of the node.
    ///
    /// A Burstable container is spared in proportion to its share of the node, but comes before everything Guaranteed
    /// and never equals BestEffort. Source: Kubernetes, pkg/kubelet/qos/policy.go.
    public func oomScoreAdjustment(request: ByteCount, capacity: ByteCount) -> Int {
        switch self {
        case .guaranteed: return -997
        case .bestEffort: return 1000
        case .burstable:
            guard capacity > .zero else { return 999 }
            let share = UInt128(request.bytes) * 1000 / UInt128(capacity.bytes)
            return min(max(1000 - Int(min(share, 1000)), 3), 999)
        }
    }
}
