// SPDX-License-Identifier: Apache-2.0

/// A cgroup controller by its version 2 name. Unknown names are kept.
public struct Controller: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The name as in `cgroup.controllers`.
    public let rawValue: String
    /// The controller with this name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Which processors and memory nodes are used. The C name is `cpuset_cgrp_subsys`, on version 2 since Linux 5.0.
    public static let cpuset = Controller(rawValue: "cpuset")
    /// Processor time. The C name is `cpu_cgrp_subsys`, on version 2 since Linux 4.15.
    public static let cpu = Controller(rawValue: "cpu")
    /// Block devices; version 1 calls it `blkio`. The C name is `io_cgrp_subsys`, since Linux 4.5.
    public static let io = Controller(rawValue: "io")
    /// Memory. The C name is `memory_cgrp_subsys`, since Linux 4.5.
    public static let memory = Controller(rawValue: "memory")
    /// Huge pages. The C name is `hugetlb_cgrp_subsys`, on version 2 since Linux 5.6.
    public static let hugetlb = Controller(rawValue: "hugetlb")
    /// The number of tasks. The C name is `pids_cgrp_subsys`, since Linux 4.5.
    public static let pids = Controller(rawValue: "pids")
    /// Remote direct memory access. The C name is `rdma_cgrp_subsys`, since Linux 4.11.
    public static let rdma = Controller(rawValue: "rdma")
    /// Scalar resources, such as keys of encrypted guests. The C name is `misc_cgrp_subsys`, since Linux 5.13.
    public static let misc = Controller(rawValue: "misc")
    /// Memory of devices. The C name is `dmem_cgrp_subsys`, since Linux 6.14.
    public static let dmem = Controller(rawValue: "dmem")

    /// The controllers with interface files that are known here, in the kernel's order.
    public static let known: [Controller] = [cpuset, cpu, io, memory, hugetlb, pids, rdma, misc, dmem]

    /// Whether it is known to have no notion of threads, so that the kernel refuses it (EBUSY) where processes are.
    var needsDomain: Bool { [.io, .memory, .hugetlb, .rdma, .misc, .dmem].contains(self) }

    /// The name that cgroup version 1 and `/proc/cgroups` use.
    public var legacyName: String { self == .io ? "blkio" : rawValue }

    /// The name.
    public var description: String { rawValue }

    /// In the order of the names.
    public static func < (one: Controller, other: Controller) -> Bool { one.rawValue < other.rawValue }
}
