// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
public import SystemPackage

/// A namespace of any kind, held by a descriptor, which keeps it even when no process is left in it.
public struct Namespace: ~Copyable, Sendable {
    /// Its kind, as the kernel tells it (`ioctl` `NS_GET_NSTYPE`, since Linux 4.11).
    public let kind: NamespaceKind
    package let descriptor: Descriptor

    /// What the kernel knows a namespace by while it exists: file system and inode of its file.
    public struct ID: Hashable, Sendable, Comparable {
        /// The device of the kernel's file system of namespaces (nsfs), major and minor number.
        public var device: (major: UInt32, minor: UInt32) { (deviceMajor, deviceMinor) }
        /// The number in `net:[4026531840]`.
        public var inode: UInt64
        private var deviceMajor: UInt32
        private var deviceMinor: UInt32

        init(inode: UInt64, major: UInt32, minor: UInt32) {
            self.inode = inode
            deviceMajor = major
            deviceMinor = minor
        }

        /// By inode.
        public static func < (one: ID, other: ID) -> Bool { one.inode < other.inode }
    }

    init(checked descriptor: consuming Descriptor, _ kind: NamespaceKind) {
        self.descriptor = descriptor
        self.kind = kind
    }

    /// Takes a descriptor that is open on a namespace's file.
    public init(_ descriptor: consuming Descriptor) throws(KernelError) {
        let flag: NamespaceKinds
        do { flag = try NamespaceCall.kind(of: descriptor) } catch {
            throw error.errno == .inappropriateIOCTLForDevice || error.errno == .invalidArgument
                ? error.hinting("this is not the file of a namespace") : error
        }
        guard let kind = NamespaceKind(flag: flag) else {
            throw KernelError(
                "ioctl NS_GET_NSTYPE", descriptor.name, errno: .invalidArgument,
                hint: "a kind of namespace that is not known here: 0x\(String(flag.rawValue, radix: 16))")
        }
        self.init(checked: descriptor, kind)
    }

    /// Opens a path at which a namespace is kept, or a link of `/proc/PID/ns`.
    public init(at path: FilePath) throws(KernelError) {
        try self.init(try Descriptor.open(path, .reading))
    }

    /// Opens a namespace that a process is in. Takes the right to look into the process (ptrace(2)).
    public init(_ kind: NamespaceKind, of pid: Int32) throws(KernelError) {
        do {
            self.init(checked: try Descriptor.open(FilePath("/proc/\(pid)/ns/\(kind)"), .reading), kind)
        } catch { throw error.hinting(Self.openingHint(error.errno, kind)) }
    }

    /// The same by a process descriptor, so that no other process is meant that got its number (`ioctl`
    /// `PIDFD_GET_*_NAMESPACE`, since Linux 6.11; by `/proc` before).
    public init(_ kind: NamespaceKind, of process: borrowing Descriptor) throws(KernelError) {
        do throws(KernelError) {
            self.init(checked: try NamespaceCall.namespace(of: process, kind.flag), kind)
            return
        } catch {
            // ENOTTY, EINVAL: the kernel does not know the request. EOPNOTSUPP: it lacks the kind.
            guard error.errno == .inappropriateIOCTLForDevice || error.errno == .invalidArgument else {
                throw error.hinting(Self.openingHint(error.errno, kind))
            }
        }
        let pid = try ProcessCall.number(of: process)
        let opened = try Namespace(kind, of: pid)
        // The number was that process's if the process is still there now.
        guard try ProcessCall.send(signal: 0, to: process) else {
            throw KernelError("openat2", "/proc/\(pid)/ns/\(kind)", errno: .noSuchProcess)
        }
        self = opened
    }

    /// The namespace that the calling thread is in.
    public static func current(_ kind: NamespaceKind) throws(KernelError) -> Namespace {
        Namespace(checked: try Descriptor.open(FilePath("/proc/thread-self/ns/\(kind)"), .reading), kind)
    }

    private static func openingHint(_ errno: Errno, _ kind: NamespaceKind) -> String? {
        switch errno {
        case .permissionDenied, .notPermitted: "the process is another user's, or has changed its ids"
        case .noSuchProcess: "the process has ended"
        case .noSuchFileOrDirectory: "no such process, or a kernel without namespaces of kind \(kind)"
        default: nil
        }
    }
}

// MARK: - What the kernel tells of it

extension Namespace {
    /// What it is, for messages: `net:[4026531840]`.
    public var name: String { descriptor.name }

