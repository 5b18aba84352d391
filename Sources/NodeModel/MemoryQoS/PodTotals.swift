// SPDX-License-Identifier: Apache-2.0

/// What pods ask for together, by class: what the control groups above them are to hold.
///
/// Sums stop at the largest number there is, and differences at zero.
public struct PodTotals: Hashable, Sendable {
    /// The memory that Guaranteed pods ask for.
    public var guaranteed: ByteCount
    /// The memory that Burstable pods ask for.
    public var burstable: ByteCount
    /// The cpu that Burstable pods ask for, in millicpus.
    public var burstableMilliCPU: Int64
    /// How many pods there are, of any class.
    public var pods: Int

    /// These sums; nothing unless said otherwise.
    public init(
        guaranteed: ByteCount = .zero, burstable: ByteCount = .zero, burstableMilliCPU: Int64 = 0, pods: Int = 0
    ) {
        self.guaranteed = guaranteed
        self.burstable = burstable
        self.burstableMilliCPU = burstableMilliCPU
        self.pods = pods
    }

    /// What one pod adds.
    /// - Parameters:
    ///   - qosClass: the class of the pod.
    ///   - request: the memory it asks for.
    ///   - milliCPU: the cpu it asks for, in millicpus.
    public init(pod qosClass: QoSClass, request: ByteCount, milliCPU: Int64) {
        self.init(pods: 1)
        switch qosClass {
        case .guaranteed: guaranteed = request
        case .burstable: (burstable, burstableMilliCPU) = (request, max(0, milliCPU))
        case .bestEffort: break
        }
    }

    /// The sums of these pods, but for those that have ended.
    public init(of pods: [Pod]) {
        self = pods.filter(\.isActive).map(PodSummary.init).reduce(into: PodTotals()) { $0 += $1.totals }
    }

    /// The sums of planned pods.
    public init(of pods: [PlannedPod]) {
        self = pods.reduce(into: PodTotals()) { $0 += $1.totals }
    }

    /// Both together.
    public static func + (left: PodTotals, right: PodTotals) -> PodTotals {
        PodTotals(
            guaranteed: left.guaranteed + right.guaranteed, burstable: left.burstable + right.burstable,
            burstableMilliCPU: saturated(left.burstableMilliCPU.addingReportingOverflow(right.burstableMilliCPU)),
            pods: saturated(left.pods.addingReportingOverflow(right.pods)))
    }

    /// The left ones without the right ones.
    public static func - (left: PodTotals, right: PodTotals) -> PodTotals {
        PodTotals(
            guaranteed: left.guaranteed - right.guaranteed, burstable: left.burstable - right.burstable,
            burstableMilliCPU: max(0, left.burstableMilliCPU - min(left.burstableMilliCPU, right.burstableMilliCPU)),
            pods: max(0, left.pods - min(left.pods, right.pods)))
    }

    /// Adds the other pods.
    public static func += (left: inout PodTotals, right: PodTotals) { left = left + right }

    private static func saturated<Number: FixedWidthInteger>(_ sum: (Number, overflow: Bool)) -> Number {
        sum.overflow ? .max : sum.0
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

    var totals: PodTotals { PodTotals(pod: qosClass, request: protected, milliCPU: requests.milliCPU) }
}
