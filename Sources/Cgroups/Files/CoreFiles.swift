// SPDX-License-Identifier: Apache-2.0

extension StatusFile where Value == [Int32] {
    /// The processes inside. A number may come twice, in any order; 0 is a process outside the reader's pid namespace.
    /// The C name is `cgroup.procs`. Since Linux 4.5.
    public static var processes: Self {
        Self("cgroup.procs", nil, since: "4.5", .everywhere, written: ProcessNumber.self, isDelegatable: true)
    }
    /// The threads inside. The C name is `cgroup.threads`. Since Linux 4.14.
    public static var threads: Self {
        Self("cgroup.threads", nil, since: "4.14", .everywhere, written: ProcessNumber.self, isDelegatable: true)
    }
}

extension StatusFile where Value == [Controller] {
    /// The controllers that this cgroup can give to its children; below the root, what the parent gives to it.
    /// The C name is `cgroup.controllers`. Since Linux 4.5.
    public static var controllers: Self { Self("cgroup.controllers", nil, since: "4.5", .everywhere) }
    /// The controllers that its children have. The C name is `cgroup.subtree_control`. Since Linux 4.5.
    public static var subtreeControl: Self {
        Self(
            "cgroup.subtree_control", nil, since: "4.5", .everywhere, written: ControllerChange.self,
            isDelegatable: true)
    }
}

extension StatusFile where Value == CgroupEvents {
    /// Whether processes are inside, and whether they are frozen. The C name is `cgroup.events`. Since Linux 4.5.
    public static var events: Self { Self("cgroup.events", nil, since: "4.5", notifies: true) }
}

extension StatusFile where Value == Counters {
    /// Living and dying descendants, since Linux 6.12 for each controller. The C name is `cgroup.stat`. Since Linux 4.14.
    public static var cgroupStatistics: Self { Self("cgroup.stat", nil, since: "4.14", .everywhere) }
    /// How long it was frozen (`frozen_usec`). The C name is `cgroup.stat.local`. Linux 6.12 has it not, 6.18 has it.
    public static var cgroupStatisticsLocal: Self { Self("cgroup.stat.local", nil, since: "6.18") }
}

extension InterfaceFile where Value == CgroupType {
    /// Domain or threaded; the root has no such file. The C name is `cgroup.type`. Since Linux 4.14.
    public static var cgroupType: Self { Self("cgroup.type", nil, since: "4.14") }
}

extension InterfaceFile where Value == Limit {
    /// How many levels of cgroups may be below. The C name is `cgroup.max.depth`. Since Linux 4.14.
    public static var maxDepth: Self {
        Self("cgroup.max.depth", nil, since: "4.14", .everywhere, range: 0...Int64(Int32.max))
    }
    /// How many cgroups may be below. The C name is `cgroup.max.descendants`. Since Linux 4.14.
    public static var maxDescendants: Self {
        Self("cgroup.max.descendants", nil, since: "4.14", .everywhere, range: 0...Int64(Int32.max))
    }
}

extension InterfaceFile where Value == Bool {
    /// Whether the processes inside are to stand still; `freeze` waits until they do.
    /// The C name is `cgroup.freeze`. Since Linux 5.2.
    public static var freeze: Self { Self("cgroup.freeze", nil, since: "5.2") }
    /// Whether pressure is measured here; off, the pressure files vanish. The C name is `cgroup.pressure`.
    /// Since Linux 6.1.
    public static var pressureEnabled: Self { Self("cgroup.pressure", nil, since: "6.1", .everywhere) }
}

extension CommandFile where Command == KillRequest {
    /// Kills everything inside and below; `kill` does it on older kernels too. The C name is `cgroup.kill`.
    /// Since Linux 5.14.
    public static var kill: Self { Self("cgroup.kill", nil, since: "5.14") }
}

/// Files that `kill`, `move` and `enable` write.
extension CgroupFile {
    static let kill = CommandFile<KillRequest>.kill.file
    static let processes = StatusFile<[Int32]>.processes.file
    static let subtreeControl = StatusFile<[Controller]>.subtreeControl.file
}
