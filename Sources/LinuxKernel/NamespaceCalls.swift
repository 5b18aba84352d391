// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel

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

/// The namespace system calls, by descriptor.
package enum NamespaceCall {
    /// A child in a new user namespace that has already exited: its `/proc/PID` serves to write the maps and to open
    /// the namespace, until `reap` is called (`clone3` with `CLONE_VM`, exit signal 0).
    package struct Zombie: ~Copyable {
        package let pid: Int32
        let process: Descriptor

        package init() throws(KernelError) {
            var number: CInt = -1
            pid = try valueOrError(
                unsafe bk_clone_user_namespace(&number), "clone3 CLONE_NEWUSER", "a user namespace")
            process = Descriptor(owning: number)
        }

        deinit { _ = try? ProcessCall.wait(for: process, blocking: true) }
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

    /// The uid that made a user namespace (`ioctl` `NS_GET_OWNER_UID`, since Linux 4.11).
    package static func ownerUID(of namespace: borrowing Descriptor) throws(KernelError) -> UInt32 {
        var uid: UInt32 = 0
        try valueOrError(
            unsafe bk_namespace_owner(namespace.number, &uid), "ioctl NS_GET_OWNER_UID", namespace.name)
        return uid
    }
}
