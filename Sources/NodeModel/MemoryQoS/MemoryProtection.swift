// SPDX-License-Identifier: Apache-2.0

/// The memory protection of a pod or a container; nil for a file that is not written.
///
/// The pod's class decides which of the two it is, not whether a container's request equals its limit: a Burstable
/// pod's containers never get `memory.min`.
public struct MemoryProtection: Sendable, Hashable {
    /// Never reclaimed.
    public var min: ByteCount?
    /// Reclaimed only when nothing else is left.
    public var low: ByteCount?

    /// Protection of these amounts.
    public init(min: ByteCount? = nil, low: ByteCount? = nil) {
        self.min = min
        self.low = low
    }

    /// The protection of a pod: at most one of the two, and none when it asks for nothing.
    public init(of pod: Pod, policy: MemoryReservationPolicy) {
        self.init(pod.protectedMemory, pod.qosClass, policy)
    }

    /// The protection of a container in a pod of this class.
    public init(of container: Container, qosClass: QoSClass, policy: MemoryReservationPolicy) {
        self.init(container.resources.requests.memoryBytes, qosClass, policy)
    }

    init(_ request: ByteCount, _ qosClass: QoSClass, _ policy: MemoryReservationPolicy) {
        guard policy == .tieredReservation, request > .zero else { return }
        switch qosClass {
        case .guaranteed: min = request
        case .burstable: low = request
        case .bestEffort: break
        }
    }
}

/// What a plan needs to know of a pod in several places, worked out once.
struct PodSummary {
    let pod: Pod
    let qosClass: QoSClass
    let requests: ResourceList
    let protected: ByteCount

    init(_ pod: Pod) {
        self.pod = pod
        qosClass = pod.qosClass
        requests = pod.spec.totalRequests()
        protected = (requests + pod.dynamicAllocations).memoryBytes
    }
}

/// What the pods of each class ask for together.
struct ClassSums: Sendable, Hashable {
    var guaranteed: ByteCount = .zero
    var burstable: ByteCount = .zero
    var burstableMilliCPU: Int64 = 0

    init(_ pods: [PodSummary]) {
        for pod in pods {
            switch pod.qosClass {
            case .guaranteed: guaranteed += pod.protected
            case .burstable:
                burstable += pod.protected
                let (sum, overflow) = burstableMilliCPU.addingReportingOverflow(pod.requests.milliCPU)
                burstableMilliCPU = overflow ? .max : sum
            case .bestEffort: break
            }
        }
    }

    /// The limit `qosReserved` puts on a class, so that it leaves room for what higher classes ask for; nil when off.
    func reservedLimit(of qosClass: QoSClass, node: Node) -> ByteCount? {
        guard let percent = node.qosReservedMemoryPercent, percent > 0, let memory = node.allocatable.memory else {
            return nil
        }
        func part(_ sum: ByteCount) -> ByteCount {
            ByteCount(UInt64(clamping: UInt128(sum.bytes) * UInt128(percent) / 100))
        }
        let burstableLimit = memory - part(guaranteed)
        return qosClass == .burstable ? burstableLimit : burstableLimit - part(burstable)
    }
}
