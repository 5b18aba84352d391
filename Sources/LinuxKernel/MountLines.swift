// SPDX-License-Identifier: Apache-2.0

/// One line of `/proc/self/mountinfo`, as far as a diagnosis needs it. The module MountTable has the whole table.
package struct MountLine: Hashable, Sendable {
    package var id: UInt64
    /// The mount that this one is on.
    package var parent: UInt64
    /// The directory of the file system that is seen here.
    package var root: String
    package var point: String
    /// Options of the mount (`ro`, `idmapped`).
    package var options: [String]
    /// The file system with its subtype, such as `ext4` or `fuse.sshfs`.
    package var type: String
    /// Options of the superblock, with the controllers of a cgroup v1 hierarchy among them.
    var superOptions: [String]

    /// Reads a line; nil for what is none.
    init?(_ line: Substring) {
        // By bytes: Characters would be ten times as long.
        let fields = line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map(Substring.init)
        guard fields.count >= 10, let id = UInt64(fields[0]), let parent = UInt64(fields[1]),
            let dash = fields[6...].firstIndex(of: "-"),
            dash + 3 < fields.count
        else { return nil }
        self.id = id
        self.parent = parent
        root = Self.unescaped(fields[3])
        point = Self.unescaped(fields[4])
        options = Self.list(fields[5])
        type = Self.unescaped(fields[dash + 1])
        superOptions = Self.list(fields[dash + 3])
    }

    private static func list(_ text: Substring) -> [String] {
        text.utf8.split(separator: UInt8(ascii: ",")).map { String(Substring($0)) }
    }

    /// Reads a whole table, in order.
    package static func parse(_ text: String) -> [MountLine] {
        text.utf8.split(separator: UInt8(ascii: "\n")).compactMap { MountLine(Substring($0)) }
    }

    /// What is mounted for this process; empty where `/proc` is missing.
    package static func all() -> [MountLine] { parse(probedText("/proc/self/mountinfo") ?? "") }

    /// The mounts that a recursive clone of a place takes with it: those on its mount at or beneath its path, and those
    /// on them, each after the one it is on.
    package static func beneath(_ path: String, onMount id: UInt64) -> [MountLine] {
        let prefix = path == "/" ? path : path + "/"
        let lines = all()
        var taken: Set<UInt64> = []
        return lines.filter { line in
            let isOnTop = line.parent == id && line.id != id && line.point.hasPrefix(prefix)
            return isOnTop || taken.contains(line.parent) ? taken.insert(line.id).inserted : false
        }
    }

    /// The kernel writes space, tab, newline and backslash as three octal digits.
    private static func unescaped(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "\\")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (48...55).contains($0) }) {
                bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 48) })
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The attributes of what is mounted at a path and beneath it, by path, parents first: for kernels that cannot set the
/// attributes of a whole tree.
package func attributesOfMounts(beneath path: String) -> [(path: String, attributes: MountAttributes)] {
    let prefix = path == "/" ? path : path + "/"
    let names: [(String, MountAttributes)] = [
        ("ro", .readOnly), ("nosuid", .noSetID), ("nodev", .noDevices), ("noexec", .noExecution),
    ]
    return MountLine.all().filter { $0.point == path || $0.point.hasPrefix(prefix) }.map { line in
        (
            line.point,
            names.reduce(into: MountAttributes()) { if line.options.contains($1.0) { $0.insert($1.1) } }
        )
    }.sorted { $0.path.utf8.count < $1.path.utf8.count }
}
