// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// Namespaces of the kernel, by their `CLONE_NEW*` flag.
public struct NamespaceKinds: OptionSet, Hashable, Sendable {
    /// The kernel's bits; those without a name here are kept.
    public let rawValue: UInt64
    /// A set of bits as the kernel has them.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// `CLONE_NEWNS`: what is mounted where.
    public static let mount = NamespaceKinds(rawValue: 0x0002_0000)
    /// `CLONE_NEWCGROUP`, since Linux 4.6: what is seen as the root of the cgroup tree.
    public static let cgroup = NamespaceKinds(rawValue: 0x0200_0000)
    /// `CLONE_NEWUTS`: host name and domain name.
    public static let uts = NamespaceKinds(rawValue: 0x0400_0000)
    /// `CLONE_NEWIPC`: System V IPC and POSIX message queues.
    public static let ipc = NamespaceKinds(rawValue: 0x0800_0000)
    /// `CLONE_NEWUSER`: ids and capabilities.
    public static let user = NamespaceKinds(rawValue: 0x1000_0000)
    /// `CLONE_NEWPID`: process ids.
    public static let pid = NamespaceKinds(rawValue: 0x2000_0000)
    /// `CLONE_NEWNET`: interfaces, addresses, routes, firewall.
    public static let network = NamespaceKinds(rawValue: 0x4000_0000)
    /// `CLONE_NEWTIME`, since Linux 5.6: offsets of the monotonic and boot clocks.
    public static let time = NamespaceKinds(rawValue: 0x0000_0080)

    /// The kinds by the names of `/proc/PID/ns`, in the order of that folder.
    public static let named: [(name: String, kind: NamespaceKinds)] = [
        ("cgroup", .cgroup), ("ipc", .ipc), ("mnt", .mount), ("net", .network), ("pid", .pid), ("time", .time),
        ("user", .user), ("uts", .uts),
    ]
}

/// One kind of namespace.
public enum NamespaceKind: String, CaseIterable, Hashable, Sendable, CustomStringConvertible {
    /// Ids and capabilities. C name: `CLONE_NEWUSER`, since Linux 3.8.
    case user
    /// What is mounted where. C name: `CLONE_NEWNS`, since Linux 2.4.19.
    case mount = "mnt"
    /// Process ids. C name: `CLONE_NEWPID`, since Linux 2.6.24.
    case pid
    /// Interfaces, addresses, routes, firewall. C name: `CLONE_NEWNET`, since Linux 2.6.29.
    case network = "net"
    /// System V IPC and POSIX message queues. C name: `CLONE_NEWIPC`, since Linux 2.6.19.
    case ipc
    /// Host name and domain name. C name: `CLONE_NEWUTS`, since Linux 2.6.19.
    case uts
    /// What is seen as the root of the cgroup tree. C name: `CLONE_NEWCGROUP`, since Linux 4.6.
    case cgroup
    /// Offsets of the monotonic and boot clocks. C name: `CLONE_NEWTIME`, since Linux 5.6.
    case time

    /// The kind as a set of one, the kernel's `CLONE_NEW*` bit.
    public var flag: NamespaceKinds {
        switch self {
        case .user: .user
        case .mount: .mount
        case .pid: .pid
        case .network: .network
        case .ipc: .ipc
        case .uts: .uts
        case .cgroup: .cgroup
        case .time: .time
        }
    }

    /// The kind of a `CLONE_NEW*` bit; nil for any other number.
    public init?(flag: NamespaceKinds) {
        guard let kind = Self.allCases.first(where: { $0.flag == flag }) else { return nil }
        self = kind
    }

    /// The name in `/proc/PID/ns`.
    public var description: String { rawValue }
}

