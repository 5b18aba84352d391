// SPDX-License-Identifier: Apache-2.0

/// For whom a part of the node is set aside.
public enum Reservation: String, Hashable, Sendable, CaseIterable {
    /// The system (`systemReserved`).
    case system = "system-reserved"
    /// Kubernetes' own programs (`kubeReserved`).
    case kubernetes = "kube-reserved"
}

/// A control group, made by others, that is held to what is set aside for it (`enforceNodeAllocatable`).
///
/// Source: Kubernetes, pkg/kubelet/cm/node_container_manager_linux.go.
public struct ReservedCgroup: Hashable, Sendable {
    /// For whom.
    public var reservation: Reservation
    /// Where it is; it must be there already.
    public var path: CgroupPath
    /// Whether only cpu is set, which those who use more get less of, and not memory, which they are killed for.
    public var isCompressibleOnly: Bool

    /// A control group held to what is set aside.
    public init(_ reservation: Reservation, path: CgroupPath, isCompressibleOnly: Bool = false) {
        self.reservation = reservation
        self.path = path
        self.isCompressibleOnly = isCompressibleOnly
    }

    /// Its files. The memory is protected by the feature gate alone, whatever the policy.
    func planned(_ node: Node) -> PlannedCgroup {
        let amounts = reservation == .system ? node.systemReserved : node.kubeReserved
        var cgroup = PlannedCgroup(path: path, role: .reserved(reservation))
        if !isCompressibleOnly, let memory = amounts.memory, memory > .zero {
            if node.memoryQoS {
                cgroup.write("memory.min", min(memory, node.minHeadroom?.protectable(under: memory) ?? memory))
            } else if node.behaviour == .fixed {
                cgroup.write("memory.min", ByteCount.zero)
            }
            cgroup.write("memory.max", memory)
        }
        cgroup.write("cpu.weight", amounts.milliCPU.map { CPUShares(milliCPU: $0).linearWeight })
        return cgroup
    }
}
