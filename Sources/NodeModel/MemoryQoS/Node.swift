// SPDX-License-Identifier: Apache-2.0

/// How memory requests are turned into protection (KEP-2570, `memoryReservationPolicy`).
public enum MemoryReservationPolicy: String, Sendable, Hashable, CaseIterable {
    /// No protection.
    case none = "None"
    /// Guaranteed pods' requests are never reclaimed (`memory.min`), Burstable pods' last (`memory.low`).
    case tieredReservation = "TieredReservation"
}

/// Whose behaviour to follow where the released kubelet differs from what Kubernetes describes.
public enum KubeletBehaviour: String, Sendable, Hashable, CaseIterable {
    /// What is described, with later corrections: the root of all pods has `memory.low`, without which no `memory.low`
    /// below it works (Kubernetes PR 140267); containers that ask for nothing get `memory.high` (PR 138139); containers
    /// of Guaranteed pods never do.
    case fixed
    /// What Kubernetes 1.36.0 writes; what it leaves behind when Memory QoS is switched off stays.
    case kubelet136 = "kubelet-1.36.0"
}

/// The first two numbers of a kernel's version, of which the second counts as a number: 5.10 is above 5.9.
public struct KernelNumber: Hashable, Sendable, Comparable {
    /// The first number.
    public let major: Int
    /// The second number.
    public let minor: Int

    /// A version.
    public init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Orders by the first number, then by the second.
    public static func < (left: KernelNumber, right: KernelNumber) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

extension KernelNumber: CustomStringConvertible {
    /// `5.10`.
    public var description: String { "\(major).\(minor)" }
}

/// Memory and cpu, where either may be unknown.
public struct NodeResources: Sendable, Hashable {
    /// Memory; nil when unknown.
    public var memory: ByteCount?
    /// Cpu in millicpus; nil when unknown.
    public var milliCPU: Int64?

    /// So much memory and cpu.
    public init(memory: ByteCount? = nil, milliCPU: Int64? = nil) {
        self.memory = memory
        self.milliCPU = milliCPU
    }
}

/// A node, as far as it decides what is written into control groups.
public struct Node: Sendable, Hashable {
    /// What the machine has.
    public var capacity: NodeResources
    /// What is set aside for the system.
    public var systemReserved: NodeResources
    /// What is set aside for Kubernetes' own programs.
    public var kubeReserved: NodeResources
    /// The base page size in bytes; huge pages play no part.
    public var pageSize: ByteCount
    /// Where throttling begins; nil for no `memory.high`.
    public var throttlingFactor: ThrottlingFactor?
    /// Where the control groups are, and who makes them.
    public var layout: PodCgroupLayout
    /// Who makes the containers' control groups.
    public var runtime: ContainerRuntime
    /// The most processes of a pod; nil for no limit.
    public var podPIDsLimit: UInt64?
    /// Whether cpu limits are enforced.
    public var enforceCPULimits: Bool
    /// Microseconds in a period of `cpu.max`.
    public var quotaPeriod: UInt64
    /// Whether the out-of-memory killer ends one process of a container only.
    public var singleProcessOOMKill: Bool
    /// How many percent of the memory asked for by higher classes lower ones cannot use (`qosReserved`); nil for off.
    public var qosReservedMemoryPercent: UInt8?
    /// Whose behaviour to follow.
    public var behaviour: KubeletBehaviour
    /// Whether Memory QoS is on at all (the feature gate `MemoryQoS`); if not, what it wrote is cleared.
    public var memoryQoS: Bool
    /// Whether pods together are held to what they can use (`pods` in `enforceNodeAllocatable`), or only to what the
    /// machine has.
    public var enforcesAllocatable: Bool
    /// The control groups held to what is set aside for them.
    public var reservedCgroups: [ReservedCgroup]
    /// Room kept between `memory.min` and `memory.max` of what is Guaranteed; nil for none, as in Kubernetes.
    public var minHeadroom: MinHeadroom?
    /// The sizes of huge pages the node has and can limit; empty when it cannot.
    public var hugePageSizes: [ByteCount]
    /// The kernel's version; nil when unknown.
    public var kernel: KernelNumber?
    /// Whether the kernel reclaims by the multi-generational LRU (`/sys/kernel/mm/lru_gen/enabled`, since Linux 6.1).
    public var hasMultiGenerationalLRU = false

    /// A node with the defaults of Kubernetes 1.36.
    public init(
        capacity: NodeResources = .init(), systemReserved: NodeResources = .init(),
        kubeReserved: NodeResources = .init(), pageSize: ByteCount = ByteCount(4096),
        throttlingFactor: ThrottlingFactor? = .standard, layout: PodCgroupLayout = .init(),
        runtime: ContainerRuntime = .bulkhead, podPIDsLimit: UInt64? = nil, enforceCPULimits: Bool = true,
        quotaPeriod: UInt64 = CPUQuota.defaultPeriod, singleProcessOOMKill: Bool = false,
        qosReservedMemoryPercent: UInt8? = nil, behaviour: KubeletBehaviour = .fixed, memoryQoS: Bool = true,
        enforcesAllocatable: Bool = true, reservedCgroups: [ReservedCgroup] = [], minHeadroom: MinHeadroom? = nil,
        hugePageSizes: [ByteCount] = [], kernel: KernelNumber? = nil
    ) {
        self.capacity = capacity
        self.systemReserved = systemReserved
        self.kubeReserved = kubeReserved
        self.pageSize = pageSize
        self.throttlingFactor = throttlingFactor
        self.layout = layout
        self.runtime = runtime
        self.podPIDsLimit = podPIDsLimit
        self.enforceCPULimits = enforceCPULimits
        self.quotaPeriod = quotaPeriod
        self.singleProcessOOMKill = singleProcessOOMKill
        self.qosReservedMemoryPercent = qosReservedMemoryPercent
        self.behaviour = behaviour
        self.memoryQoS = memoryQoS
        self.enforcesAllocatable = enforcesAllocatable
        self.reservedCgroups = reservedCgroups
        self.minHeadroom = minHeadroom
        self.hugePageSizes = hugePageSizes
        self.kernel = kernel
    }

    /// What pods can use: the capacity without what is set aside, and no less than zero. Eviction thresholds are not
    /// taken off, as in the kubelet's own enforcement.
    public var allocatable: NodeResources {
        NodeResources(
            memory: capacity.memory.map {
                $0 - (systemReserved.memory ?? .zero) - (kubeReserved.memory ?? .zero)
            },
            milliCPU: capacity.milliCPU.map {
                max(0, $0 - (systemReserved.milliCPU ?? 0) - (kubeReserved.milliCPU ?? 0))
            }
        )
    }
}
