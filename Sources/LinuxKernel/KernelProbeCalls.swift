// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

extension Descriptor {
    /// Opens a path with `open`, so that a diagnosis does not hang on `openat2`, which old filters hide.
    static func probing(_ path: String, _ flags: OpenFlags = .reading) throws(KernelError) -> Descriptor {
        let result = unsafe bk_probe_open(path, CInt(truncatingIfNeeded: flags.rawValue))
        return Descriptor(owning: try valueOrError(result, "open", path))
    }
}

/// A file of the kernel as text, or nil where it cannot be read.
func probedText(_ path: String) -> String? {
    guard let file = try? Descriptor.probing(path), let text = try? file.readText() else { return nil }
    return text
}

/// A number from a file of the kernel, or nil where there is none.
func probedNumber(_ path: String) -> Int64? {
    probedText(path).flatMap { Int64($0.trimmingNewline) }
}

/// Closes the descriptor that a successful call gave, and passes the result on.
func closing(_ result: CInt) -> CInt {
    if result >= 0 { bk_close(result) }
    return result
}

/// What the probing process may do, for naming the cause of a refusal.
public struct CallerRights: Hashable, Sendable {
    /// The effective capabilities as a bit set (`CapEff` of `/proc/thread-self/status`); nil where `/proc` is missing.
    public var effectiveCapabilities: UInt64?
    /// Whether a seccomp filter is on this process (`Seccomp: 2`).
    public var hasSeccompFilter: Bool
    /// Whether the process is in the initial user namespace; nil where `/proc` is missing.
    public var isInitialUserNamespace: Bool?
    /// Whether the mount namespace belongs to the caller's user namespace: mounts ask for CAP_SYS_ADMIN over its owner.
    /// Nil where that cannot be told.
    public var ownsMountNamespace: Bool?
    /// The security modules, in the kernel's order (`/sys/kernel/security/lsm`).
    public var securityModules: [String]

    /// Reads them of the calling thread.
    public static func current() -> CallerRights {
        let status = probedText("/proc/thread-self/status") ?? probedText("/proc/self/status")
        func field(_ name: String) -> Substring? {
            guard let line = status?.split(separator: "\n").first(where: { $0.hasPrefix(name + ":") }) else {
                return nil
            }
            return line.split(whereSeparator: { $0 == ":" || $0 == "\t" || $0 == " " }).dropFirst().first
        }
        // The initial user namespace has a fixed inode number: PROC_USER_INIT_INO.
        let initial = readLink("/proc/self/ns/user").map { $0 == "user:[4026531837]" }
        let modules = probedText("/sys/kernel/security/lsm")?.trimmingNewline.split(separator: ",").map(String.init)
        return CallerRights(
            effectiveCapabilities: field("CapEff").flatMap { UInt64($0, radix: 16) },
            hasSeccompFilter: field("Seccomp") == "2", isInitialUserNamespace: initial,
            ownsMountNamespace: initial == false ? ownsMounts() : initial, securityModules: modules ?? [])
    }

    /// The owner of the mount namespace is the caller's user namespace, or an outer one, which the kernel does not show.
    private static func ownsMounts() -> Bool? {
        guard let mounts = try? Descriptor.probing("/proc/self/ns/mnt") else { return nil }
        guard let owner = try? NamespaceCall.owner(of: mounts) else { return false }
        return owner.name == readLink("/proc/self/ns/user")
    }

    /// The number of `CAP_SYS_ADMIN`, which mounts and cgroups ask for.
    package static let sysAdmin: UInt64 = 21
    /// The number of `CAP_SETUID`.
    package static let setUID: UInt64 = 7
    /// The number of `CAP_NET_ADMIN`.
    package static let netAdmin: UInt64 = 12
    /// The number of `CAP_SYS_RESOURCE`.
    package static let sysResource: UInt64 = 24

    /// Whether a capability is effective; false where it cannot be told.
    package func has(_ capability: UInt64) -> Bool { (effectiveCapabilities ?? 0) & (1 << capability) != 0 }

    /// Why a call that asks for `CAP_SYS_ADMIN` answered EPERM.
    func adminRefusal(_ call: String) -> String {
        guard has(Self.sysAdmin) else {
            return "CAP_SYS_ADMIN is missing; run as root, or inside a user namespace of your own"
        }
        if ownsMountNamespace == false {
            return
                "the mount namespace belongs to an outer user namespace; make one of your own too, as `unshare --mount` "
                + "does"
        }
        return refusal(call)
    }

    /// Why a call that this caller ought to be allowed answered EPERM.
    func refusal(_ call: String) -> String {
        var suspects: [String] = []
        if hasSeccompFilter { suspects.append("the seccomp filter on this process") }
        let modules = securityModules.filter { ["selinux", "apparmor", "smack", "tomoyo", "bpf"].contains($0) }
        if !modules.isEmpty { suspects.append("a security module (\(modules.joined(separator: ", ")))") }
        if suspects.isEmpty { suspects.append("a security module or a switch of this distribution's kernel") }
        return "\(call) is refused with EPERM to this caller by \(suspects.joined(separator: " or "))"
    }
}
