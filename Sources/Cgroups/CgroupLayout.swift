// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// What is mounted of the control groups on this host, and which hierarchy has which controller.
public struct CgroupLayout: Hashable, Sendable {
    /// How a host mounts control groups.
    public enum Mode: String, Sendable {
        /// Version 2 alone.
        case unified
        /// Version 2 beside version 1, which has some of the controllers.
        case hybrid
        /// Version 1 alone.
        case legacy
        /// Neither.
        case none
    }

    /// A mount of the version 2 hierarchy.
    public struct Mount: Hashable, Sendable {
        /// Where it is mounted.
        public let point: String
        /// The cgroup that is seen there, `/` but for bind mounts of a part of the tree.
        public let root: String
        /// The options of the file system, such as `nsdelegate` and `memory_recursiveprot`.
        public let options: [String]
    }

    /// Version 2: the mount of the whole tree first.
    public let unified: [Mount]
    /// Version 1: where each controller is mounted, by the name there (`blkio` for io).
    public let legacy: [String: String]
    /// Lines of `/proc/cgroups`: the hierarchy's number (0 is version 2 or none) and whether it is enabled.
    let subsystems: [String: (hierarchy: Int, enabled: Bool)]

    /// Reads the texts of `/proc/self/mountinfo` and `/proc/cgroups`.
    public init(mountinfo: String, cgroups: String = "") {
        var unified: [Mount] = []
        var legacy: [String: String] = [:]
        for line in mountinfo.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else { continue }
            let point = unescaped(fields[4])
            let options = fields[dash + 3].split(separator: ",").map(String.init)
            if fields[dash + 1] == "cgroup2" {
                unified.append(Mount(point: point, root: unescaped(fields[3]), options: options))
            } else if fields[dash + 1] == "cgroup" {
                for option in options where legacy[option] == nil { legacy[option] = point }
            }
        }
        self.unified = unified.filter { $0.root == "/" } + unified.filter { $0.root != "/" }
        self.legacy = legacy.filter { $0.key != "rw" && $0.key != "ro" && !$0.key.contains("=") }
        var subsystems: [String: (hierarchy: Int, enabled: Bool)] = [:]
        for line in cgroups.split(separator: "\n") where !line.hasPrefix("#") {
            let fields = line.split { $0 == "\t" || $0 == " " }
            guard fields.count >= 4, let hierarchy = Int(fields[1]) else { continue }
            subsystems[String(fields[0])] = (hierarchy, fields[3] == "1")
        }
        self.subsystems = subsystems
    }

    /// What this process sees.
    public static func current() throws(KernelError) -> CgroupLayout {
        // A kernel without any version 1 controller may have no /proc/cgroups.
        let cgroups = try? readKernelFile("/proc/cgroups")
        return CgroupLayout(mountinfo: try readKernelFile("/proc/self/mountinfo"), cgroups: cgroups ?? "")
    }

    static func ofThisProcess() -> CgroupLayout? { try? current() }

    /// How this host mounts control groups.
    public var mode: Mode {
        switch (unified.isEmpty, legacy.isEmpty) {
        case (false, true): .unified
        case (false, false): .hybrid
        case (true, false): .legacy
        case (true, true): .none
        }
    }

    /// Why a controller is not on version 2, as far as the host's mounts and `/proc/cgroups` tell:
    /// `bound to cgroup v1 at /sys/fs/cgroup/memory`.
    public func reasonFor(_ controller: Controller) -> String? {
        if let point = legacy[controller.legacyName] { return "bound to cgroup v1 at \(point)" }
        if subsystems.isEmpty { return nil }
        guard let subsystem = subsystems[controller.legacyName] else { return "not in this kernel" }
        if !subsystem.enabled { return "disabled on the kernel's command line" }
        return subsystem.hierarchy == 0 ? nil : "bound to a cgroup v1 hierarchy that is not mounted here"
    }

    /// Whether the same is mounted.
    public static func == (one: CgroupLayout, other: CgroupLayout) -> Bool {
        one.unified == other.unified && one.legacy == other.legacy
    }

    /// By what is mounted.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(unified)
        hasher.combine(legacy)
    }
}

/// A field of mountinfo: space, tab, newline and backslash are written as three octal digits.
private func unescaped(_ field: Substring) -> String {
    guard field.utf8.contains(UInt8(ascii: "\\")) else { return String(field) }
    var bytes: [UInt8] = []
    var rest = field.utf8[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "\\"), let code = UInt8(String(Substring(rest.prefix(3))), radix: 8) {
            bytes.append(code)
            rest = rest.dropFirst(3)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

extension Cgroup {
    /// The root of the version 2 hierarchy, as far as it is mounted for this process.
    public static func root() throws(KernelError) -> Cgroup {
        // On most hosts this is all there is to find out: two calls.
        if let usual = try? Cgroup.open("/sys/fs/cgroup") { return usual }
        return try Cgroup.open(FilePath(try mount().point))
    }

    static func mount() throws(KernelError) -> CgroupLayout.Mount {
        let layout = CgroupLayout(mountinfo: try readKernelFile("/proc/self/mountinfo"))
        guard let mount = layout.unified.first else {
            throw KernelError(
                "read", "/proc/self/mountinfo", errno: .noSuchFileOrDirectory,
                hint: "no cgroup2 file system is mounted; mount -t cgroup2 none /sys/fs/cgroup")
        }
        return mount
    }
}
