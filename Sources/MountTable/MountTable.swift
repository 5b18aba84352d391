// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// What is mounted in a mount namespace, at one moment.
///
/// The kernel's file is `/proc/PID/mountinfo`; detached mounts are not in it. Since Linux 2.6.26.
public struct MountTable: Hashable, Sendable {
    /// The mounts in the kernel's order.
    public var entries: [MountEntry]

    /// A table of entries.
    public init(entries: [MountEntry]) { self.entries = entries }

    /// The mounts that the calling thread sees.
    public static func current() throws(MountTableError) -> MountTable {
        try MountTable(reading: "/proc/thread-self/mountinfo")
    }

    /// The mounts that a process sees, with targets from its root.
    public static func of(pid: Int32) throws(MountTableError) -> MountTable {
        try MountTable(reading: FilePath("/proc/\(pid)/mountinfo"))
    }

    /// The mount with a number.
    public subscript(id id: Int) -> MountEntry? { entries.first { $0.id == id } }

    /// The mounts on a mount, in the kernel's order.
    public func children(of entry: MountEntry) -> [MountEntry] {
        entries.filter { $0.parent == entry.id && $0.id != entry.id }
    }

    /// The mount that is visible at a mount point; nil where nothing is mounted there, or another mount hides it.
    ///
    /// The path is absolute and free of symbolic links.
    public func mount(at path: FilePath) -> MountEntry? {
        mount(covering: path).flatMap { $0.target == path.lexicallyNormalized() ? $0 : nil }
    }

    /// The mount that a path is on; nil where the path is relative or no mount of the table holds it.
    ///
    /// The path is absolute and free of symbolic links. Like the kernel this goes from mount to mount, along parents: a
    /// mount that lies under a later one is not found, though its target is nearer to the path.
    public func mount(covering path: FilePath) -> MountEntry? {
        let path = path.lexicallyNormalized()
        guard path.isAbsolute else { return nil }
        let ids = Set(entries.map(\.id))
        var here: MountEntry?
        var candidates = entries.filter { path.starts(with: $0.target) }
        while true {
            let next = candidates.filter { entry in
                here.map { entry.parent == $0.id } ?? (entry.parent == entry.id || !ids.contains(entry.parent))
            }
            // The walk from the mount's root meets the shortest target first; on one of equals the last is on top.
            guard let first = next.min(by: { $0.target.components.count < $1.target.components.count }),
                let top = next.last(where: { $0.target == first.target })
            else { return here }
            here = top
            // Each step uses up its mount, so a table that goes in circles ends too.
            candidates.removeAll { $0.id == top.id }
        }
    }
}

/// Why a mount table cannot be read.
public enum MountTableError: Error, Hashable, Sendable {
    /// The kernel's file cannot be opened or read.
    case unreadable(FilePath, Errno)
    /// A line is not one of a mount table.
    case malformed(line: Int, text: String)
    /// libmount failed.
    case failed(call: String, Errno)
}

extension MountTableError: CustomStringConvertible {
    /// What is wrong, with the value it is wrong in.
    public var description: String {
        switch self {
        case .unreadable(let path, let errno): "read \(path): \(errno)"
        case .malformed(let line, let text): "mount table, line \(line): '\(text)' is not a mount"
        case .failed(let call, let errno): "\(call): \(errno)"
        }
    }
}