/// The namespace system calls, by descriptor.
package enum NamespaceCall {
    /// A child in a new user namespace: its `/proc/PID` serves to write the maps and to open the namespace. It shares
    /// the caller's memory, so nothing is copied, and has exit signal 0, so no other waiter of this process sees it.
    package struct Companion: ~Copyable {
        package let pid: Int32
        package let process: Descriptor
        private let stays: Bool

        /// A child that has exited at once: enough for a caller that may write its maps all the same, and nothing to
        /// kill, whatever happens to the caller.
        package static func exiting() throws(KernelError) -> Companion { try Companion(stays: false) }

        /// A child that stays as long as this value, and no longer than the calling thread.
        package static func staying() throws(KernelError) -> Companion { try Companion(stays: true) }

        private init(stays: Bool) throws(KernelError) {
            var number: CInt = -1
            let result =
                stays ? unsafe bk_clone_user_namespace_holder(&number) : unsafe bk_clone_user_namespace(&number)
            pid = try valueOrError(result, "clone3 CLONE_NEWUSER", "a user namespace")
            process = Descriptor(owning: number)
            self.stays = stays
        }

        deinit {
            if stays { _ = try? ProcessCall.send(signal: 9, to: process) }
            _ = try? ProcessCall.wait(for: process, blocking: true)
        }
    }

    /// Calls with the number of a child that has entered a user namespace and exited: its `/proc/PID` shows what one
    /// inside would be shown, such as the maps, with the ids outside as this process knows them.
    package static func visit<Answer>(
        _ namespace: borrowing Descriptor, _ body: (Int32) throws(KernelError) -> Answer
    ) throws(KernelError) -> Answer {
        var number: CInt = -1
        let pid = try valueOrError(
            unsafe bk_clone_user_namespace_visitor(namespace.number, &number), "clone3", "a visitor")
        let process = Descriptor(owning: number)
        defer { _ = try? ProcessCall.wait(for: process, blocking: true) }
        // Looked at and not reaped yet: its /proc/PID is what is wanted.
        let exit = try ProcessCall.peek(at: process)
        if case .exited(let error) = exit, error == 0 { return try body(pid) }
        let errno: Errno = if case .exited(let error) = exit { Errno(rawValue: error) } else { .interrupted }
        throw KernelError(
            "setns", namespace.name, errno: errno,
            hint: errno == .invalidArgument
                ? "the caller is in this user namespace already"
                : "entering a user namespace takes CAP_SYS_ADMIN in it, which its owner has and every outer root")
    }

    /// Enters a namespace with the calling thread (`setns`, since Linux 3.0).
    package static func enter(_ namespace: borrowing Descriptor, kind: NamespaceKinds) throws(KernelError) {
        try valueOrError(
            bk_setns(namespace.number, CInt(truncatingIfNeeded: kind.rawValue)), "setns", namespace.name)
    }

    /// The user namespace that owns a namespace (`ioctl` `NS_GET_USERNS`, since Linux 4.9).
    package static func owner(of namespace: borrowing Descriptor) throws(KernelError) -> Descriptor {
        Descriptor(
            owning: try valueOrError(bk_namespace_relative(namespace.number, 1), "ioctl NS_GET_USERNS", namespace.name))
    }

    /// The parent of a user or pid namespace (`ioctl` `NS_GET_PARENT`, since Linux 4.9).
    package static func parent(of namespace: borrowing Descriptor) throws(KernelError) -> Descriptor {
        Descriptor(
            owning: try valueOrError(bk_namespace_relative(namespace.number, 2), "ioctl NS_GET_PARENT", namespace.name))
    }

    /// The kind of a namespace, as its `CLONE_NEW*` bit (`ioctl` `NS_GET_NSTYPE`, since Linux 4.11).
    package static func kind(of namespace: borrowing Descriptor) throws(KernelError) -> NamespaceKinds {
        let bit = try valueOrError(bk_namespace_type(namespace.number), "ioctl NS_GET_NSTYPE", namespace.name)
        return NamespaceKinds(rawValue: UInt64(UInt32(bitPattern: bit)))
    }

    /// The uid that made a user namespace (`ioctl` `NS_GET_OWNER_UID`, since Linux 4.11).
    package static func ownerUID(of namespace: borrowing Descriptor) throws(KernelError) -> UInt32 {
        var uid: UInt32 = 0
        try valueOrError(
            unsafe bk_namespace_owner(namespace.number, &uid), "ioctl NS_GET_OWNER_UID", namespace.name)
        return uid
    }

    /// A process's namespace of a kind by its descriptor (`ioctl` `PIDFD_GET_*_NAMESPACE`, since Linux 6.11).
    package static func namespace(
        of process: borrowing Descriptor, _ kind: NamespaceKinds
    ) throws(KernelError) -> Descriptor {
        Descriptor(
            owning: try valueOrError(
                bk_pidfd_namespace(process.number, kind.rawValue), "ioctl PIDFD_GET_NAMESPACE", process.name))
    }
}
