// SPDX-License-Identifier: Apache-2.0

/// Attributes of a mount (`struct mount_attr`, since Linux 5.12; the same bits serve `fsmount`).
public struct MountAttributes: OptionSet, Hashable, Sendable {
    /// The kernel's bits; those without a name here are kept.
    public let rawValue: UInt64
    /// A set of bits as the kernel has them.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The C name is `MOUNT_ATTR_RDONLY`.
    public static let readOnly = MountAttributes(rawValue: 0x1)
    /// The C name is `MOUNT_ATTR_NOSUID`.
    public static let noSetID = MountAttributes(rawValue: 0x2)
    /// The C name is `MOUNT_ATTR_NODEV`.
    public static let noDevices = MountAttributes(rawValue: 0x4)
    /// The C name is `MOUNT_ATTR_NOEXEC`.
    public static let noExecution = MountAttributes(rawValue: 0x8)
    /// The access time of directories is not kept. The C name is `MOUNT_ATTR_NODIRATIME`.
    public static let noDirectoryAccessTimes = MountAttributes(rawValue: 0x80)
    /// The C name is `MOUNT_ATTR_IDMAP`.
    public static let idmap = MountAttributes(rawValue: 0x10_0000)
    /// No symbolic link is followed on this mount. The C name is `MOUNT_ATTR_NOSYMFOLLOW`, since Linux 5.14.
    public static let noSymbolicLinks = MountAttributes(rawValue: 0x20_0000)

    /// The names of `mount(8)`, by bit.
    static let names: [(name: String, bit: MountAttributes)] = [
        ("ro", .readOnly), ("nosuid", .noSetID), ("nodev", .noDevices), ("noexec", .noExecution),
        ("nodiratime", .noDirectoryAccessTimes), ("idmap", .idmap), ("nosymfollow", .noSymbolicLinks),
    ]
}

extension MountAttributes: CustomStringConvertible {
    /// The names of `mount(8)`, comma separated; bits without one in hexadecimal.
    public var description: String {
        let known = Self.names.filter { contains($0.bit) }
        let rest = subtracting(MountAttributes(known.map(\.bit)))
        return (known.map(\.name) + (rest.isEmpty ? [] : ["0x" + String(rest.rawValue, radix: 16)]))
            .joined(separator: ",")
    }
}

/// When reading a file changes its access time (`MOUNT_ATTR__ATIME`): one of three, so not a bit of a set.
public enum AccessTimes: UInt64, Hashable, Sendable, CaseIterable {
    /// When it is older than the last change, or than a day. The C name is `MOUNT_ATTR_RELATIME`.
    case relative = 0x00
    /// Never. The C name is `MOUNT_ATTR_NOATIME`.
    case never = 0x10
    /// Always. The C name is `MOUNT_ATTR_STRICTATIME`.
    case always = 0x20

    /// The bits that must be cleared to set any of them. The C name is `MOUNT_ATTR__ATIME`.
    static let mask: UInt64 = 0x70
}

/// How mounts and unmounts beneath a mount spread to its copies, and back.
public enum MountPropagation: UInt64, Hashable, Sendable, CaseIterable {
    /// Not at all. The C name is `MS_PRIVATE`.
    case `private` = 0x4_0000
    /// Both ways. The C name is `MS_SHARED`.
    case shared = 0x10_0000
    /// From the original to the copy only. The C name is `MS_SLAVE`.
    case slave = 0x8_0000
    /// Not at all, and it cannot be bind mounted. The C name is `MS_UNBINDABLE`.
    case unbindable = 0x2_0000
}

/// A change of a mount: what is set, what is cleared, and everything else is left as it is (`struct mount_attr`).
///
/// One call makes all of it or nothing. A bit that is in both sets is set. Since Linux 5.12.
public struct MountChange: Hashable, Sendable {
    /// What is set.
    public var set: MountAttributes
    /// What is cleared.
    public var clear: MountAttributes
    /// When access times change; nil leaves that.
    public var accessTimes: AccessTimes?
    /// How mounts spread; nil leaves that. A clone of a shared mount is shared: private keeps what is mounted on the
    /// copy from appearing on the original.
    public var propagation: MountPropagation?

    /// A change; by default the mount becomes private, and nothing else changes.
    public init(
        set: MountAttributes = [], clear: MountAttributes = [], accessTimes: AccessTimes? = nil,
        propagation: MountPropagation? = .private
    ) {
        self.set = set
        self.clear = clear
        self.accessTimes = accessTimes
        self.propagation = propagation
    }

    /// The bits to set, and those to clear, as the kernel wants them.
    var bits: (set: UInt64, clear: UInt64) {
        guard let accessTimes else { return (set.rawValue, clear.rawValue) }
        return (set.rawValue | accessTimes.rawValue, clear.rawValue | AccessTimes.mask)
    }
}

extension MountChange: CustomStringConvertible {
    /// What is set with `+`, what is cleared with `-`: `+ro -noexec atime=never private`.
    public var description: String {
        var words: [String] = []
        if !set.isEmpty { words.append("+\(set)") }
        if !clear.isEmpty { words.append("-\(clear)") }
        if let accessTimes { words.append("atime=\(accessTimes)") }
        if let propagation { words.append("\(propagation)") }
        return words.joined(separator: " ")
    }
}
