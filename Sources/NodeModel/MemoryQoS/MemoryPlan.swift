// SPDX-License-Identifier: Apache-2.0

/// What is to stand in the control groups of a node's pods, from the root of all pods down to each container.
///
/// A plan is a value: it prints, compares, and knows nothing of a kernel. A file that is absent from a planned control
/// group is left at the kernel's default.
public struct MemoryPlan: Sendable, Hashable {
    /// The control groups, each before those below it.
    public internal(set) var cgroups: [PlannedCgroup] = []
    /// The pods that take part, in the order given.
    public internal(set) var pods: [PlannedPod] = []
    /// The sums the kubelet reports as metrics.
    public internal(set) var metrics = MemoryQoSMetrics()
    /// What the plan does that may not be meant.
    public internal(set) var warnings: [PlanWarning] = []

    /// Every single write, each control group's before those below it.
    public var writes: [CgroupWrite] {
        cgroups.flatMap { cgroup in
            cgroup.files.map { CgroupWrite(path: cgroup.path, file: $0.name, value: $0.value) }
        }
    }

    /// Where each pod's control group is in `cgroups`, followed by those of its containers; by its uid, and by the name of
    /// its control group, which no two pods share.
    var positionsByUID: [String: Int] = [:]
    var positionsByName: [String: Int] = [:]

    /// The planned control group at a path.
    public subscript(_ path: CgroupPath) -> PlannedCgroup? {
        let above = path.parent?.name.flatMap { positionsByName[$0] }
        if let position = path.name.flatMap({ positionsByName[$0] }), cgroups[position].path == path {
            return cgroups[position]
        }
        return (above.map { cgroups[containers($0)] } ?? shared).first { $0.path == path }
    }

    /// The planned control group of a role.
    public subscript(_ role: CgroupRole) -> PlannedCgroup? {
        switch role {
        case .pod(let uid): positionsByUID[uid].map { cgroups[$0] }
        case .container(let uid, _):
            positionsByUID[uid].flatMap { pod in cgroups[containers(pod)].first { $0.role == role } }
        default: shared.first { $0.role == role }
        }
    }

    /// The control groups that are of no single pod.
    var shared: ArraySlice<PlannedCgroup> { cgroups.prefix { !$0.role.isOfPod } }

    /// The places of the containers of the pod at a place.
    private func containers(_ pod: Int) -> Range<Int> {
        let first = pod + 1
        let count = cgroups[first...].prefix { if case .container = $0.role { true } else { false } }.count
        return first..<(first + count)
    }
}

/// What a control group is for.
public enum CgroupRole: Sendable, Hashable {
    /// Holds all pods.
    case allPods
    /// Holds the pods of a class.
    case pods(QoSClass)
    /// Holds programs that a part of the node is set aside for; made by others, it must be there already.
    case reserved(Reservation)
    /// A pod.
    case pod(uid: String)
    /// A container of a pod.
    case container(podUID: String, name: String)

    var isOfPod: Bool {
        switch self {
        case .pod, .container: true
        default: false
        }
    }
}

/// A control group, and what is to stand in its files.
public struct PlannedCgroup: Sendable, Hashable {
    /// Where it is.
    public let path: CgroupPath
    /// What it is for.
    public let role: CgroupRole
    /// The memory its pod or container asks for, whatever of it is protected; zero for what is of no single pod.
    public let request: ByteCount
    /// Its files, in the order they are written.
    public internal(set) var files: [PlannedFile]

    init(path: CgroupPath, role: CgroupRole, request: ByteCount = .zero) {
        self.path = path
        self.role = role
        self.request = request
        files = []
    }

    /// The value of a file; nil when it is left alone.
    public subscript(_ name: String) -> String? { files.first { $0.name == name }?.value }

    mutating func write(_ name: String, _ value: (some CustomStringConvertible)?) {
        if let value { files.append(PlannedFile(name: name, value: value.description)) }
    }
}

/// A file of a control group, and what is to stand in it.
public struct PlannedFile: Sendable, Hashable {
    /// The name of the file, such as `memory.low`.
    public let name: String
    /// The text to write.
    public let value: String

    /// A file with its value.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// One write into a file of a control group.
public struct CgroupWrite: Sendable, Hashable {
    /// The control group.
    public let path: CgroupPath
    /// The name of the file.
    public let file: String
    /// The text to write.
    public let value: String
}

/// A pod that takes part in a plan.
public struct PlannedPod: Sendable, Hashable {
    /// The namespace.
    public let namespace: String
    /// The name.
    public let name: String
    /// The uid.
    public let uid: String
    /// The class.
    public let qosClass: QoSClass
    /// The memory it asks for, with overhead and dynamic allocations: what it claims of the control groups above.
    public let request: ByteCount
    /// The cpu it asks for, in millicpus.
    public let milliCPU: Int64

    /// What it adds to the sums of its class.
    public var totals: PodTotals { PodTotals(pod: qosClass, request: request, milliCPU: milliCPU) }
}

/// The two gauges of KEP-2570; both zero when nothing is protected.
public struct MemoryQoSMetrics: Sendable, Hashable {
    /// What Guaranteed pods ask for (`kubelet_memory_qos_node_memory_min_bytes`).
    public var guaranteed: ByteCount
    /// What Burstable pods ask for (`kubelet_memory_qos_node_memory_low_bytes`).
    public var burstable: ByteCount

    /// These sums.
    public init(guaranteed: ByteCount = .zero, burstable: ByteCount = .zero) {
        self.guaranteed = guaranteed
        self.burstable = burstable
    }
}

/// Something a plan does that may not be meant.
public struct PlanWarning: Sendable, Hashable, Encodable {
    /// The kind of warning: a word that does not change between releases.
    public let id: String
    /// What is the matter, with names and numbers.
    public let text: String

    /// A warning of a kind.
    public init(id: String, text: String) {
        self.id = id
        self.text = text
    }
}

/// Why no plan can be made.
public enum MemoryPlanError: Error, Sendable, Hashable {
    /// A pod's uid, or the root, cannot be part of a control group's name.
    case name(pod: String, CgroupNameError)
    /// A container's name cannot name a control group.
    case container(pod: String, CgroupPathError)
    /// Two pods would share a control group.
    case duplicateUID(String, first: String, second: String)
    /// Two containers of a pod would share a control group.
    case duplicateContainer(String, pod: String)
}

extension MemoryPlanError: CustomStringConvertible {
    /// Names the pod and the cause.
    public var description: String {
        switch self {
        case .name(let pod, let error): "\(pod): \(error)"
        case .container(let pod, let error): "\(pod): \(error)"
        case .duplicateUID(let uid, let first, let second): "\(first) and \(second) have the same uid '\(uid)'"
        case .duplicateContainer(let name, let pod): "\(pod) has two containers named '\(name)'"
        }
    }
}
