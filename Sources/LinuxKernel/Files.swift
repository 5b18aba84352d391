// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
public import SystemPackage

/// `AT_FDCWD`: relative to the working directory.
package let atWorkingDirectory: CInt = -100

/// How a file is opened (`open_how.flags`).
public struct OpenFlags: OptionSet, Hashable, Sendable {
    /// The kernel's bits; those without a name here are kept.
    public let rawValue: UInt64
    /// A set of bits as the kernel has them.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Reading is the absence of the other two: the C name is `O_RDONLY`, which is zero.
    public static let reading: OpenFlags = []
    /// The C name is `O_WRONLY`.
    public static let writing = OpenFlags(rawValue: 0o1)
    /// The C name is `O_RDWR`.
    public static let readingAndWriting = OpenFlags(rawValue: 0o2)
    /// The C name is `O_CREAT`.
    public static let create = OpenFlags(rawValue: 0o100)
    /// The C name is `O_EXCL`.
    public static let exclusive = OpenFlags(rawValue: 0o200)
    /// The C name is `O_TRUNC`.
    public static let truncate = OpenFlags(rawValue: 0o1000)
    /// Every write goes to the end. The C name is `O_APPEND`.
    public static let append = OpenFlags(rawValue: 0o2000)
    /// The C name is `O_NOCTTY`.
    public static let noControllingTerminal = OpenFlags(rawValue: 0o400)
    /// The C name is `O_NONBLOCK`.
    public static let nonBlocking = OpenFlags(rawValue: 0o4000)
    #if arch(arm64)
        /// The C name is `O_DIRECTORY`.
        public static let directory = OpenFlags(rawValue: 0o40000)
        /// The C name is `O_NOFOLLOW`.
        public static let noFollow = OpenFlags(rawValue: 0o100000)
    #else
        /// The C name is `O_DIRECTORY`.
        public static let directory = OpenFlags(rawValue: 0o200000)
        /// The C name is `O_NOFOLLOW`.
        public static let noFollow = OpenFlags(rawValue: 0o400000)
    #endif
    /// A place in the tree without access to its content. The C name is `O_PATH`.
    public static let path = OpenFlags(rawValue: 0o10000000)
}

/// What path resolution refuses (`open_how.resolve`, since Linux 5.6).
public struct ResolveFlags: OptionSet, Hashable, Sendable {
    /// The kernel's bits; those without a name here are kept.
    public let rawValue: UInt64
    /// A set of bits as the kernel has them.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// No crossing of a mount point. The C name is `RESOLVE_NO_XDEV`.
    public static let noMountCrossing = ResolveFlags(rawValue: 0x01)
    /// No jump through `/proc`. The C name is `RESOLVE_NO_MAGICLINKS`.
    public static let noMagicLinks = ResolveFlags(rawValue: 0x02)
    /// No symbolic link anywhere. The C name is `RESOLVE_NO_SYMLINKS`.
    public static let noSymbolicLinks = ResolveFlags(rawValue: 0x04)
    /// Nothing outside the directory. The C name is `RESOLVE_BENEATH`.
    public static let beneath = ResolveFlags(rawValue: 0x08)
    /// The directory is the root of the look-up. The C name is `RESOLVE_IN_ROOT`.
    public static let inRoot = ResolveFlags(rawValue: 0x10)

    /// What the files of one cgroup, or of any tree we own, are opened with.
    public static let strict: ResolveFlags = [.noMountCrossing, .noMagicLinks, .noSymbolicLinks, .beneath]
}

/// What `statx` tells of a file.
public struct FileStatus: Hashable, Sendable {
    /// Type and permission bits (`stx_mode`).
    public var mode: UInt32
    /// The owner, as seen through the mount and from the caller's user namespace.
    public var uid: UInt32
    /// The group, likewise.
    public var gid: UInt32
    /// Names of the inode.
    public var links: UInt32
    /// The inode's number.
    public var inode: UInt64
    /// Bytes.
    public var size: UInt64
    /// The id of the mount, nil before Linux 5.8.
    public var mountID: UInt64?
    /// The device, as major and minor number.
    public var device: (major: UInt32, minor: UInt32) { (deviceMajor, deviceMinor) }
    var deviceMajor: UInt32
    var deviceMinor: UInt32

