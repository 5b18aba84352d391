// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// How this host has its control groups: where cgroup v2 is, which controllers it has, and why the others are missing.
public struct CgroupHost: Hashable, Sendable {
    /// Which versions are mounted.
    public enum Mode: String, Hashable, Sendable, CaseIterable {
        /// cgroup v2 alone.
        case unified
        /// cgroup v2 beside version 1, which may hold the controllers.
        case hybrid
        /// Version 1 alone.
        case legacy
        /// Neither.
        case none
    }

    /// A controller that cgroup v2 does not offer here.
    public struct Unavailable: Hashable, Sendable {
        /// Its name in cgroup v2: `io`, not version 1's `blkio`.
        public var controller: String
        /// The cause.
        public var reason: String
        /// What helps, where something does.
        public var remedy: String?
    }

    /// Which versions are mounted.
    public var mode: Mode
    /// Where cgroup v2 is mounted; nil where it is not. In a container this may be a part of the host's tree.
    public var root: FilePath?
    /// What the root offers (`cgroup.controllers`).
    public var controllers: [String]
    /// The rest of what Linux has.
    public var unavailable: [Unavailable]
    /// Options of the cgroup v2 mount, such as `nsdelegate`, `memory_recursiveprot`, `favordynmods`.
    public var mountOptions: [String]
    /// The cgroup of this process below `root`, where it can be told and seen.
    public var ownPath: FilePath?

    /// Whether protection by `memory.min` and `memory.low` reaches down to groups that set none themselves
    /// (`memory_recursiveprot`, since Linux 5.7).
    public var protectsRecursively: Bool { mountOptions.contains("memory_recursiveprot") }
    /// Whether cgroup namespaces are borders of delegation (`nsdelegate`, since Linux 4.13).
    public var delegatesByNamespace: Bool { mountOptions.contains("nsdelegate") }

    /// Why a controller cannot be used on cgroup v2 here; nil when it can.
    public func unavailability(of controller: String) -> String? {
        if controllers.contains(controller) { return nil }
        return unavailable.first { $0.controller == controller }?.reason ?? "no such controller in this kernel"
    }

    /// Why there is no root, and what helps; nil when there is one.
    public var absence: String? {
        if root != nil { return nil }
        return mode == .legacy
            ? "only cgroup v1 is mounted; boot with systemd.unified_cgroup_hierarchy=1, or mount cgroup2 somewhere"
            : "no cgroup2 file system is mounted; try: mount -t cgroup2 none /sys/fs/cgroup"
    }

    /// The controllers cgroup v2 has had so far, without those that are always on (`perf_event`, `freezer`, and `devices`,
    /// which is done by BPF).
    public static let knownControllers = ["cpu", "cpuset", "dmem", "hugetlb", "io", "memory", "misc", "pids", "rdma"]

    /// Looks at this host.
    public static func probe() -> CgroupHost {
        let mounts = probedText("/proc/self/mountinfo").map(MountLine.parse) ?? mountsWithoutProc()
        let root = chooseRoot(mounts)
        return CgroupHost(
            mounts: mounts, controllers: root.flatMap { probedText($0.point + "/cgroup.controllers") },
            isWholeTree: root.map { probedText($0.point + "/cgroup.type") == nil } ?? false,
            cgroups: probedText("/proc/cgroups"), own: probedText("/proc/self/cgroup"),
            commandLine: probedText("/proc/cmdline"))
    }

    /// Where cgroup v2 is mounted: the root that ``probe()`` finds, without a look at the rest of this host.
    public static func findRoot() -> FilePath? {
        // Only the root of the whole tree lacks this file. Where that is in its usual place, the table of mounts need not
        // be read, which takes longer than all else here.
        for mount in mountsWithoutProc() where (try? Descriptor.probing(mount.point + "/cgroup.type", .path)) == nil {
            return FilePath(mount.point)
        }
        return probedText("/proc/self/mountinfo").map(MountLine.parse).flatMap(chooseRoot).map { FilePath($0.point) }
    }

