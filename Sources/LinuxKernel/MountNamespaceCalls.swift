// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// What a thread does in a mount namespace of its own, for kernels that cannot do it without.
extension MountCall {
    /// `unshare` `CLONE_NEWNS` of the calling thread alone, which must end afterwards; nothing spreads from or to it.
    package static func enterPrivateNamespace() throws(KernelError) {
        try valueOrError(bk_unshare_mounts(), "unshare CLONE_NEWNS", "this thread")
        // MS_REC | MS_PRIVATE
        try valueOrError(unsafe bk_mount("none", "/", nil, 0x4000 | 0x4_0000, nil), "mount MS_PRIVATE", "/")
    }

    /// `move_mount` of a detached tree of a list.
    package static func attach(
        _ list: borrowing DescriptorList, _ index: Int, at target: borrowing Descriptor
    ) throws(KernelError) {
        let result = unsafe bk_move_mount(list.number(index), "", target.number, "", 0x04 | 0x40)
        try valueOrError(result, "move_mount", "layer \(index)", in: target.name)
    }

    /// Mounts an overlay on the root of the thread's own namespace and gives a detached copy of it. By `mount`, which
    /// takes options of a page; `fsconfig` takes 255 bytes of each.
    package static func newOverlay(options: String, attributes: MountAttributes) throws(KernelError) -> Descriptor {
        // The flags of mount(2) have the same bits for ro, nosuid, nodev and noexec.
        let flags = attributes.rawValue & 0xf
        try valueOrError(unsafe bk_mount("overlay", "/", "overlay", flags, options), "mount overlay", options)
        // The path "/" is the thread's root, beneath all that was mounted on it; ".." of the root leads to the topmost.
        let top = try Descriptor.probing("/..", [.path, .directory])
        return try clone("", in: top, recursive: false)
    }
}

extension DescriptorList {
    /// The descriptors as paths of this process.
    package borrowing func paths() -> [String] { numbers.map { "/proc/self/fd/\($0)" } }

    /// Descriptors of the same open files.
    package borrowing func duplicate() throws(KernelError) -> DescriptorList {
        var copy = DescriptorList()
        for number in numbers {
            _ = copy.append(
                Descriptor(
                    owning: try valueOrError(bk_dup_close_on_exec(number), "fcntl F_DUPFD_CLOEXEC", "a layer")))
        }
        return copy
    }

    /// Opens a path beneath a directory of the list.
    package borrowing func open(_ path: String, at index: Int, _ flags: OpenFlags) throws(KernelError) -> Descriptor {
        let number = numbers[index]
        let result = uninterrupted {
            unsafe bk_openat2(number, path, flags.rawValue, 0, ResolveFlags.strict.rawValue)
        }
        return Descriptor(owning: try valueOrError(result, "openat2", path, in: readLink("/proc/self/fd/\(number)")))
    }
}

extension Descriptor {
    /// What `fstatfs` tells of the file system: its inodes, in use and in all, where it counts them.
    package borrowing func inodesInUse() throws(KernelError) -> UInt64? {
        let system = try fileSystemStatus()
        return system.files == 0 ? nil : system.files &- min(system.files_free, system.files)
    }

    /// The bytes that can still be written to the file system (`fstatfs`); nil where it does not count them, as ramfs.
    package borrowing func bytesFree() throws(KernelError) -> UInt64? {
        let system = try fileSystemStatus()
        if system.blocks_free == 0, system.files == 0 { return nil }
        return system.blocks_free.multipliedReportingOverflow(by: system.block_size).partialValue
    }

    /// The inodes that can still be made (`fstatfs`); nil where the file system does not count them.
    package borrowing func inodesFree() throws(KernelError) -> UInt64? {
        let system = try fileSystemStatus()
        return system.files == 0 ? nil : system.files_free
    }

    /// Whether the mount or its file system refuses writes (`fstatfs`, `ST_RDONLY`).
    package borrowing func isOnReadOnlyFileSystem() throws(KernelError) -> Bool {
        try fileSystemStatus().flags & 1 != 0
    }

    private borrowing func fileSystemStatus() throws(KernelError) -> bk_file_system {
        var system = bk_file_system()
        try valueOrError(unsafe bk_fstatfs(number, &system), "fstatfs", name)
        return system
    }
}
