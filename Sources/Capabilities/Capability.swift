// SPDX-License-Identifier: Apache-2.0

internal import CLibcap

/// One capability: a number that the kernel gives a meaning, and a name that libcap gives the number.
///
/// An open set: a capability newer than this package or the installed libcap is kept by its number.
public struct Capability: RawRepresentable, Hashable, Comparable, Sendable {
    /// The kernel's number, 0 to 63.
    public let rawValue: UInt8

    /// The capability of a number, or nil over 63: a set is 64 bits wide.
    public init?(rawValue: UInt8) {
        if rawValue > 63 { return nil }
        self.rawValue = rawValue
    }

    private init(_ known: Int32) { rawValue = UInt8(truncatingIfNeeded: known) }

    /// Reads a name, with or without `CAP_`, in either case: `net_admin`, `CAP_NET_ADMIN`. A number is taken too.
    public init(parsing text: some StringProtocol) throws(CapabilityError) {
        let lower = text.lowercased()
        if let number = UInt8(lower), let capability = Capability(rawValue: number) {
            self = capability
            return
        }
        let name = lower.hasPrefix("cap_") ? lower : "cap_" + lower
        var value: cap_value_t = -1
        guard unsafe cap_from_name(name, &value) == 0, let number = UInt8(exactly: value), number < 64 else {
            throw .unknownName(String(text))
        }
        rawValue = number
    }

    /// The last capability that the running kernel knows.
    public static var last: Capability {
        Capability(max(cap_max_bits() - 1, 0))
    }

    /// The order of the kernel's numbers.
    public static func < (left: Capability, right: Capability) -> Bool { left.rawValue < right.rawValue }
}

extension Capability: CustomStringConvertible {
    /// The kernel's name in lower case, `cap_net_admin`, or the number where libcap has no name for it.
    public var description: String {
        guard let name = unsafe cap_to_name(cap_value_t(rawValue)) else { return String(rawValue) }
        defer { unsafe cap_free(name) }
        return unsafe String(cString: name)
    }
}

