// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// Reads directories into memory of its own and acts on the names found there, without a `String` for any of them: a
/// name is bytes that only the kernel has to understand.
///
/// One belongs to one thread. The buffer holds 32 KiB of `struct linux_dirent64`; more gains nothing.
@safe package struct DirectoryScan: ~Copyable {
    /// A name in the buffer.
    package struct Entry: Hashable {
        fileprivate var name: Int
        /// `d_type`; 0 where the file system does not tell.
        fileprivate var type: UInt8

        package var isDirectory: Bool { type == 4 }
        package var isSymbolicLink: Bool { type == 10 }
        package var isOfUnknownType: Bool { type == 0 }
    }

    private let buffer: UnsafeMutableRawBufferPointer
    private let list: UnsafeMutableRawBufferPointer
    private var end = 0
    private var position = 0
    /// Bytes that the names of extended attributes take, but for few inodes.
    private static let fewNames = 256
    private var listsByWorkingDirectory = false
    private var ownsWorkingDirectory = false
    private var directoryOfThread: CInt = -1

    package init() {
        unsafe buffer = .allocate(byteCount: 32768, alignment: 16)
        unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0)
        unsafe list = .allocate(byteCount: 65536, alignment: 16)
    }

    deinit {
        unsafe buffer.deallocate()
        unsafe list.deallocate()
    }

    /// Begins with a directory, which stays as long as its names are asked for.
    package mutating func begin() {
        position = end
        directoryOfThread = -1
    }

    /// Reads the next names into the buffer; false when there are no more (`getdents64`).
    package mutating func fill(from directory: borrowing Descriptor) throws(KernelError) -> Bool {
        guard let base = unsafe buffer.baseAddress else { return false }
        // The kernel leaves what is between a name's end and the next record as it was, and that is not to count.
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<end]).initializeMemory(as: UInt8.self, repeating: 0)
        end = 0
        position = 0
        let count = unsafe bk_getdents64(directory.number, base, buffer.count)
        end = Int(try valueOrError(count, "getdents64", directory.name))
        return end > 0
    }

    /// A number made of the names, inodes and types in the buffer: the same for the same ones in the same order. With a
    /// key that is drawn by lot nobody can prepare others that have it.
    package func fingerprint(key: UInt64) -> UInt64 {
        var sum = key
        for offset in stride(from: 0, to: end & ~7, by: 8) {
            let word = unsafe buffer.load(fromByteOffset: offset, as: UInt64.self)
            let (high, low) = (sum ^ word).multipliedFullWidth(by: key | 1)
            sum = high ^ low &+ 0x9e37_79b9_7f4a_7c15
        }
        return sum
    }

    /// The next name, without `.` and `..`; nil at the end.
    package mutating func next(in directory: borrowing Descriptor) throws(KernelError) -> Entry? {
        while true {
            if let entry = try next() { return entry }
            guard try fill(from: directory) else { return nil }
        }
    }

    /// The next name in the buffer, without `.` and `..`; nil at its end.
    package mutating func next() throws(KernelError) -> Entry? {
        while true {
            if position >= end { return nil }
            // The record's length is at byte 16, the type at byte 18, the name, ended by NUL, from byte 19.
            let length = Int(unsafe buffer.load(fromByteOffset: position + 16, as: UInt16.self))
            guard length > 19, position + length <= end else {
                throw KernelError("getdents64", "a directory", errno: .ioError, hint: "a broken record")
            }
            let entry = Entry(name: position + 19, type: unsafe buffer[position + 18])
            position += length
            if !isDots(entry) { return entry }
        }
    }

    private func isDots(_ entry: Entry) -> Bool {
        guard unsafe buffer[entry.name] == 0x2e else { return false }
        let second = unsafe buffer[entry.name + 1]
        let third = unsafe buffer[entry.name + 2]
        return second == 0 || (second == 0x2e && third == 0)
    }

    private func pointer(_ entry: Entry) -> UnsafePointer<CChar>? {
        guard let base = unsafe buffer.baseAddress else { return nil }
        return unsafe UnsafePointer((base + entry.name).assumingMemoryBound(to: CChar.self))
    }

    /// The name for messages.
    package func name(_ entry: Entry) -> String {
        guard let name = unsafe pointer(entry) else { return "" }
        return unsafe String(cString: name)
    }

    /// Appends the name and its NUL.
    package func append(_ entry: Entry, to names: inout [UInt8]) {
        var index = entry.name
        while true {
            let byte = unsafe buffer[index]
            names.append(byte)
            if byte == 0 { return }
            index += 1
        }
    }

    /// `statx`: false when the name is gone.
    package func status(
        _ entry: Entry, in directory: borrowing Descriptor, _ status: inout InodeStatus
    ) throws(KernelError) -> Bool {
        guard let name = unsafe pointer(entry) else { return false }
        var raw = bk_inode()
        let result = unsafe bk_inode_status(directory.number, name, &raw)
        if result == -Errno.noSuchFileOrDirectory.rawValue { return false }
        try valueOrError(result, "statx", self.name(entry), in: directory.name)
        status = InodeStatus(raw)
        return true
    }

    /// `fchownat`, of a link and not through it: false when the name is gone.
    package func changeOwner(
        _ entry: Entry, in directory: borrowing Descriptor, uid: UInt32, gid: UInt32
    ) throws(KernelError) -> Bool {
        guard let name = unsafe pointer(entry) else { return false }
        let result = unsafe bk_inode_chown(directory.number, name, uid, gid)
        if result == -Errno.noSuchFileOrDirectory.rawValue { return false }
        try valueOrError(result, "fchownat", self.name(entry), value: "\(uid):\(gid)", in: directory.name)
        return true
    }

    /// Opens the very inode that has the name (`openat2` with `O_PATH`); nil when it is gone or a mount lies over it.
    package func open(_ entry: Entry, in directory: borrowing Descriptor) throws(KernelError) -> InodeHandle? {
        guard let name = unsafe pointer(entry) else { return nil }
        let flags: OpenFlags = [.path, .noFollow]
        let result = unsafe openBeneath(directory.number, name, flags.rawValue)
        if [.noSuchFileOrDirectory, .improperLink].contains(Errno(rawValue: -result)) { return nil }
        return InodeHandle(
            Descriptor(owning: try valueOrError(result, "openat2", self.name(entry), in: directory.name)))
    }

    /// Which of some extended attributes the name's inode has; a link of its own has none of interest.
    ///
    /// `listxattrat` since Linux 6.13. Before that the directory becomes the working directory of this thread alone,
    /// and `llistxattr` looks the name up there: a path through `/proc/self/fd` costs three times as much.
    package mutating func attributes(
        _ entry: Entry, in directory: borrowing Descriptor, among names: AttributeNames
    ) throws(KernelError) -> AttributeNames.Found {
        guard let name = unsafe pointer(entry), let base = unsafe list.baseAddress else { return [] }
        var count: Int64
        if !listsByWorkingDirectory {
            // The kernel makes a buffer as long as ours.
            count = unsafe bk_inode_listxattr(directory.number, name, base, Self.fewNames)
            if count == -Int64(Errno.outOfRange.rawValue) {
                count = unsafe bk_inode_listxattr(directory.number, name, base, list.count)
            }
            listsByWorkingDirectory = count == -Int64(Errno.noFunction.rawValue)
        } else {
            count = -Int64(Errno.noFunction.rawValue)
        }
        if listsByWorkingDirectory {
            if !ownsWorkingDirectory {
                try valueOrError(bk_own_working_directory(), "unshare", "CLONE_FS")
                ownsWorkingDirectory = true
            }
            if directoryOfThread != directory.number {
                try valueOrError(bk_fchdir(directory.number), "fchdir", directory.name)
                directoryOfThread = directory.number
            }
            count = unsafe bk_here_listxattr(name, base, Self.fewNames)
            if count == -Int64(Errno.outOfRange.rawValue) {
                count = unsafe bk_here_listxattr(name, base, list.count)
            }
        }
        // ENOENT: gone, which the caller learns by its next call.
        if count == 0
            || [.noSuchFileOrDirectory, .notSupported].contains(Errno(rawValue: CInt(truncatingIfNeeded: -count)))
        {
            return []
        }
        let end = Int(try valueOrError(count, "listxattrat", self.name(entry), in: directory.name))
        return unsafe names.found(in: UnsafeRawBufferPointer(rebasing: list[..<end]))
    }
}

