// SPDX-License-Identifier: Apache-2.0

/// What the kubelet sets for a pod's control group.
///
/// Source: Kubernetes, pkg/kubelet/cm/helpers_linux.go, ResourceConfigForPod.
public struct PodCgroupParameters: Sendable, Hashable {
    /// The relative cpu weight.
    public var cpuShares: CPUShares
    /// The cpu limit; nil for "not written".
    public var cpuQuota: CPUQuota?
    /// The memory limit; nil for "not written".
    public var memoryLimit: ByteCount?

    /// The parameters of a pod.
    ///
    /// A limit is set only when every container, init containers too, or the pod as a whole declares one: the sum would
    /// otherwise limit containers that declare none.
    /// - Parameters:
    ///   - pod: the pod; its recorded class counts when it has one.
    ///   - enforceCPULimits: whether cpu limits are enforced; if not, `cpu.max` is set to no limit where it would be
    ///     limited.
    ///   - quotaPeriod: microseconds in a period of `cpu.max`.
    ///   - podLevelResources: whether resources of the pod as a whole are looked at.
    public init(
        of pod: Pod, enforceCPULimits: Bool = true, quotaPeriod: UInt64 = CPUQuota.defaultPeriod,
        podLevelResources: Bool = true
    ) {
        self.init(
            of: pod.spec, pod.recordedQoSClass ?? QoSClass(of: pod.spec, podLevelResources: podLevelResources),
            requests: pod.spec.totalRequests(podLevel: podLevelResources), enforceCPULimits: enforceCPULimits,
            quotaPeriod: quotaPeriod, podLevelResources: podLevelResources)
    }

    init(
        of spec: PodSpec, _ qosClass: QoSClass, requests: ResourceList, enforceCPULimits: Bool, quotaPeriod: UInt64,
        podLevelResources: Bool
    ) {
        guard qosClass != .bestEffort else {
            cpuShares = .minimum
            return
        }
        let limits = spec.totalLimits(podLevel: podLevelResources)
        let podLevel = podLevelResources ? spec.resources?.limits : nil
        func isDeclared(_ name: String) -> Bool {
            func isLimited(_ container: Container) -> Bool { (container.resources.limits[name] ?? .zero) > .zero }
            return (podLevel?[name] ?? .zero) > .zero
                || spec.containers.allSatisfy(isLimited) && spec.initContainers.allSatisfy(isLimited)
        }
        cpuShares = CPUShares(milliCPU: requests.milliCPU)
        if qosClass == .guaranteed || isDeclared("cpu") {
            cpuQuota =
                enforceCPULimits
                ? CPUQuota(milliCPU: limits.milliCPU, period: quotaPeriod) : .unlimited(period: quotaPeriod)
        }
        if qosClass == .guaranteed || isDeclared("memory"), limits.memoryBytes > .zero {
            memoryLimit = limits.memoryBytes
        }
    }
}
