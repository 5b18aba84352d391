// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
package import SystemPackage

/// The mount system calls, by descriptor. Modules above compose them; nothing here decides anything.
package enum MountCall {
    static let emptyPath: UInt32 = 0x1000  // AT_EMPTY_PATH
    static let recursiveFlag: UInt32 = 0x8000  // AT_RECURSIVE
    static let clone: UInt32 = 1  // OPEN_TREE_CLONE
    static let closeOnExec: UInt32 = 0o2000000  // OPEN_TREE_CLOEXEC

    // MARK: - Clones

    /// `open_tree` with `OPEN_TREE_CLONE`: a detached copy of what `path` is, private to the descriptor.
    package static func clone(
        _ path: String, in directory: borrowing Descriptor, recursive: Bool
    ) throws(KernelError) -> Descriptor {
        let result = unsafe bk_open_tree(directory.number, path, cloneFlags(recursive))
        return Descriptor(owning: try valueOrError(result, "open_tree", path, in: directory.name))
    }

    /// The same of a path of this process's file system; a link is followed.
    package static func clone(_ path: FilePath, recursive: Bool) throws(KernelError) -> Descriptor {
        let result = unsafe bk_open_tree(atWorkingDirectory, try whole(path, "open_tree"), cloneFlags(recursive))
        return Descriptor(owning: try valueOrError(result, "open_tree", path.string))
    }

    /// `open_tree_attr` (since Linux 6.15): the same with attributes and, when given, an ID map in one call.
    package static func cloneWithAttributes(
        _ path: String, in directory: borrowing Descriptor, recursive: Bool, changing change: MountChange,
        userNamespace: borrowing Descriptor
    ) throws(KernelError) -> Descriptor {
        var attributes = raw(change, mappedBy: userNamespace.number)
        let result = unsafe bk_open_tree_attr(directory.number, path, cloneFlags(recursive), &attributes)
        return Descriptor(owning: try valueOrError(result, "open_tree_attr", path, in: directory.name))
    }

    /// The same of a path of this process's file system; a link is followed.
    package static func cloneWithAttributes(
        _ path: FilePath, recursive: Bool, changing change: MountChange, userNamespace: borrowing Descriptor
    ) throws(KernelError) -> Descriptor {
        var attributes = raw(change, mappedBy: userNamespace.number)
        let text = try whole(path, "open_tree_attr")
        let result = unsafe bk_open_tree_attr(atWorkingDirectory, text, cloneFlags(recursive), &attributes)
        return Descriptor(owning: try valueOrError(result, "open_tree_attr", path.string))
    }

    /// `open_tree_attr` (since Linux 6.15) that takes the ID map from the copy. Always with `OPEN_TREE_CLONE`: without,
    /// 6.15 and early 6.16 change the map under readers of the old one.
    package static func cloneWithoutIDMap(
        _ path: String, in directory: borrowing Descriptor, recursive: Bool, changing change: MountChange
    ) throws(KernelError) -> Descriptor {
        var attributes = raw(change)
        attributes.clear |= MountAttributes.idmap.rawValue
        let result = unsafe bk_open_tree_attr(directory.number, path, cloneFlags(recursive), &attributes)
        return Descriptor(owning: try valueOrError(result, "open_tree_attr", path, in: directory.name))
    }

    private static func cloneFlags(_ recursive: Bool) -> UInt32 {
        clone | closeOnExec | emptyPath | (recursive ? recursiveFlag : 0)
    }

    /// A path that C sees whole. Empty it would be the working directory.
    private static func whole(_ path: FilePath, _ call: String) throws(KernelError) -> String {
        if path.isEmpty { throw KernelError(call, "''", errno: .noSuchFileOrDirectory) }
        return path.string
    }

    // MARK: - Changes

    /// `mount_setattr` (since Linux 5.12) of the mount the descriptor is.
    package static func setAttributes(
        of tree: borrowing Descriptor, _ change: MountChange, recursive: Bool
    ) throws(KernelError) {
        var attributes = raw(change)
        try valueOrError(
            unsafe bk_mount_setattr(tree.number, "", emptyPath | (recursive ? recursiveFlag : 0), &attributes),
            "mount_setattr", tree.name, value: change.description)
    }

    /// The same, setting attributes and making the mount private.
    package static func setAttributes(
        of tree: borrowing Descriptor, set: MountAttributes, recursive: Bool
    ) throws(KernelError) {
        try setAttributes(of: tree, MountChange(set: set), recursive: recursive)
    }

    /// Whether this kernel has `mount_setattr`, for this caller: a call that can do nothing is refused for its
    /// descriptor, or as unknown.
    package static var canSetAttributes: Bool {
        var attributes = bk_mount_attributes(set: 0, clear: 0, propagation: 0, user_namespace: 0)
        return unsafe bk_mount_setattr(-1, "", 0, &attributes) != -Errno.noFunction.rawValue
    }

    /// `mount_setattr` with `MOUNT_ATTR_IDMAP`: the detached mount takes the map of a user namespace.
    package static func setIDMap(
        of tree: borrowing Descriptor, to userNamespace: borrowing Descriptor, _ change: MountChange = MountChange(),
        recursive: Bool
    ) throws(KernelError) {
        var attributes = raw(change, mappedBy: userNamespace.number)
        try valueOrError(
            unsafe bk_mount_setattr(tree.number, "", emptyPath | (recursive ? recursiveFlag : 0), &attributes),
            "mount_setattr MOUNT_ATTR_IDMAP", tree.name)
    }

    private static func raw(_ change: MountChange, mappedBy userNamespace: CInt? = nil) -> bk_mount_attributes {
        let (set, clear) = change.bits
        return bk_mount_attributes(
            set: set | (userNamespace == nil ? 0 : MountAttributes.idmap.rawValue), clear: clear,
            propagation: change.propagation?.rawValue ?? 0, user_namespace: UInt64(userNamespace ?? 0))
    }

    // MARK: - Places

    /// `move_mount` of a detached tree to a descriptor opened on the target (`MOVE_MOUNT_T_EMPTY_PATH`): on top of what
    /// is there, or beneath the mount whose root the target is (`MOVE_MOUNT_BENEATH`, since Linux 6.5).
    package static func attach(
        _ tree: borrowing Descriptor, at target: borrowing Descriptor, beneath: Bool = false
    ) throws(KernelError) {
        // MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH, MOVE_MOUNT_BENEATH
        let result = unsafe bk_move_mount(tree.number, "", target.number, "", 0x04 | 0x40 | (beneath ? 0x200 : 0))
        try valueOrError(result, beneath ? "move_mount MOVE_MOUNT_BENEATH" : "move_mount", tree.name, in: target.name)
    }

    /// `umount2` with `MNT_DETACH` and `UMOUNT_NOFOLLOW`.
    package static func detach(_ path: String) throws(KernelError) { try unmount(path, lazily: true) }

    /// `umount2` with `UMOUNT_NOFOLLOW`; `lazily`, with `MNT_DETACH`: at once with all that is mounted beneath, and for
    /// those who use it still when they have ended.
    package static func unmount(_ path: String, lazily: Bool) throws(KernelError) {
        try valueOrError(unsafe bk_umount(path, 8 | (lazily ? 2 : 0)), "umount2", path)
    }

    /// `umount2` with `MNT_DETACH` of the very mount whose root the descriptor is, whatever its path leads to by now:
    /// the kernel has no call for it, but follows its own link in `/proc`.
    package static func detach(_ mount: borrowing Descriptor) throws(KernelError) {
        try valueOrError(unsafe bk_umount("/proc/self/fd/\(mount.number)", 2), "umount2", mount.name)
    }

    // MARK: - New file systems

    /// A new file system without a place in the tree: `fsopen`, `fsconfig` for each option, `fsmount` (Linux 5.2).
    package static func newFileSystem(
        _ type: String, options: [(key: String, value: String?)] = [], attributes: MountAttributes = []
    ) throws(KernelError) -> Descriptor {
        let context = try FileSystemContext(type)
        for (key, value) in options { try context.set(key, value) }
        return try context.mount(attributes)
    }
}