extension Capability {
    /// Change any file's owner and group. C name: `CAP_CHOWN`.
    public static let chown = Capability(CAP_CHOWN)
    /// Pass by file permission checks. C name: `CAP_DAC_OVERRIDE`.
    public static let dacOverride = Capability(CAP_DAC_OVERRIDE)
    /// Pass by read and search permission checks. C name: `CAP_DAC_READ_SEARCH`.
    public static let dacReadSearch = Capability(CAP_DAC_READ_SEARCH)
    /// Act as the owner of any file. C name: `CAP_FOWNER`.
    public static let fowner = Capability(CAP_FOWNER)
    /// Keep set-id bits when a file changes. C name: `CAP_FSETID`.
    public static let fsetid = Capability(CAP_FSETID)
    /// Signal any process. C name: `CAP_KILL`.
    public static let kill = Capability(CAP_KILL)
    /// Change group ids. C name: `CAP_SETGID`.
    public static let setgid = Capability(CAP_SETGID)
    /// Change user ids. C name: `CAP_SETUID`.
    public static let setuid = Capability(CAP_SETUID)
    /// Change one's own capability sets. C name: `CAP_SETPCAP`.
    public static let setpcap = Capability(CAP_SETPCAP)
    /// Set the immutable and append-only file flags. C name: `CAP_LINUX_IMMUTABLE`.
    public static let linuxImmutable = Capability(CAP_LINUX_IMMUTABLE)
    /// Bind ports under 1024. C name: `CAP_NET_BIND_SERVICE`.
    public static let netBindService = Capability(CAP_NET_BIND_SERVICE)
    /// Unused by the kernel. C name: `CAP_NET_BROADCAST`.
    public static let netBroadcast = Capability(CAP_NET_BROADCAST)
    /// Configure the network. C name: `CAP_NET_ADMIN`.
    public static let netAdmin = Capability(CAP_NET_ADMIN)
    /// Raw and packet sockets. C name: `CAP_NET_RAW`.
    public static let netRaw = Capability(CAP_NET_RAW)
    /// Lock memory. C name: `CAP_IPC_LOCK`.
    public static let ipcLock = Capability(CAP_IPC_LOCK)
    /// Act as the owner of System V IPC objects. C name: `CAP_IPC_OWNER`.
    public static let ipcOwner = Capability(CAP_IPC_OWNER)
    /// Load and unload kernel modules. C name: `CAP_SYS_MODULE`.
    public static let sysModule = Capability(CAP_SYS_MODULE)
    /// Raw device input and output. C name: `CAP_SYS_RAWIO`.
    public static let sysRawIO = Capability(CAP_SYS_RAWIO)
    /// `chroot`, and joining a mount namespace. C name: `CAP_SYS_CHROOT`.
    public static let sysChroot = Capability(CAP_SYS_CHROOT)
    /// Trace any process. C name: `CAP_SYS_PTRACE`.
    public static let sysPtrace = Capability(CAP_SYS_PTRACE)
    /// Process accounting. C name: `CAP_SYS_PACCT`.
    public static let sysPacct = Capability(CAP_SYS_PACCT)
    /// Mounts, namespaces and much else. C name: `CAP_SYS_ADMIN`.
    public static let sysAdmin = Capability(CAP_SYS_ADMIN)
    /// Reboot, and load another kernel. C name: `CAP_SYS_BOOT`.
    public static let sysBoot = Capability(CAP_SYS_BOOT)
    /// Raise priorities, set schedulers and affinity. C name: `CAP_SYS_NICE`.
    public static let sysNice = Capability(CAP_SYS_NICE)
    /// Exceed resource limits and quotas. C name: `CAP_SYS_RESOURCE`.
    public static let sysResource = Capability(CAP_SYS_RESOURCE)
    /// Set the clocks. C name: `CAP_SYS_TIME`.
    public static let sysTime = Capability(CAP_SYS_TIME)
    /// Configure terminals. C name: `CAP_SYS_TTY_CONFIG`.
    public static let sysTTYConfig = Capability(CAP_SYS_TTY_CONFIG)
    /// Create device nodes. C name: `CAP_MKNOD`.
    public static let mknod = Capability(CAP_MKNOD)
    /// Leases on any file. C name: `CAP_LEASE`.
    public static let lease = Capability(CAP_LEASE)
    /// Write to the audit log. C name: `CAP_AUDIT_WRITE`.
    public static let auditWrite = Capability(CAP_AUDIT_WRITE)
    /// Configure auditing. C name: `CAP_AUDIT_CONTROL`.
    public static let auditControl = Capability(CAP_AUDIT_CONTROL)
    /// Set capabilities of files. C name: `CAP_SETFCAP`.
    public static let setfcap = Capability(CAP_SETFCAP)
    /// Pass by mandatory access control. C name: `CAP_MAC_OVERRIDE`.
    public static let macOverride = Capability(CAP_MAC_OVERRIDE)
    /// Configure mandatory access control. C name: `CAP_MAC_ADMIN`.
    public static let macAdmin = Capability(CAP_MAC_ADMIN)
    /// Read and clear the kernel log. C name: `CAP_SYSLOG`. Since Linux 2.6.37.
    public static let syslog = Capability(CAP_SYSLOG)
    /// Set alarms that wake the machine. C name: `CAP_WAKE_ALARM`. Since Linux 3.0.
    public static let wakeAlarm = Capability(CAP_WAKE_ALARM)
    /// Keep the machine from suspending. C name: `CAP_BLOCK_SUSPEND`. Since Linux 3.5.
    public static let blockSuspend = Capability(CAP_BLOCK_SUSPEND)
    /// Read the audit log. C name: `CAP_AUDIT_READ`. Since Linux 3.16.
    public static let auditRead = Capability(CAP_AUDIT_READ)
    /// Performance monitoring. C name: `CAP_PERFMON`. Since Linux 5.8.
    public static let perfmon = Capability(CAP_PERFMON)
    /// Load BPF programs. C name: `CAP_BPF`. Since Linux 5.8.
    public static let bpf = Capability(CAP_BPF)
    /// Checkpoint and restore processes. C name: `CAP_CHECKPOINT_RESTORE`. Since Linux 5.9.
    public static let checkpointRestore = Capability(CAP_CHECKPOINT_RESTORE)
}
