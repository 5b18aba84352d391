// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// One line of `/proc/PID/cgroup`: where a process is in one hierarchy.
public struct CgroupMembership: Hashable, Sendable {
    /// The hierarchy's number; 0 is version 2.
    public let hierarchy: Int
    /// The hierarchy's controllers, or `name=…`; empty for version 2.
    public let controllers: String
    /// The cgroup's path, seen from the reader's cgroup namespace. A cgroup that was removed is shown with
    /// ` (deleted)` at the end, as is a living one that is called so.
    public let path: String

    /// Reads one line; only the first two colons divide it.
    public init?(_ line: some StringProtocol) {
        let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, let hierarchy = Int(decimal: fields[0]), fields[2].hasPrefix("/") else { return nil }
        self.hierarchy = hierarchy
        controllers = String(fields[1])
        path = String(fields[2])
    }

    /// Reads the whole file.
    public static func all(in text: String) -> [CgroupMembership] {
        text.split(separator: "\n").compactMap { CgroupMembership($0) }
    }

    /// Whether the cgroup is outside the reader's cgroup namespace.
    public var isOutsideNamespace: Bool { path == "/.." || path.hasPrefix("/../") }

    /// The path before the kernel's ` (deleted)`, or nil.
    public var pathBeforeDeletion: String? {
        path.hasSuffix(" (deleted)") ? String(path.dropLast(" (deleted)".count)) : nil
    }
}

extension Cgroup {
    /// The cgroup that this process is in (`/proc/self/cgroup`).
    public static func current() throws(KernelError) -> Cgroup { try of("self") }

    /// The cgroup that a process is in (`/proc/PID/cgroup`).
    public static func of(process pid: Int32) throws(KernelError) -> Cgroup { try of("\(pid)") }

    private static func of(_ process: String) throws(KernelError) -> Cgroup {
        let file = "/proc/\(process)/cgroup"
        let lines = CgroupMembership.all(in: try readKernelFile(FilePath(file)))
        guard let line = lines.first(where: { $0.hierarchy == 0 && $0.controllers.isEmpty }) else {
            throw KernelError(
                "read", file, errno: .noSuchFileOrDirectory, hint: "the process is in no cgroup of version 2")
        }
        let mount = try CgroupMount.current()
        guard !line.isOutsideNamespace, let inner = pathInside(mount.root, line.path) else {
            throw KernelError(
                "read", file, value: line.path, errno: .improperLink,
                hint: "the cgroup is outside of what is mounted at \(mount.point)")
        }
        let root = try Cgroup.open(FilePath(mount.point))
        guard !inner.isEmpty else { return root }
        do { return try root.openChild(inner) } catch {
            // A living cgroup may be called "x (deleted)"; only one that cannot be opened is taken as removed.
            guard line.pathBeforeDeletion != nil, error.errno == .noSuchFileOrDirectory else { throw error }
            throw KernelError("openat2", inner, in: mount.point, errno: .noSuchDevice, hint: "the cgroup is gone")
        }
    }
}

/// A cgroup's path relative to the cgroup that a mount shows, without a slash at the start; nil when it is not in it.
func pathInside(_ root: String, _ path: String) -> String? {
    let root = root == "/" ? "" : root
    guard path.hasPrefix(root) else { return nil }
    let rest = path.dropFirst(root.count)
    guard rest.isEmpty || rest.hasPrefix("/") else { return nil }
    return String(rest.drop { $0 == "/" })
}