/// A file system that is being configured (`fsopen`, since Linux 5.2).
package struct FileSystemContext: ~Copyable {
    private let context: Descriptor
    private let type: String

    package init(_ type: String) throws(KernelError) {
        context = Descriptor(owning: try valueOrError(unsafe bk_fsopen(type, 1), "fsopen", type))
        self.type = type
    }

    /// `fsconfig` `FSCONFIG_SET_STRING`, or without a value `FSCONFIG_SET_FLAG`.
    package func set(_ key: String, _ value: String?) throws(KernelError) {
        let result: CInt
        if let value {
            result = unsafe value.withCString { text in unsafe bk_fsconfig_set(context.number, key, text) }
        } else {
            result = unsafe bk_fsconfig_set(context.number, key, nil)
        }
        try checked(result, "fsconfig \(key)", value: value)
    }

    /// `fsconfig` `FSCONFIG_SET_FD`: the kernel takes a reference of its own.
    package func set(_ key: String, to file: borrowing Descriptor) throws(KernelError) {
        try set(key, toNumber: file.number)
    }

    /// The same of a descriptor in a list.
    package func set(_ key: String, to list: borrowing DescriptorList, at index: Int) throws(KernelError) {
        try set(key, toNumber: list.number(index))
    }

    private func set(_ key: String, toNumber number: CInt) throws(KernelError) {
        try checked(
            unsafe bk_fsconfig_fd(context.number, key, number), "fsconfig \(key)", value: "descriptor \(number)")
    }

    /// `fsconfig` `FSCONFIG_CMD_CREATE` and `fsmount`.
    package func mount(_ attributes: MountAttributes = []) throws(KernelError) -> Descriptor {
        try checked(bk_fsconfig_create(context.number), "fsconfig CMD_CREATE")
        let result = bk_fsmount(context.number, 1, UInt32(truncatingIfNeeded: attributes.rawValue))
        try checked(result, "fsmount")
        return Descriptor(owning: result)
    }

    private func checked(_ result: CInt, _ call: String, value: String? = nil) throws(KernelError) {
        guard result < 0 else { return }
        throw KernelError(call, type, value: value, errno: Errno(rawValue: -result), hint: complaint())
    }

    /// What the file system says for itself: lines that begin with `e` for an error, `w`, `i`.
    private func complaint() -> String? {
        var lines: [String] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while let count = try? context.read(into: &buffer), count > 2 {
            let line = String(decoding: buffer[..<count], as: UTF8.self)
            if line.hasPrefix("e ") { lines.append(String(line.dropFirst(2)).trimmingNewline) }
        }
        return lines.isEmpty ? nil : lines.joined(separator: "; ")
    }
}
