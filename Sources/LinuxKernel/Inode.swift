// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// What `statx` tells of an inode that somebody wants to change.
package struct InodeStatus: Hashable, Sendable {
    package var mode: UInt32 = 0
    package var uid: UInt32 = 0
    package var gid: UInt32 = 0
    package var links: UInt32 = 0
    package var inode: UInt64 = 0
    /// 0 before Linux 5.8.
    package var mountID: UInt64 = 0
    package var device: UInt64 = 0
    package var attributes: UInt64 = 0

    package init() {}

    init(_ raw: bk_inode) {
        mode = raw.mode
        uid = raw.uid
        gid = raw.gid
        links = raw.nlink
        inode = raw.inode
        mountID = raw.mount_id
        device = raw.device
        attributes = raw.attributes
    }

    package var isDirectory: Bool { mode & 0o170000 == 0o040000 }
    package var isSymbolicLink: Bool { mode & 0o170000 == 0o120000 }
    /// The set-user-id and set-group-id bits of what is no directory: a change of owner takes them away.
    package var setID: UInt32 { isDirectory ? 0 : mode & 0o6000 }
    /// `STATX_ATTR_IMMUTABLE`, `STATX_ATTR_APPEND`: the owner cannot be changed.
    package var isFixed: Bool { attributes & 0x30 != 0 }
}

/// An inode held by a descriptor, which may be one opened with `O_PATH`: whatever happens to its name, what is done is
/// done to it.
///
/// The system calls for extended attributes and modes take no such descriptor; its link in `/proc/self/fd` leads to the
/// same inode, of a symbolic link too.
package struct InodeHandle: ~Copyable, Sendable {
    package let descriptor: Descriptor
    private var link: String { "/proc/self/fd/\(descriptor.number)" }

    package init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    package func status() throws(KernelError) -> InodeStatus {
        try descriptor.inodeStatus()
    }

    /// `fchownat` `AT_EMPTY_PATH`.
    package func changeOwner(uid: UInt32, gid: UInt32) throws(KernelError) {
        try valueOrError(
            unsafe bk_inode_chown(descriptor.number, "", uid, gid), "fchownat", descriptor.name, value: "\(uid):\(gid)")
    }

    /// `chmod`.
    package func changeMode(_ mode: UInt32) throws(KernelError) {
        try valueOrError(
            unsafe bk_path_chmod(link, mode & 0o7777), "chmod", descriptor.name,
            value: String(mode & 0o7777, radix: 8))
    }

    /// The value of an extended attribute; nil when there is none, or the file system has none of the kind (`getxattr`).
    package func attribute(_ attribute: String) throws(KernelError) -> [UInt8]? {
        // Room for a whole number of entries of an access list, eight bytes each after a head of four: Linux 6.0 and 6.1 count
        // them by the room, and in another leave the ids as they are on disk, whatever the map of the mount.
        var size = 252
        while true {
            var buffer = [UInt8](repeating: 0, count: size)
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe bk_path_getxattr(link, attribute, bytes.baseAddress, bytes.count)
            }
            if [-61, -Int64(Errno.notSupported.rawValue)].contains(count) { return nil }
            if count == -Int64(Errno.outOfRange.rawValue), size < 65532 {
                size = 65532
                continue
            }
            let end = Int(try valueOrError(count, "getxattr", attribute, in: descriptor.name))
            return Array(buffer[..<end])
        }
    }

    /// Sets an extended attribute, whole (`setxattr`).
    package func setAttribute(_ attribute: String, to value: [UInt8]) throws(KernelError) {
        let result = unsafe value.withUnsafeBytes { bytes -> CInt in
            guard let base = bytes.baseAddress else { return unsafe bk_path_setxattr(link, attribute, attribute, 0, 0) }
            return unsafe bk_path_setxattr(link, attribute, base, bytes.count, 0)
        }
        try valueOrError(result, "setxattr", attribute, in: descriptor.name)
    }

    /// Removes an extended attribute; one that is not there is no error (`removexattr`).
    package func removeAttribute(_ attribute: String) throws(KernelError) {
        let result = unsafe bk_path_removexattr(link, attribute)
        if result == -61 { return }
        try valueOrError(result, "removexattr", attribute, in: descriptor.name)
    }

    /// The names of the extended attributes, those among `names` (`flistxattr`, `listxattr`).
    package func attributes(among names: AttributeNames) throws(KernelError) -> AttributeNames.Found {
        // Most have none.
        let length = bk_flistxattr(descriptor.number, nil, 0)
        if length == 0 || length == -Int64(Errno.notSupported.rawValue) { return [] }
        var size = 1024
        while true {
            var buffer = [UInt8](repeating: 0, count: size)
            let count = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe bk_path_listxattr(link, bytes.baseAddress, bytes.count)
            }
            if count == -Int64(Errno.notSupported.rawValue) { return [] }
            if count == -Int64(Errno.outOfRange.rawValue), size < 65536 {
                size = 65536
                continue
            }
            let end = Int(try valueOrError(count, "listxattr", descriptor.name))
            return unsafe buffer.withUnsafeBytes {
                unsafe names.found(in: UnsafeRawBufferPointer(rebasing: $0[..<end]))
            }
        }
    }

    /// Gives the descriptor back.
    package consuming func release() -> Descriptor { descriptor }
}

/// Names of extended attributes that are looked for in lists of them.
package struct AttributeNames: Sendable {
    /// Which were found: bit 0 is the first name's.
    package struct Found: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
    }

    private let names: [[UInt8]]

    package init(_ names: [String]) { self.names = names.map { Array($0.utf8) } }

    func found(in list: UnsafeRawBufferPointer) -> Found {
        var found: UInt32 = 0
        var start = 0
        while start < list.count {
            var end = start
            while end < list.count, unsafe list[end] != 0 { end += 1 }
            for (index, name) in names.enumerated() where name.count == end - start {
                if unsafe list[start..<end].elementsEqual(name) { found |= 1 << UInt32(index) }
            }
            start = end + 1
        }
        return Found(rawValue: found)
    }
}

extension Descriptor {
    /// `statx` of the open file itself.
    package func inodeStatus() throws(KernelError) -> InodeStatus {
        var raw = bk_inode()
        try valueOrError(unsafe bk_inode_status(number, "", &raw), "statx", name)
        return InodeStatus(raw)
    }

    /// Locks this directory for whoever opened it (`flock` `LOCK_EX`); false when another holds the lock.
    package func lockDirectory() throws(KernelError) -> Bool {
        let result = bk_lock_directory(number)
        if result == -Errno.resourceTemporarilyUnavailable.rawValue { return false }
        try valueOrError(result, "flock LOCK_EX", name)
        return true
    }

    /// Locks this directory together with others who do so (`flock` `LOCK_SH`); false when one holds it alone.
    package func shareDirectory() throws(KernelError) -> Bool {
        let result = bk_share_directory(number)
        if result == -Errno.resourceTemporarilyUnavailable.rawValue { return false }
        try valueOrError(result, "flock LOCK_SH", name)
        return true
    }

    /// Gives the lock back for all who hold the descriptor (`flock` `LOCK_UN`).
    package func unlockDirectory() throws(KernelError) {
        try valueOrError(bk_unlock_directory(number), "flock LOCK_UN", name)
    }

    /// Brings the whole file system to the disk (`syncfs`).
    package func synchronizeFileSystem() throws(KernelError) {
        try valueOrError(uninterrupted { bk_syncfs(number) }, "syncfs", name)
    }
}