    /// Whether it is a directory.
    public var isDirectory: Bool { mode & 0o170000 == 0o040000 }
    /// Whether it is a regular file.
    public var isRegular: Bool { mode & 0o170000 == 0o100000 }
    /// Whether it is a symbolic link.
    public var isSymbolicLink: Bool { mode & 0o170000 == 0o120000 }
}

extension FileStatus {
    init(_ raw: bk_file_status) {
        self.init(
            mode: raw.mode, uid: raw.uid, gid: raw.gid, links: raw.nlink, inode: raw.inode, size: raw.size,
            mountID: raw.mount_id == 0 ? nil : raw.mount_id, deviceMajor: raw.device_major,
            deviceMinor: raw.device_minor)
    }

    /// What a path of this process's file system leads to; links are followed (`statx`).
    package init(at path: FilePath) throws(KernelError) {
        var raw = bk_file_status()
        try valueOrError(unsafe bk_statx(atWorkingDirectory, path.string, 0, &raw), "statx", path.string)
        self.init(raw)
    }
}

extension Descriptor {
    /// Opens a path of this process's file system.
    public static func open(
        _ path: FilePath, _ flags: OpenFlags, mode: UInt32 = 0, resolve: ResolveFlags = []
    ) throws(KernelError) -> Descriptor {
        try openRelative(to: atWorkingDirectory, path.string, flags, mode, resolve, place: nil)
    }

    /// Opens a path relative to this directory (`openat2`, since Linux 5.6); by default nothing outside it is reached,
    /// no link followed and no mount crossed.
    public borrowing func open(
        _ path: String, _ flags: OpenFlags, mode: UInt32 = 0, resolve: ResolveFlags = .strict
    ) throws(KernelError) -> Descriptor {
        try Descriptor.openRelative(to: number, path, flags, mode, resolve, place: name)
    }

    /// The same; nil when there is no such file, with no call beyond the one.
    package borrowing func openIfPresent(_ path: String, _ flags: OpenFlags) throws(KernelError) -> Descriptor? {
        let number = self.number
        let result = uninterrupted {
            unsafe bk_openat2(number, path, flags.rawValue, 0, ResolveFlags.strict.rawValue)
        }
        if result == -Errno.noSuchFileOrDirectory.rawValue { return nil }
        return result < 0 ? try open(path, flags) : Descriptor(owning: result)
    }

    private static func openRelative(
        to directory: CInt, _ path: String, _ flags: OpenFlags, _ mode: UInt32, _ resolve: ResolveFlags,
        place: @autoclosure () -> String?
    ) throws(KernelError) -> Descriptor {
        guard !path.utf8.contains(0) else {
            throw KernelError("openat2", path, in: place(), errno: .invalidArgument, hint: "the path holds a NUL byte")
        }
        var result: CInt = 0
        // EAGAIN: a rename elsewhere raced with the scoped look-up; the kernel asks for another try.
        for _ in 0..<32 {
            result = uninterrupted {
                unsafe bk_openat2(directory, path, flags.rawValue, UInt64(mode), resolve.rawValue)
            }
            if result != -Errno.resourceTemporarilyUnavailable.rawValue { break }
        }
        return Descriptor(owning: try valueOrError(result, "openat2", path, in: place()))
    }

    /// What the open file is (`statx`).
    public borrowing func status() throws(KernelError) -> FileStatus { try status(of: "") }

    /// What a name in this directory is, not following a link in its last part (`statx`).
    public borrowing func status(of path: String) throws(KernelError) -> FileStatus {
        var raw = bk_file_status()
        // AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW
        let result = unsafe bk_statx(number, path, 0x1000 | 0x100, &raw)
        try valueOrError(result, "statx", path.isEmpty ? name : path, in: path.isEmpty ? nil : name)
        return FileStatus(raw)
    }

    /// The magic number of the file system that the file is on (`fstatfs`).
    public borrowing func fileSystem() throws(KernelError) -> FileSystemKind {
        FileSystemKind(magic: UInt32(truncatingIfNeeded: try valueOrError(bk_fstatfs_magic(number), "fstatfs", name)))
    }

