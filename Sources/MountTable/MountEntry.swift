// SPDX-License-Identifier: Apache-2.0

public import SystemPackage

/// One mount, as the kernel lists it.
public struct MountEntry: Hashable, Sendable {
    /// The kernel's number for the mount; used again after an unmount.
    public var id: Int
    /// The mount that this one is mounted on. It may be missing from the table: the root's is out of sight.
    public var parent: Int
    /// The device of the files, as `stat` shows it on most file systems.
    public var device: Device
    /// What of the file system is mounted: `/`, or the directory of a bind mount. Of a namespace's file, `net:[…]`.
    public var root: FilePath
    /// Where it is mounted, as seen from the process's root. Where that has been removed, the kernel adds `//deleted`.
    public var target: FilePath
    /// The file system's type, as `ext4`, `fuse.sshfs`.
    public var type: String
    /// The device, or what the file system takes for one. May be empty.
    public var source: String
    /// The options of this mount, in order.
    public var options: MountOptions
    /// The options of the file system, the same at all its mounts, in order.
    public var superblockOptions: MountOptions
    /// How mounts and unmounts beneath spread.
    public var propagation: Propagation

    /// Whether the ids on disk are mapped. Since Linux 5.12.
    public var isIDMapped: Bool { options.contains("idmapped") }
    /// Whether nothing can be written through this mount, by its own or the file system's doing.
    public var isReadOnly: Bool { options.contains("ro") || superblockOptions.contains("ro") }

    /// A device number.
    public struct Device: Hashable, Sendable, CustomStringConvertible {
        /// The driver; 0 for file systems without a device.
        public var major: UInt32
        /// The driver's number for it.
        public var minor: UInt32

        /// A device number.
        public init(major: UInt32, minor: UInt32) {
            self.major = major
            self.minor = minor
        }

        /// `MAJOR:MINOR`.
        public var description: String { "\(major):\(minor)" }
    }

    /// How mounts and unmounts beneath a mount spread to others. A mount that has none of these is private.
    public struct Propagation: Hashable, Sendable, CustomStringConvertible {
        /// The group in which they spread both ways.
        public var peerGroup: Int?
        /// The group from which they spread to here.
        public var master: Int?
        /// The nearest group that is in sight, where the master is not.
        public var propagatesFrom: Int?
        /// Whether bind mounts of it are refused.
        public var isUnbindable = false
        /// Fields that this package does not know, as the kernel wrote them.
        public var unknown: [String] = []

        /// Private propagation.
        public init() {}

        /// Whether nothing spreads.
        public var isPrivate: Bool { peerGroup == nil && master == nil }

        /// The kernel's fields, as `shared:7 master:1`; empty for private.
        public var description: String {
            let groups = [("shared", peerGroup), ("master", master), ("propagate_from", propagatesFrom)]
            let fields = groups.compactMap { name, group in group.map { "\(name):\($0)" } }
            return (fields + (isUnbindable ? ["unbindable"] : []) + unknown).joined(separator: " ")
        }

        init(fields: String) {
            for field in fields.split(separator: " ") {
                let parts = field.split(separator: ":", maxSplits: 1)
                switch (parts.first, parts.count == 2 ? Int(parts[1]) : nil) {
                case ("shared", let group?): peerGroup = group
                case ("master", let group?): master = group
                case ("propagate_from", let group?): propagatesFrom = group
                case ("unbindable", nil): isUnbindable = true
                default: unknown.append(String(field))
                }
            }
        }
    }
}

/// Mount options in their order. What an option means is the file system's business: every one is kept.
public struct MountOptions: Hashable, Sendable {
    /// The options.
    public var list: [Option]

    /// Options in an order.
    public init(_ list: [Option] = []) { self.list = list }

    /// One option: a word, or a name with a value.
    public struct Option: Hashable, Sendable, CustomStringConvertible {
        /// The name.
        public var name: String
        /// The value; nil for a word, empty for `name=`.
        public var value: String?

        /// An option.
        public init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }

        /// `name` or `name=value`; a comma in it is not escaped.
        public var description: String { value.map { "\(name)=\($0)" } ?? name }
    }

    /// Whether an option of this name is there, with or without a value.
    public func contains(_ name: String) -> Bool { list.contains { $0.name == name } }

    /// The value of the first option of this name; nil where there is none, or it is a word.
    public subscript(_ name: String) -> String? { list.first { $0.name == name }?.value }

    /// The values of all options of this name: overlay names each layer in one.
    public func values(of name: String) -> [String] { list.filter { $0.name == name }.compactMap(\.value) }
}

extension MountOptions: CustomStringConvertible {
    /// The options, comma separated.
    public var description: String { list.map(\.description).joined(separator: ",") }
}
