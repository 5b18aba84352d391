// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

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
    /// The C name is `MOUNT_ATTR_IDMAP`.
    public static let idmap = MountAttributes(rawValue: 0x10_0000)
    /// No symbolic link is followed on this mount. The C name is `MOUNT_ATTR_NOSYMFOLLOW`, since Linux 5.14.
    public static let noSymbolicLinks = MountAttributes(rawValue: 0x20_0000)
}

/// The mount system calls, by descriptor. Modules above compose them; nothing here decides anything.
package enum MountCall {
    static let emptyPath: UInt32 = 0x1000  // AT_EMPTY_PATH
    static let recursiveFlag: UInt32 = 0x8000  // AT_RECURSIVE
    static let clone: UInt32 = 1  // OPEN_TREE_CLONE
    static let closeOnExec: UInt32 = 0o2000000  // OPEN_TREE_CLOEXEC
    static let makePrivate: UInt64 = 1 << 18  // MS_PRIVATE

    /// `open_tree` with `OPEN_TREE_CLONE`: a detached copy of what `path` is, private to the descriptor.
    package static func clone(
        _ path: String, in directory: borrowing Descriptor, recursive: Bool
    ) throws(KernelError) -> Descriptor {
        let flags = clone | closeOnExec | emptyPath | (recursive ? recursiveFlag : 0)
        let result = unsafe bk_open_tree(directory.number, path, flags)
        return Descriptor(owning: try valueOrError(result, "open_tree", path, in: directory.name))
    }

    /// `open_tree_attr` (since Linux 6.15): the same with attributes and, when given, an ID map in one call.
    package static func cloneWithAttributes(
        _ path: String, in directory: borrowing Descriptor, recursive: Bool, set: MountAttributes,
        userNamespace: borrowing Descriptor
    ) throws(KernelError) -> Descriptor {
        let flags = clone | closeOnExec | emptyPath | (recursive ? recursiveFlag : 0)
        var attributes = bk_mount_attributes(
            set: set.rawValue, clear: 0, propagation: makePrivate, user_namespace: UInt64(userNamespace.number))
        let result = unsafe bk_open_tree_attr(directory.number, path, flags, &attributes)
        return Descriptor(owning: try valueOrError(result, "open_tree_attr", path, in: directory.name))
    }

    /// `mount_setattr` (since Linux 5.12) of the mount the descriptor is.
    package static func setAttributes(
        of tree: borrowing Descriptor, set: MountAttributes, recursive: Bool
    ) throws(KernelError) {
        var attributes = bk_mount_attributes(
            set: set.rawValue, clear: 0, propagation: makePrivate, user_namespace: 0)
        let flags = emptyPath | (recursive ? recursiveFlag : 0)
        try valueOrError(
            unsafe bk_mount_setattr(tree.number, "", flags, &attributes), "mount_setattr", tree.name,
            value: "0x" + String(set.rawValue, radix: 16))
    }

    /// Whether this kernel has `mount_setattr`, for this caller: a call that can do nothing is refused for its
    /// descriptor, or as unknown.
    package static var canSetAttributes: Bool {
        var attributes = bk_mount_attributes(set: 0, clear: 0, propagation: 0, user_namespace: 0)
        return unsafe bk_mount_setattr(-1, "", 0, &attributes) != -Errno.noFunction.rawValue
    }

    /// `mount_setattr` with `MOUNT_ATTR_IDMAP`: the detached mount takes the map of a user namespace.
    package static func setIDMap(
        of tree: borrowing Descriptor, to userNamespace: borrowing Descriptor, set: MountAttributes, recursive: Bool
    ) throws(KernelError) {
        var attributes = bk_mount_attributes(
            set: set.union(.idmap).rawValue, clear: 0, propagation: makePrivate,
            user_namespace: UInt64(userNamespace.number))
        let flags = emptyPath | (recursive ? recursiveFlag : 0)
        try valueOrError(
            unsafe bk_mount_setattr(tree.number, "", flags, &attributes), "mount_setattr MOUNT_ATTR_IDMAP", tree.name)
    }

    /// `move_mount` of a detached tree to a descriptor opened on the target (`MOVE_MOUNT_T_EMPTY_PATH`).
    package static func attach(
        _ tree: borrowing Descriptor, at target: borrowing Descriptor
    ) throws(KernelError) {
        // MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
        let result = unsafe bk_move_mount(tree.number, "", target.number, "", 0x04 | 0x40)
        try valueOrError(result, "move_mount", tree.name, in: target.name)
    }

    /// `umount2` with `MNT_DETACH` and `UMOUNT_NOFOLLOW`.
    package static func detach(_ path: String) throws(KernelError) {
        try valueOrError(unsafe bk_umount(path, 2 | 8), "umount2", path)
    }

    /// A new file system without a place in the tree: `fsopen`, `fsconfig` for each option, `fsmount` (Linux 5.2).
    package static func newFileSystem(
        _ type: String, options: [(key: String, value: String?)] = [], attributes: MountAttributes = []
    ) throws(KernelError) -> Descriptor {
        let context = Descriptor(owning: try valueOrError(unsafe bk_fsopen(type, 1), "fsopen", type))
        for (key, value) in options {
            let result: CInt
            if let value {
                result = unsafe value.withCString { text in unsafe bk_fsconfig_set(context.number, key, text) }
            } else {
                result = unsafe bk_fsconfig_set(context.number, key, nil)
            }
            try valueOrError(result, "fsconfig \(key)", type, value: value)
        }
        try valueOrError(bk_fsconfig_create(context.number), "fsconfig CMD_CREATE", type)
        let result = bk_fsmount(context.number, 1, UInt32(truncatingIfNeeded: attributes.rawValue))
        return Descriptor(owning: try valueOrError(result, "fsmount", type))
    }

    /// The extents of the id maps of the mount that the descriptor is on, read back from the kernel by `statmount`
    /// (`STATMOUNT_MNT_UIDMAP` and `STATMOUNT_MNT_GIDMAP`, since Linux 6.15), or nil where it does not tell.
    package static func idMaps(of mount: borrowing Descriptor) -> (uid: [String], gid: [String])? {
        var id: UInt64 = 0
        guard unsafe bk_unique_mount_id(mount.number, &id) == 0 else { return nil }
        let uidMap: UInt64 = 0x2000
        let gidMap: UInt64 = 0x4000
        var buffer = [UInt8](repeating: 0, count: 16384)
        let result = unsafe buffer.withUnsafeMutableBytes { bytes -> CInt in
            guard let base = bytes.baseAddress else { return -22 }
            return unsafe bk_statmount(id, uidMap | gidMap, base, bytes.count)
        }
        guard result == 0 else { return nil }
        return StatMountMaps(buffer).maps
    }
}