    /// The usual places, by the file system's number, where `/proc` is not there to tell.
    private static func mountsWithoutProc() -> [MountLine] {
        ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].compactMap { place in
            guard let directory = try? Descriptor.probing(place, .directory),
                (try? directory.fileSystem()) == .cgroup2
            else { return nil }
            return MountLine("0 0 0:0 / \(place) rw - cgroup2 none rw")
        }
    }

    /// The mount of cgroup v2 to use: the one that shows the root of the tree, the shortest path first, and of two
    /// mounts at one place the later, which covers the other.
    private static func chooseRoot(_ mounts: [MountLine]) -> MountLine? {
        var byPoint: [String: MountLine] = [:]
        for mount in mounts { byPoint[mount.point] = mount }
        return byPoint.values.filter { $0.type == "cgroup2" }.min { left, right in
            (left.root == "/" ? 0 : 1, left.point.utf8.count, left.point)
                < (right.root == "/" ? 0 : 1, right.point.utf8.count, right.point)
        }
    }

    /// Judges captured texts: `mountinfo`, the root's `cgroup.controllers`, `/proc/cgroups`, `/proc/self/cgroup` and the
    /// kernel's command line. The root of the whole tree is told from any other by lacking `cgroup.type`: a cgroup
    /// namespace shows its own root as `/` too.
    init(
        mounts: [MountLine], controllers: String?, isWholeTree: Bool = true, cgroups: String?, own: String?,
        commandLine: String?
    ) {
        let chosen = Self.chooseRoot(mounts)
        let old = mounts.filter { $0.type == "cgroup" }
        mode =
            switch (chosen != nil, !old.isEmpty) {
            case (true, false): .unified
            case (true, true): .hybrid
            case (false, true): .legacy
            case (false, false): .none
            }
        root = chosen.map { FilePath($0.point) }
        self.controllers = (controllers ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
        mountOptions = chosen.map { $0.superOptions.filter { $0 != "rw" && $0 != "ro" } } ?? []
        ownPath = nil
        if let chosen, let line = own?.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) {
            let path = String(line.dropFirst(3))
            // What is mounted may be a part of the tree that the process sees; "/.." is beyond the namespace's root.
            let top = chosen.root == "/" ? "" : chosen.root
            if !path.hasPrefix("/.."), path == top || path.hasPrefix(top + "/") {
                ownPath = FilePath(chosen.point + path.dropFirst(top.count))
            }
        }
        let kernel = KernelControllers(cgroups)
        let offered = self.controllers
        let partial = chosen.map { $0.root != "/" || !isWholeTree } ?? false
        unavailable = Self.knownControllers.filter { !offered.contains($0) }.map { controller in
            kernel.absence(
                of: controller, oldMounts: old, hasRoot: chosen != nil, isPartial: partial,
                commandLine: commandLine ?? "")
        }
    }
}

/// `/proc/cgroups`: the controllers that were compiled in, by their names in version 1.
struct KernelControllers {
    /// The hierarchy number (0: cgroup v2 or none) and whether it is on, by name.
    var rows: [String: (hierarchy: Int, isEnabled: Bool)] = [:]
    let isReadable: Bool

    init(_ text: String?) {
        isReadable = text != nil
        for line in (text ?? "").split(separator: "\n") where !line.hasPrefix("#") {
            let fields = line.split(separator: "\t")
            guard fields.count == 4, let hierarchy = Int(fields[1]) else { continue }
            rows[String(fields[0])] = (hierarchy, fields[3] == "1")
        }
    }

    func absence(
        of controller: String, oldMounts: [MountLine], hasRoot: Bool, isPartial: Bool, commandLine: String
    ) -> CgroupHost.Unavailable {
        func because(_ reason: String, remedy: String? = nil) -> CgroupHost.Unavailable {
            CgroupHost.Unavailable(controller: controller, reason: reason, remedy: remedy)
        }
        let oldName = controller == "io" ? "blkio" : controller
        let unbind =
            "boot with the kernel parameter cgroup_no_v1=all (under systemd: "
            + "systemd.unified_cgroup_hierarchy=1)"
        if let mount = oldMounts.first(where: { $0.superOptions.contains(oldName) }) {
            return because("bound to cgroup v1 at \(mount.point)", remedy: unbind)
        }
        guard isReadable else { return because("unknown: /proc/cgroups cannot be read") }
        for list in commandLine.split(whereSeparator: \.isWhitespace) where list.hasPrefix("cgroup_disable=") {
            if list.dropFirst(15).split(separator: ",").contains(Substring(oldName)) {
                return because("disabled by the kernel parameter \(list)", remedy: "boot without it")
            }
        }
        let row = rows[oldName]
        if row?.isEnabled == false {
            return because("compiled in but off", remedy: "boot with the kernel parameter cgroup_enable=\(oldName)")
        }
        if let row, row.hierarchy != 0 {
            return because("bound to cgroup v1 hierarchy \(row.hierarchy), which is not mounted here", remedy: unbind)
        }
        if !hasRoot { return because("no cgroup2 file system is mounted") }
        if isPartial {
            return because(
                "not delegated to the cgroup that is mounted here, or not in this kernel",
                remedy: "have the owner of the outer cgroup write +\(controller) to its cgroup.subtree_control")
        }
        // Kernels without the version 1 of a controller leave it out of the table, but then nothing else can hold it.
        if row == nil { return because("not compiled into this kernel") }
        return because("compiled in, but the root does not offer it")
    }
}
