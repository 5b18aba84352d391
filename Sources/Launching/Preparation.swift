// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
internal import Capabilities
internal import LinuxKernel
internal import SeccompFilters
internal import SystemPackage

/// What a start opens before it clones: everything the child needs, held by descriptors.
struct Preparation: ~Copyable {
    let mounts: MountPlan
    /// The caller's end: releases the child, receives its reports.
    let channel: Descriptor
    private var childChannel: Descriptor?
    private var outcome: Pipe?
    private let kept: DescriptorList
    /// Numbers of standard input, output and error for the child.
    let streams: [CInt]

    private init(
        mounts: consuming MountPlan, channel: consuming Descriptor, childChannel: consuming Descriptor?,
        outcome: consuming Pipe?, kept: consuming DescriptorList, streams: [CInt]
    ) {
        self.mounts = mounts
        self.channel = channel
        self.childChannel = childChannel
        self.outcome = outcome
        self.kept = kept
        self.streams = streams
    }

    /// Opens everything; what was opened is closed again when a later step throws.
    static func make(_ launch: Launch, memory: inout PlanMemory) throws(KernelError) -> Preparation {
        // The streams come first: where the caller's are closed, what is opened next has their numbers.
        var kept = DescriptorList()
        let sources = [launch.streams.input, launch.streams.output, launch.streams.error]
        var streams: [CInt] = []
        for (stream, source) in zip([StandardStream.input, .output, .error], sources) {
            streams.append(kept.append(try open(stream, source)))
        }
        let mounts = try MountPlan.make(launch, memory: &memory)
        var ends: (CInt, CInt) = (-1, -1)
        let result = unsafe withUnsafeMutableBytes(of: &ends) { bytes in
            guard let base = bytes.baseAddress else { return CInt(-22) }
            return unsafe bk_report_channel(base.assumingMemoryBound(to: CInt.self))
        }
        if result < 0 {
            throw KernelError("socketpair", "AF_UNIX SOCK_SEQPACKET", errno: Errno(rawValue: -result))
        }
        let channel = Descriptor(owning: ends.0)
        let childChannel = try Descriptor(owning: ends.1).aboveStandard()
        return Preparation(
            mounts: mounts, channel: channel, childChannel: childChannel, outcome: try launch.reaper ? Pipe() : nil,
            kept: kept, streams: streams)
    }

    /// A copy above the standard numbers, so that connecting one stream cannot overwrite another's source.
    private static func open(_ stream: StandardStream, _ source: Streams.Stream) throws(KernelError) -> Descriptor {
        let null = FilePath("/dev/null")
        switch source {
        case .inherited:
            do {
                return try Descriptor.standard(stream)
            } catch {
                guard error.errno == .badFileDescriptor else { throw error }
                return try Descriptor.open(null, .readingAndWriting).duplicate()
            }
        case .null: return try Descriptor.open(null, .readingAndWriting).duplicate()
        case .shared(let shared): return try shared.descriptor.duplicate()
        }
    }

    var childChannelNumber: CInt {
        switch childChannel {
        case .some(let descriptor): descriptor.number
        case .none: -1
        }
    }

    var outcomeNumber: CInt {
        switch outcome {
        case .some(let pipe): pipe.writing.number
        case .none: -1
        }
    }

    /// Closes the caller's copy of the child's end, so that the channel ends with the child.
    mutating func closeChildEnd() { childChannel = nil }

    /// The end of the pipe that tells how the command ended; the other end is closed here.
    mutating func takeOutcome() -> Descriptor? { outcome.take()?.intoReading() }
}

extension Launch {
    /// The plan in C's terms. Every pointer is into `memory`.
    func rawPlan(
        _ prepared: borrowing Preparation, _ placement: Placement, memory: inout PlanMemory
    ) -> bk_launch_plan {
        var plan = unsafe bk_launch_plan()
        var kinds = namespaces
        if user != nil { kinds.insert(.user) }
        if root != nil { kinds.insert(.mount) }
        if hostName != nil { kinds.insert(.uts) }
        unsafe plan.flags = flags(kinds, placement)
        kinds.subtract(placement.joined)
        unsafe plan.namespaces = kinds.subtracting(.cgroup).rawValue
        unsafe plan.cgroup = placement.cgroup
        unsafe plan.joins = UnsafePointer(memory.array(placement.joins))
        unsafe plan.join_count = placement.joins.count
        unsafe plan.channel = prepared.childChannelNumber
        unsafe plan.caller_channel = prepared.channel.number
        unsafe plan.outcome = prepared.outcomeNumber
        unsafe plan.streams = (prepared.streams[0], prepared.streams[1], prepared.streams[2])
        if let identity {
            unsafe plan.uid = identity.uid
            unsafe plan.gid = identity.gid
            unsafe plan.groups = UnsafePointer(memory.array(identity.groups))
            unsafe plan.group_count = identity.groups.count
        }
        if let capabilities {
            unsafe plan.permitted = capabilities.bits
            unsafe plan.bounding = capabilities.bits
            unsafe plan.inheritable = ambientCapabilities.bits
            unsafe plan.ambient = ambientCapabilities.bits
        }
        unsafe plan.mounts = UnsafePointer(memory.array(prepared.mounts.entries))
        unsafe plan.mount_count = prepared.mounts.entries.count
        if let hostName, !placement.joined.contains(.uts) { unsafe plan.host_name = memory.string(hostName) }
        if let directory { unsafe plan.directory = memory.string(directory) }
        if let seccomp {
            unsafe plan.seccomp = UnsafeRawPointer(memory.array(seccomp.instructions))
            unsafe plan.seccomp_count = seccomp.instructions.count
        }
        unsafe plan.candidates = memory.strings(candidates)
        unsafe plan.arguments = memory.strings([command] + arguments)
        unsafe plan.environment = memory.strings(environment.map { "\($0.key)=\($0.value)" }.sorted())
        return unsafe plan
    }

    private func flags(_ kinds: NamespaceKinds, _ placement: Placement) -> UInt32 {
        var flags: UInt32 = 0
        if reaper { flags |= BK_LAUNCH_REAPER.rawValue }
        if terminal { flags |= BK_LAUNCH_TERMINAL.rawValue }
        if loopback && kinds.subtracting(placement.joined).contains(.network) { flags |= BK_LAUNCH_LOOPBACK.rawValue }
        if endsWithCaller { flags |= BK_LAUNCH_PARENT_DEATH.rawValue }
        if noNewPrivileges { flags |= BK_LAUNCH_NO_NEW_PRIVILEGES.rawValue }
        if capabilities != nil { flags |= BK_LAUNCH_CAPABILITIES.rawValue }
        if identity != nil { flags |= BK_LAUNCH_IDENTITY.rawValue }
        if kinds.contains(.cgroup) { flags |= BK_LAUNCH_CGROUP_NAMESPACE.rawValue }
        if root != nil { flags |= BK_LAUNCH_ROOT.rawValue }
        if kinds.union(placement.joined).contains(.user) { flags |= BK_LAUNCH_INSIDE.rawValue }
        if user != nil && !mayMapFreely { flags |= BK_LAUNCH_NO_SETGROUPS.rawValue }
        return flags
    }
}
