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

    /// Makes a user namespace with this map.
    ///
    /// Costs the same whatever the size of the caller: the child that `clone3` makes shares the caller's memory and
    /// has exited when this returns. Needs CAP_SETUID and CAP_SETGID in the caller's user namespace. Since Linux 5.5.
    public init(mapping map: IDMap) throws(KernelError) {
        self.map = map
        let zombie: NamespaceCall.Zombie
        do {
            zombie = try NamespaceCall.Zombie()
        } catch {
            throw error.hinting(creationHint(error.errno))
        }
        try writeMaps(map, toProcess: zombie.pid, settingGroups: true)
        descriptor = try Descriptor.open(FilePath("/proc/\(zombie.pid)/ns/user"), .reading)
        _ = consume zombie
    }
}

/// Writes the ID maps of a process that was just made in a new user namespace.
///
/// - Parameter settingGroups: false denies `setgroups` first, which a caller without CAP_SETGID must
///   (user_namespaces(7), since Linux 3.19).
package func writeMaps(_ map: IDMap, toProcess pid: Int32, settingGroups: Bool) throws(KernelError) {
    let place = "/proc/\(pid)"
    if !settingGroups { try writeMap("deny", to: "setgroups", in: place) }
    try writeMap(map.uidText, to: "uid_map", in: place)
    try writeMap(map.gidText, to: "gid_map", in: place)
}

private func writeMap(_ text: String, to file: String, in place: String) throws(KernelError) {
    let target = try Descriptor.open(FilePath("\(place)/\(file)"), .writing)
    do {
        try target.writeValue(text, called: file, in: place)
    } catch {
        throw error.errno == .notPermitted
            ? error.hinting(
                "more than the caller's own id takes CAP_SETUID and CAP_SETGID in the parent user namespace, "
                    + "which must have all of the ids; or AppArmor restricts user namespaces")
            : error
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
