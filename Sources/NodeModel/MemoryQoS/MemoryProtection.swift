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

    /// What a request becomes in a class, under a policy.
    public init(_ request: ByteCount, _ qosClass: QoSClass, _ policy: MemoryReservationPolicy) {
        guard policy == .tieredReservation, request > .zero else { return }
        switch qosClass {
        case .guaranteed: min = request
        case .burstable: low = request
        case .bestEffort: break
        }
    }
}
