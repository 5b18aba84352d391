// SPDX-License-Identifier: Apache-2.0

extension InterfaceFile where Value == IndexList {
    /// The processors asked for; empty has the parent's. The C name is `cpuset.cpus`. Since Linux 5.0.
    public static var cpusetCPUs: Self { Self("cpuset.cpus", .cpuset, since: "5.0") }
    /// The memory nodes asked for; empty has the parent's. The C name is `cpuset.mems`. Since Linux 5.0.
    public static var cpusetMemoryNodes: Self { Self("cpuset.mems", .cpuset, since: "5.0") }
    /// The processors that a partition may have for itself. The C name is `cpuset.cpus.exclusive`. Since Linux 6.7.
    public static var cpusetExclusiveCPUs: Self { Self("cpuset.cpus.exclusive", .cpuset, since: "6.7") }
}

extension InterfaceFile where Value == CPUSetPartition {
    /// Whether it has its processors for itself; what cannot be given is told on reading. The C name is
    /// `cpuset.cpus.partition`. Since Linux 5.0.
    public static var cpusetPartition: Self {
        Self("cpuset.cpus.partition", .cpuset, since: "5.0", notifies: true)
    }
}

extension StatusFile where Value == IndexList {
    /// The processors it runs on. The C name is `cpuset.cpus.effective`. Since Linux 5.0.
    public static var cpusetEffectiveCPUs: Self { Self("cpuset.cpus.effective", .cpuset, since: "5.0", .everywhere) }
    /// The memory nodes it uses. The C name is `cpuset.mems.effective`. Since Linux 5.0.
    public static var cpusetEffectiveMemoryNodes: Self {
        Self("cpuset.mems.effective", .cpuset, since: "5.0", .everywhere)
    }
    /// The processors that a partition here would have for itself. The C name is `cpuset.cpus.exclusive.effective`.
    /// Since Linux 6.7.
    public static var cpusetEffectiveExclusiveCPUs: Self {
        Self("cpuset.cpus.exclusive.effective", .cpuset, since: "6.7")
    }
    /// The processors of all isolated partitions. The C name is `cpuset.cpus.isolated`. Since Linux 6.7.
    public static var cpusetIsolatedCPUs: Self { Self("cpuset.cpus.isolated", .cpuset, since: "6.7", .onlyOnRoot) }
}
