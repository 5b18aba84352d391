// SPDX-License-Identifier: Apache-2.0

/// What a capability is good for, outside of user namespaces and inside of one.
public struct CapabilityMeaning: Hashable, Sendable {
    /// What it allows in the initial user namespace.
    public var allows: String
    /// How much of that is left inside a user namespace.
    public var reach: Reach
    /// What exactly is left there, or why nothing is.
    public var inside: String

    /// How much of a capability is left inside a user namespace.
    public enum Reach: String, Hashable, Sendable {
        /// All of it, over what the namespace owns.
        case owned = "yes"
        /// A part of it.
        case partly = "partly"
        /// Nothing: the kernel asks for the capability in the initial namespace.
        case initialOnly = "no"
    }

    init(_ allows: String, _ reach: Reach, _ inside: String) {
        self.allows = allows
        self.reach = reach
        self.inside = inside
    }
}

extension Capability {
    /// The capabilities that have a name and a meaning here, in the order of the kernel's numbers.
    public static var known: [Capability] {
        meanings.indices.compactMap { Capability(rawValue: UInt8($0)) }
    }

    /// What it is good for; nil for one that is newer than this package.
    public var meaning: CapabilityMeaning? {
        let index = Int(rawValue)
        return Self.meanings.indices.contains(index) ? Self.meanings[index] : nil
    }

    // By number. What the kernel asks in which namespace is read from its sources (capable, ns_capable,
    // capable_wrt_inode_uidgid), 6.12.
    private static let meanings: [CapabilityMeaning] = [
        .init("change any file's owner and group", .owned, "files whose ids, old and new, are mapped"),
        .init("read, write and search any file, whatever its permission bits", .owned, "files whose ids are mapped"),
        .init(
            "read any file, search any directory, open files by handle", .partly,
            "files whose ids are mapped; by handle only on file systems that the namespace mounted (since 6.11)"),
        .init("act as the owner of any file: mode, times, flags, ACLs", .owned, "files whose ids are mapped"),
        .init(
            "keep set-ID bits when a file or its group changes", .partly,
            "a change of mode keeps the group bit on mapped files; writing strips the bits all the same"),
        .init("signal any process", .owned, "processes of the namespace and of those below it"),
        .init("change group ids and supplementary groups", .owned, "to mapped ids; not where setgroups is denied"),
        .init("change user ids", .owned, "to mapped ids"),
        .init("change its own bounding and inheritable sets and securebits", .owned, "its own sets"),
        .init("set files immutable or append-only", .initialOnly, "asked for in the initial namespace"),
        .init("bind ports below 1024", .owned, "in network namespaces that it owns"),
        .init("nothing: the kernel never asks for it", .initialOnly, "nothing"),
        .init(
            "configure interfaces, addresses, routes and the firewall", .owned,
            "network namespaces that it owns; never the host's, and not limits that are the machine's (net.core.rmem_max)"
        ),
        .init("open raw and packet sockets", .owned, "in network namespaces that it owns"),
        .init("lock memory beyond the limit", .initialOnly, "asked for in the initial namespace"),
        .init("use any System V IPC object and message queue", .owned, "in IPC namespaces that it owns"),
        .init("load and unload kernel modules", .initialOnly, "there is one kernel, and it is the host's"),
        .init("reach devices' ports and memory directly", .initialOnly, "devices are the host's"),
        .init("change the root directory, join mount namespaces", .owned, "of mount namespaces that it owns"),
        .init("trace, read and inspect any process", .owned, "processes of the namespace and of those below it"),
        .init("switch process accounting on and off", .initialOnly, "there is one accounting file for the machine"),
        .init(
            "mount, make namespaces, and a great deal else", .partly,
            "mounts, host name and namespaces that it owns; no disk's file system, no swap, no quota, no device"),
        .init(
            "restart the machine, load another kernel", .partly,
            "reboot(2) ends the init of a pid namespace that it owns; the machine never"),
        .init(
            "raise priorities, real-time scheduling, others' affinity", .partly,
            "affinity of the namespace's processes; priorities and real-time scheduling are the host's to give"),
        .init(
            "exceed resource limits, quotas and reserved space", .partly,
            "others' limits within what is allowed; no hard limit is raised and no quota exceeded"),
        .init(
            "set the system's clocks", .partly, "offsets of a time namespace that it owns; the clocks are the host's"),
        .init("configure terminals, hang them up", .initialOnly, "asked for in the initial namespace"),
        .init("make device nodes", .initialOnly, "device nodes reach the host's devices"),
        .init("put leases on any file", .initialOnly, "asked for in the initial namespace"),
        .init("write to the audit log", .initialOnly, "there is one audit log; programs are told that there is none"),
        .init("configure auditing", .initialOnly, "there is one audit log"),
        .init(
            "give files capabilities; map id 0 into a child namespace", .owned,
            "files whose ids are mapped; what it gives counts in this namespace only"),
        .init("override mandatory access control (Smack)", .initialOnly, "asked for in the initial namespace"),
        .init("configure mandatory access control", .initialOnly, "asked for in the initial namespace"),
        .init("read and clear the kernel log, see kernel addresses", .initialOnly, "there is one kernel log"),
        .init("set timers that wake the machine", .initialOnly, "asked for in the initial namespace"),
        .init("keep the machine from suspending", .initialOnly, "asked for in the initial namespace"),
        .init("read the audit log", .initialOnly, "there is one audit log"),
        .init("use performance monitoring", .initialOnly, "asked for in the initial namespace"),
        .init(
            "load BPF programs", .partly, "only with a BPF token that the host made for the namespace (since 6.9)"),
        .init(
            "checkpoint and restore processes", .partly,
            "choose process ids in pid namespaces that it owns; not /proc/PID/map_files"),
    ]
}

extension CapabilitySet {
    /// Those that have no effect at all inside a user namespace.
    public var withoutEffectInside: CapabilitySet {
        CapabilitySet(filter { $0.meaning?.reach == .initialOnly })
    }
}