/// The part of `struct statmount` that holds id maps: fixed fields at known offsets, strings behind byte 512.
struct StatMountMaps {
    let maps: (uid: [String], gid: [String])?

    init(_ buffer: [UInt8]) {
        func number<Value: FixedWidthInteger>(_ offset: Int, _ type: Value.Type) -> Value {
            (0..<MemoryLayout<Value>.size).reduce(0) { $0 | Value(buffer[offset + $1]) << (8 * Value($1)) }
        }
        // mask at 8; mnt_uidmap_num, mnt_uidmap, mnt_gidmap_num, mnt_gidmap at 152, 156, 160, 164; str at 512.
        let mask = number(8, UInt64.self)
        guard mask & 0x6000 == 0x6000, buffer.count >= 512 else {
            maps = nil
            return
        }
        func strings(count: UInt32, at offset: UInt32) -> [String] {
            var rest = buffer[min(buffer.count, 512 + Int(offset))...]
            return (0..<count).map { _ in
                let text = rest.prefix { $0 != 0 }
                rest = rest.dropFirst(text.count + 1)
                return String(decoding: text, as: UTF8.self)
            }
        }
        maps = (
            strings(count: number(152, UInt32.self), at: number(156, UInt32.self)),
            strings(count: number(160, UInt32.self), at: number(164, UInt32.self))
        )
    }
}