extension Descriptor {
    /// Why a directory could not be entered.
    package enum Entrance: ~Copyable {
        case open(Descriptor)
        /// It is gone, or no directory any more.
        case gone
        /// Something is mounted on it.
        case mounted
    }

    /// Opens a directory of this one, by bytes that end in NUL: no link, no mount, nothing outside (`openat2`). Reading
    /// it leaves no trace in its access time where the caller may say so (`O_NOATIME`).
    package func enter(_ names: [UInt8], at start: Int) throws(KernelError) -> Entrance {
        let noAccessTime: UInt64 = 0o1000000
        let flags: OpenFlags = [.directory, .noFollow]
        let result = unsafe names.withUnsafeBytes { bytes -> CInt in
            guard let base = bytes.baseAddress else { return -22 }
            let name = unsafe (base + start).assumingMemoryBound(to: CChar.self)
            let quiet = unsafe openBeneath(number, name, flags.rawValue | noAccessTime)
            return quiet == -Errno.notPermitted.rawValue ? unsafe openBeneath(number, name, flags.rawValue) : quiet
        }
        switch Errno(rawValue: -result) {
        case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels: return .gone
        case .improperLink: return .mounted
        default: break
        }
        let opened = try valueOrError(
            result, "openat2", String(decoding: names[start...].prefix { $0 != 0 }, as: UTF8.self), in: name)
        return .open(Descriptor(owning: opened))
    }

    /// Opens the directory that this one is in, which the caller compares with the one it expects.
    package func enterParent() throws(KernelError) -> Descriptor {
        try open("..", .directory, resolve: [.noMountCrossing, .noSymbolicLinks])
    }
}

/// `openat2` beneath a directory, again while a rename elsewhere disturbs the look-up (EAGAIN).
private func openBeneath(_ directory: CInt, _ name: UnsafePointer<CChar>, _ flags: UInt64) -> CInt {
    var result: CInt = 0
    for _ in 0..<64 {
        result = uninterrupted { unsafe bk_openat2(directory, name, flags, 0, ResolveFlags.strict.rawValue) }
        if result != -Errno.resourceTemporarilyUnavailable.rawValue { break }
    }
    return result
}
