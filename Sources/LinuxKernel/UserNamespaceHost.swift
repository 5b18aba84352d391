// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// Whether this process can make user namespaces that are of use, found by making one.
public struct UserNamespaceHost: Hashable, Sendable {
    /// Whether one could be made, mapped, and a capability used in it.
    public var isAvailable: Bool
    /// Why not: always there when it is not available.
    public var reason: String?
    /// `/proc/sys/user/max_*_namespaces` of the caller's user namespace, by file name.
    public var limits: [Limit]

    /// One limit by its name, such as `max_user_namespaces`.
    public struct Limit: Hashable, Sendable {
        /// The file's name.
        public var name: String
        /// Its value.
        public var value: Int64
    }

    /// Makes one and lets it go: a child maps its own id and uses a capability over a namespace that it makes inside;
    /// a privileged caller also writes the maps from outside, which is how others are mapped.
    public static func probe() -> UserNamespaceHost {
        let rights = CallerRights.current()
        let kinds = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"]
        let limits = kinds.compactMap { kind -> Limit? in
            let name = "max_\(kind)_namespaces"
            return probedNumber("/proc/sys/user/\(name)").map { Limit(name: name, value: $0) }
        }
        var outcome = bk_userns_outcome()
        unsafe bk_probe_user_namespace(&outcome)
        var reason: String?
        if outcome.step != 0 {
            reason = explain(
                step: outcome.step, error: Errno(rawValue: outcome.error), NamespaceSwitches.read(), rights)
        } else if rights.has(CallerRights.setUID) {
            do throws(KernelError) {
                _ = try scratchUserNamespace(rights)
            } catch { reason = "one can be made, but its maps cannot be written from outside: \(error)" }
        }
        return UserNamespaceHost(isAvailable: reason == nil, reason: reason, limits: limits)
    }

    static func explain(
        step failed: Int32, error: Errno, _ switches: NamespaceSwitches, _ rights: CallerRights
    ) -> String {
        let isPrivileged = rights.has(CallerRights.sysAdmin)
        guard Int(failed) == bk_userns_clone else {
            if switches.appArmorRestricts == 1, !isPrivileged {
                return
                    "AppArmor takes its capabilities away (kernel.apparmor_restrict_unprivileged_userns=1); set it to "
                    + "0, or give the program a profile with `userns,`"
            }
            let step =
                switch Int(failed) {
                case bk_userns_setgroups: "writing its setgroups"
                case bk_userns_uid_map: "writing its uid_map"
                case bk_userns_gid_map: "writing its gid_map"
                default: "using a capability inside it"
                }
            if error == .noSuchFileOrDirectory || !switches.hasProc {
                return "\(step) fails: /proc is not mounted here"
            }
            return "it can be made, but \(step) fails: \(error.description); "
                + (rights.hasSeccompFilter ? "the seccomp filter on this process or " : "")
                + "a security module (\(rights.securityModules.joined(separator: ", "))) refuses it"
        }
        switch error {
        case .invalidArgument: return "this kernel is built without user namespaces (CONFIG_USER_NS)"
        case .noFunction:
            return "clone3 answers ENOSYS: not in this kernel (since Linux 5.3), or a seccomp filter hides it"
        case .noSpace, .tooManyUsers:
            if switches.maximum == 0 {
                return "user.max_user_namespaces is 0; raise it: sysctl user.max_user_namespaces=15000"
            }
            return
                "the limit is reached: user.max_user_namespaces (\(switches.maximum.map(String.init) ?? "unknown")) here "
                + "or in an outer user namespace, or 33 levels of nesting, which no setting changes"
        case .notPermitted:
            if switches.isChrooted == true { return "this process is in a chroot, where the kernel allows none" }
            if switches.unprivilegedClone == 0, !isPrivileged {
                return "kernel.unprivileged_userns_clone is 0; set it to 1, or run as root"
            }
            if switches.appArmorRestricts ?? 0 != 0, !isPrivileged {
                return "AppArmor refuses it (kernel.apparmor_restrict_unprivileged_userns); set it to 0, or run as root"
            }
            if !switches.hasProc {
                return
                    "clone3 CLONE_NEWUSER is refused with EPERM: a chroot does that, or a seccomp filter or security "
                    + "module (/proc is not mounted here, which would tell)"
            }
            return rights.refusal("clone3 CLONE_NEWUSER")
                + (switches.isChrooted == nil ? "; a chroot does that too" : "")
        default: return "clone3 CLONE_NEWUSER: \(error.description)"
        }
    }
}

/// What may stand in the way of a user namespace; nil for what this kernel does not have.
struct NamespaceSwitches: Hashable, Sendable {
    /// `user.max_user_namespaces`.
    var maximum: Int64?
    /// `kernel.unprivileged_userns_clone`, of Debian's and Arch's kernels.
    var unprivilegedClone: Int64?
    /// `kernel.apparmor_restrict_unprivileged_userns`, of Ubuntu's kernels since 23.10.
    var appArmorRestricts: Int64?
    /// Whether the root of this process is not that of its mount namespace; nil where it cannot be told.
    var isChrooted: Bool?
    var hasProc: Bool

    static func read() -> NamespaceSwitches {
        let mounts = probedText("/proc/self/mountinfo")
        return NamespaceSwitches(
            maximum: probedNumber("/proc/sys/user/max_user_namespaces"),
            unprivilegedClone: probedNumber("/proc/sys/kernel/unprivileged_userns_clone"),
            appArmorRestricts: probedNumber("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            isChrooted: mounts.flatMap { chrooted(MountLine.parse($0)) }, hasProc: mounts != nil)
    }

    /// The table holds what can be reached from the root: without a mount there, it is a directory of one. A root that
    /// is a mount is compared with that of process 1, where that is in the same mount namespace.
    private static func chrooted(_ mounts: [MountLine]) -> Bool? {
        guard mounts.contains(where: { $0.point == "/" }) else { return true }
        guard let own = readLink("/proc/self/ns/mnt"), own == readLink("/proc/1/ns/mnt"),
            let here = try? Descriptor.probing("/", .path).status().mountID,
            let first = try? Descriptor.probing("/proc/1/root", .path).status().mountID
        else { return nil }
        return here != first
    }
}