    /// What tells it from others.
    public borrowing func id() throws(KernelError) -> ID {
        let status = try descriptor.status()
        return ID(inode: status.inode, major: status.device.major, minor: status.device.minor)
    }

    /// The user namespace whose capabilities count for this one; for a user namespace, its parent. Nil where that is not
    /// the caller's user namespace or one inside it: the kernel does not show what is further out (`ioctl`
    /// `NS_GET_USERNS`, since Linux 4.9).
    public borrowing func owner() throws(KernelError) -> Namespace? {
        try relative { (descriptor) throws(KernelError) in
            Namespace(checked: try NamespaceCall.owner(of: descriptor), .user)
        }
    }

    /// The namespace that this one was made in, for the kinds that have such: user and pid. Nil for other kinds, for the
    /// initial namespace, and for a parent outside of the caller's (`ioctl` `NS_GET_PARENT`, since Linux 4.9).
    public borrowing func parent() throws(KernelError) -> Namespace? {
        guard kind == .user || kind == .pid else { return nil }
        let kind = self.kind
        return try relative { (descriptor) throws(KernelError) in
            Namespace(checked: try NamespaceCall.parent(of: descriptor), kind)
        }
    }

    private borrowing func relative(
        _ call: (borrowing Descriptor) throws(KernelError) -> Namespace
    ) throws(KernelError) -> Namespace? {
        do { return try call(descriptor) } catch {
            guard error.errno == .notPermitted else { throw error }
            return nil
        }
    }

    /// The uid, as the caller sees it, of who made a user namespace; of another kind, of who made the user namespace that
    /// owns it. Nil where that is out of the caller's reach (`ioctl` `NS_GET_OWNER_UID`, since Linux 4.11).
    public borrowing func ownerUID() throws(KernelError) -> UInt32? {
        if kind == .user { return try NamespaceCall.ownerUID(of: descriptor) }
        guard let owner = try owner() else { return nil }
        return try NamespaceCall.ownerUID(of: owner.descriptor)
    }

    /// The map of a user namespace as the kernel holds it, with the outside as the caller's user namespace sees it. Nil
    /// where none has been written yet. Takes CAP_SYS_ADMIN in it, unless the caller is in it.
    public borrowing func idMap() throws(KernelError) -> IDMap? {
        let isOwn = try id() == Namespace.current(.user).id()
        let texts: (uid: String, gid: String)
        if isOwn {
            texts = try Self.mapTexts("self")
        } else {
            texts = try NamespaceCall.visit(descriptor) { (pid) throws(KernelError) in try Self.mapTexts("\(pid)") }
        }
        if texts.uid.isEmpty || texts.gid.isEmpty { return nil }
        do { return try IDMap(kernelUID: texts.uid, gid: texts.gid) } catch {
            throw KernelError("read", "uid_map", in: name, errno: .invalidArgument, hint: "\(error)")
        }
    }

    private static func mapTexts(_ process: String) throws(KernelError) -> (uid: String, gid: String) {
        (
            try readKernelFile(FilePath("/proc/\(process)/uid_map")),
            try readKernelFile(FilePath("/proc/\(process)/gid_map"))
        )
    }

    /// Gives the descriptor away.
    package consuming func takeDescriptor() -> Descriptor { descriptor }
}

// MARK: - Entering it

extension Namespace {
    /// Moves the calling **thread** into the namespace; other threads stay where they are (`setns`, since Linux 3.0).
    ///
    /// A process of several threads cannot enter a user or time namespace, and a mount namespace only with a thread that
    /// shares its working directory and root with no other; a pid namespace is then that of the children only. Since
    /// Swift's runtime moves tasks between threads, do this on a thread of your own, or start a child in the namespace.
    public borrowing func enterWithThisThread() throws(KernelError) {
        do { try NamespaceCall.enter(descriptor, kind: kind.flag) } catch {
            throw error.hinting(enteringHint(error.errno))
        }
    }

    private borrowing func enteringHint(_ errno: Errno) -> String? {
        switch (errno, kind) {
        case (.invalidArgument, .user):
            "a process of several threads cannot enter a user namespace, and none can enter the one it is in"
        case (.invalidArgument, .mount): "the thread shares working directory and root with others (CLONE_FS)"
        case (.invalidArgument, .pid): "the pid namespace is not one of the caller's own or inside it"
        case (.tooManyUsers, .time): "a process of several threads cannot enter a time namespace"
        case (.notPermitted, _):
            "entering takes CAP_SYS_ADMIN in the user namespace that owns it, and in the caller's own"
        default: nil
        }
    }
}
