// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
package import SystemPackage

/// A user namespace, held by a descriptor: no process lives in it, and it ends with the last thing that uses it.
///
/// What mounts take their ID map from (`mount_setattr` `MOUNT_ATTR_IDMAP`), and what a process can join.
public struct UserNamespace: ~Copyable, Sendable {
    /// The map it was made with.
    public let map: IDMap
    package let descriptor: Descriptor
    /// The user that made it here; nil where others did.
    private let maker: UInt32?

    /// Makes a user namespace with this map.
    ///
    /// With CAP_SETUID and CAP_SETGID it costs the same whatever the size of the caller: the child that `clone3` makes
    /// shares the caller's memory and has exited when this returns. Without them a child is kept while the map is
    /// written, and the map is the caller's own user and group id, or `newuidmap` and `newgidmap` write it, as far as the
    /// caller's subordinate ids go.
    ///
    /// Correct in a process of many threads, with a foreign `waitpid(-1)` and with SIGCHLD ignored. Since Linux 5.5.
    public init(mapping map: IDMap) throws(KernelError) {
        self.map = map
        maker = effectiveUserID
        descriptor = try Self.make(map)
    }

    private static func make(_ map: IDMap) throws(KernelError) -> Descriptor {
        let isPrivileged = MapWriter.isPrivileged
        if isPrivileged, effectiveUserID == 0 {
            do { return try make(map, staying: false, isPrivileged) } catch {
                // What has ended belongs to the host's root, who is nobody inside another user namespace.
                guard error.errno == .permissionDenied else { throw error }
            }
        }
        return try make(map, staying: true, isPrivileged)
    }

    private static func make(_ map: IDMap, staying: Bool, _ isPrivileged: Bool) throws(KernelError) -> Descriptor {
        if isPrivileged {
            let child = try companion(staying: staying)
            try writeMaps(map, toProcess: child.pid, settingGroups: true)
            return try open(child)
        }
        // What the writer misses is told before anything is made.
        let writer = try MapWriter(map)
        let child = try companion(staying: staying)
        try writer.write(toProcess: child.pid)
        return try open(child)
    }

    private static func open(_ child: consuming NamespaceCall.Companion) throws(KernelError) -> Descriptor {
        try hintingAtDumpable { () throws(KernelError) in
            try Descriptor.open(FilePath("/proc/\(child.pid)/ns/user"), .reading)
        }
    }

    private static func companion(staying: Bool) throws(KernelError) -> NamespaceCall.Companion {
        do { return try staying ? .staying() : .exiting() } catch { throw error.hinting(creationHint(error.errno)) }
    }

    /// Takes a user namespace that others made, with the map that the kernel holds.
    public init(_ namespace: consuming Namespace) throws(KernelError) {
        guard namespace.kind == .user else {
            throw KernelError(
                "ioctl NS_GET_NSTYPE", namespace.name, errno: .invalidArgument,
                hint: "a user namespace is asked for, and this is one of kind \(namespace.kind)")
        }
        guard let map = try namespace.idMap() else {
            throw KernelError(
                "read", "uid_map and gid_map", in: namespace.name, errno: .invalidArgument,
                hint: "the user namespace has no map")
        }
        self.map = map
        maker = nil
        descriptor = namespace.takeDescriptor()
    }

    /// The namespace by a descriptor of its own, for its owner, its parent, to enter it or to keep it at a path.
    public borrowing func namespace() throws(KernelError) -> Namespace {
        Namespace(checked: try descriptor.duplicate(), .user)
    }

    /// Reads back from the kernel what it holds and compares: an error where the map is not the one that was asked for; or,
    /// of one that was made here, where the owner is not its maker or the parent not the maker's user namespace.
    public borrowing func verify() throws(KernelError) {
        let namespace = try namespace()
        if let maker {
            let owner = try namespace.ownerUID()
            if owner != maker {
                throw KernelError(
                    "ioctl NS_GET_OWNER_UID", namespace.name, value: "\(maker)", errno: .ioError,
                    hint: "the kernel holds \(owner.map { "\($0)" } ?? "nobody")")
            }
            let parent = try namespace.parent()?.id()
            if try parent != Namespace.current(.user).id() {
                throw KernelError(
                    "ioctl NS_GET_PARENT", namespace.name, errno: .ioError,
                    hint: "its parent is not the user namespace of who made it")
            }
        }
        let found = try namespace.idMap()
        if found != map {
            throw KernelError(
                "read", "uid_map and gid_map", value: "\(map)", in: descriptor.name, errno: .ioError,
                hint: "the kernel holds \(found.map { "\($0)" } ?? "no map")")
        }
    }
}

/// Why the kernel refuses a new user namespace, for the refusals that have one usual cause.
package func creationHint(_ errno: Errno) -> String? {
    switch errno {
    case .noSpace: "user.max_user_namespaces is reached or 0, or namespaces are nested 33 levels deep"
    case .notPermitted:
        "kernel.unprivileged_userns_clone is 0, a seccomp filter or security module forbids it, or the caller is in a chroot"
    case .noFunction: "a seccomp filter hides clone3, or the kernel is older than 5.3"
    case .invalidArgument: "the kernel has no user namespaces, or is older than 5.5"
    default: nil
    }
}