    /// Makes a directory in this one (`mkdirat`); false when the name exists already.
    @discardableResult
    public borrowing func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(KernelError) -> Bool {
        let result = unsafe bk_mkdirat(number, path, mode)
        if result == -Errno.fileExists.rawValue { return false }
        try valueOrError(result, "mkdirat", path, in: name)
        return true
    }

    /// Removes an empty directory in this one (`unlinkat` `AT_REMOVEDIR`).
    public borrowing func removeDirectory(_ path: String) throws(KernelError) {
        try valueOrError(unsafe bk_unlinkat(number, path, 0x200), "unlinkat AT_REMOVEDIR", path, in: name)
    }

    /// Removes a file's name in this directory (`unlinkat`).
    public borrowing func removeFile(_ path: String) throws(KernelError) {
        try valueOrError(unsafe bk_unlinkat(number, path, 0), "unlinkat", path, in: name)
    }

    /// Gives a file of this directory another name in it, replacing what has that name (`renameat`).
    public borrowing func rename(_ path: String, to other: String) throws(KernelError) {
        try valueOrError(unsafe bk_renameat(number, path, other), "renameat", path, value: other, in: name)
    }

    /// Takes a lock on a range of bytes that the open file description owns, however many processes share it
    /// (`fcntl` `F_OFD_SETLK`, since Linux 3.15); false when another holds it.
    public borrowing func lock(from start: Int64, length: Int64) throws(KernelError) -> Bool {
        let result = bk_lock_range(number, start, length, 0)
        if result == -Errno.resourceTemporarilyUnavailable.rawValue || result == -Errno.permissionDenied.rawValue {
            return false
        }
        try valueOrError(result, "fcntl F_OFD_SETLK", name)
        return true
    }

    /// The same, waiting for it (`fcntl` `F_OFD_SETLKW`, since Linux 3.15).
    package borrowing func waitForLock(from start: Int64, length: Int64) throws(KernelError) {
        let number = self.number
        try valueOrError(uninterrupted { bk_lock_range(number, start, length, 1) }, "fcntl F_OFD_SETLKW", name)
    }

    /// Gives the lock back. To close the file is not enough where processes are started meanwhile: a child has a copy of the
    /// descriptor until it executes.
    package borrowing func unlock(from start: Int64, length: Int64) { _ = bk_unlock_range(number, start, length) }

    /// Takes a lock on the whole file that this process owns, and none of its children (`fcntl` `F_SETLK`). It ends with the
    /// process, or as soon as any descriptor of the file is closed here.
    /// - Returns: nil when it is this process's; else who holds it, 0 where that is not visible from here.
    package borrowing func lockForProcess() throws(KernelError) -> Int32? {
        var holder: Int32 = 0
        let result = unsafe bk_lock_process(number, &holder)
        if result == -Errno.resourceTemporarilyUnavailable.rawValue { return holder }
        try valueOrError(result, "fcntl F_SETLK", name)
        return nil
    }

    /// Keeps whoever opens the file for writing waiting until this descriptor is closed (`fcntl` `F_SETLEASE`, `F_RDLCK`); false
    /// when somebody has it open for writing already. On a file system without leases nobody waits.
    package borrowing func holdOffWriters() -> Bool {
        bk_lease_read(number) != -Errno.resourceTemporarilyUnavailable.rawValue
    }

    /// Waits until the content and the attributes of the file, or the names of the directory, are on the disk (`fsync`).
    package borrowing func synchronize() throws(KernelError) {
        let number = self.number
        try valueOrError(uninterrupted { bk_fsync(number) }, "fsync", name)
    }
}

extension Descriptor {
    /// Gives a file of this directory another owner and group, never through a link; an empty path is the directory
    /// itself (`fchownat`, `AT_EMPTY_PATH` since Linux 2.6.39).
    public borrowing func changeOwner(of path: String, uid: UInt32, gid: UInt32) throws(KernelError) {
        // AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW
        try valueOrError(
            unsafe bk_fchownat(number, path, uid, gid, 0x1000 | 0x100), "fchownat", path.isEmpty ? name : path,
            value: "\(uid):\(gid)", in: path.isEmpty ? nil : name)
    }
}
