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
    private var outcome: Outcome?
    private let kept: DescriptorList
    /// Numbers of standard input, output and error for the child.
    let streams: [CInt]
    /// For the child: what is passed on, at numbers above all that the command has them at.
    let passed: [bk_launch_passed]
    /// Numbers for the child: what it executes, and where it listens; or -1.
    let program: CInt
    let listener: CInt
    /// What the child executes before the command and as init, where the caller's program has to be kept from them.
    private var gate: Descriptor?
    /// The least number for what the child keeps open.
    private let free: CInt

    private init(
        mounts: consuming MountPlan, channel: consuming Descriptor, childChannel: consuming Descriptor?,
        outcome: consuming Outcome?, kept: consuming DescriptorList, streams: [CInt], passed: [bk_launch_passed],
        program: CInt, listener: CInt, free: CInt
    ) {
        self.free = free
        self.passed = passed
        self.program = program
        self.listener = listener

        self.mounts = mounts
        self.channel = channel
        self.childChannel = childChannel
        self.outcome = outcome
        self.kept = kept
        self.streams = streams
    }

    /// Opens everything; what was opened is closed again when a later step throws.
    static func make(
        _ launch: Launch, listener: SharedDescriptor?, memory: inout PlanMemory
    ) throws(KernelError) -> Preparation {
        // The streams come first: where the caller's are closed, what is opened next has their numbers.
        var kept = DescriptorList()
        let sources = [launch.streams.input, launch.streams.output, launch.streams.error]
        var streams: [CInt] = []
        for (stream, source) in zip([StandardStream.input, .output, .error], sources) {
            streams.append(kept.append(try open(stream, source)))
        }
        // What the child keeps open lies above all numbers that the command is to have something at.
        let free = max(3, (launch.descriptors.keys.max() ?? 2) + 1)
        var passed: [bk_launch_passed] = []
        for (number, shared) in launch.passed {
            let source = kept.append(try shared.descriptor.duplicate(from: free))
            passed.append(bk_launch_passed(source: source, target: number))
        }
        var others: [CInt] = []
        for other in [launch.program, listener] {
            if let other {
                others.append(kept.append(try other.descriptor.duplicate(from: free)))
            } else {
                others.append(-1)
            }
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
        let childChannel = try Self.child(Descriptor(owning: ends.1), from: free)
        return Preparation(
            mounts: mounts, channel: channel, childChannel: childChannel,
            outcome: try launch.reaper ? Outcome(launch.outcome) : nil,
            kept: kept, streams: streams, passed: passed, program: others[0], listener: others[1], free: free)
    }

    private static func child(_ end: consuming Descriptor, from free: CInt) throws(KernelError) -> Descriptor {
        end.number >= free ? end : try end.duplicate(from: free)
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
        case .some(let outcome): outcome.number
        case .none: -1
        }
    }

    /// Keeps the gate as long as the start takes; its number for the child.
    mutating func keepGate(_ gate: consuming Descriptor) throws(KernelError) -> CInt {
        let kept = try Self.child(gate, from: free)
        let number = kept.number
        self.gate = .some(consume kept)
        return number
    }

    /// Closes the caller's copy of the child's end, so that the channel ends with the child.
    mutating func closeChildEnd() { childChannel = nil }

    /// Where to read how the command ended; the init's end is closed here.
    mutating func takeOutcome() -> Descriptor? {
        guard let outcome = outcome.take() else { return nil }
        return outcome.intoReading()
    }
}

extension Launch {
    /// The plan in C's terms. Every pointer is into `memory`.
    func rawPlan(
        _ prepared: borrowing Preparation, _ placement: Placement, memory: inout PlanMemory
    ) -> bk_launch_plan {
        var plan = unsafe bk_launch_plan()
        var kinds = newKinds
        unsafe plan.flags = flags(kinds, placement)
        kinds.subtract(placement.joined)
        unsafe plan.namespaces = kinds.subtracting(.cgroup).rawValue
        unsafe plan.cgroup = placement.cgroup
        let joins = placement.joins.map {
            bk_launch_join(descriptor: $0.namespace.descriptor.number, kind: $0.kind.rawValue)
        }
        unsafe plan.joins = UnsafePointer(memory.array(joins))
        unsafe plan.join_count = placement.joins.count
        unsafe plan.channel = prepared.childChannelNumber
        unsafe plan.caller_channel = prepared.channel.number
        unsafe plan.outcome = prepared.outcomeNumber
        unsafe plan.streams = (prepared.streams[0], prepared.streams[1], prepared.streams[2])
        unsafe plan.passed = UnsafePointer(memory.array(prepared.passed))
        unsafe plan.passed_count = prepared.passed.count
        unsafe plan.program = prepared.program
        unsafe plan.listener = prepared.listener
        unsafe plan.gate = -1
        unsafe plan.limits = UnsafePointer(
            memory.array(limits.map { bk_launch_limit(resource: $0.kind.rawValue, soft: $0.soft, hard: $0.hard) }))
        unsafe plan.limit_count = limits.count
        unsafe plan.umask = fileModeMask.map(Int32.init) ?? -1
        unsafe plan.columns = terminalSize?.columns ?? 0
        unsafe plan.rows = terminalSize?.rows ?? 0
        if let forced, let number = forced.step.number {
            unsafe plan.forced_step = number
            unsafe plan.forced_error = forced.errno.rawValue
        }
        if let identity {
            unsafe plan.uid = identity.uid
            unsafe plan.gid = identity.gid
            unsafe plan.groups = UnsafePointer(memory.array(identity.groups))
            unsafe plan.group_count = identity.groups.count
        }
        if let capabilities {
            unsafe plan.permitted = capabilities.bits
            unsafe plan.effective = (effectiveCapabilities ?? capabilities).bits
            unsafe plan.bounding = (boundingCapabilities ?? capabilities).bits
            unsafe plan.inheritable = (inheritableCapabilities ?? ambientCapabilities).bits
            unsafe plan.ambient = ambientCapabilities.bits
        }
        unsafe plan.mounts = UnsafePointer(memory.array(prepared.mounts.entries))
        unsafe plan.mount_count = prepared.mounts.entries.count
        if let hostName, !placement.joined.contains(.uts) { unsafe plan.host_name = memory.string(hostName) }
        if let directory { unsafe plan.directory = memory.string(directory) }
        if let seccomp {
            unsafe plan.seccomp = UnsafeRawPointer(memory.array(seccomp.instructions))
            unsafe plan.seccomp_count = seccomp.instructions.count
            unsafe plan.seccomp_flags = seccomp.flags.rawValue
        }
        let kept = (prepared.passed.map(\.target) + [prepared.childChannelNumber, prepared.program, prepared.listener])
            .filter { $0 >= 0 }.sorted()
        unsafe plan.kept = UnsafePointer(memory.array(kept))
        unsafe plan.kept_count = kept.count
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
        if outcome != nil { flags |= BK_LAUNCH_OWN_SESSION.rawValue }
        // Not only for what is new: a root that is joined is somebody else's too.
        if root != nil || kinds.union(placement.joined).contains(.user) || placement.joined.contains(.mount) {
            flags |= BK_LAUNCH_OWN_KEYRING.rawValue
        }
        if endsWithCaller { flags |= BK_LAUNCH_PARENT_DEATH.rawValue }
        if noNewPrivileges { flags |= BK_LAUNCH_NO_NEW_PRIVILEGES.rawValue }
        if capabilities != nil { flags |= BK_LAUNCH_CAPABILITIES.rawValue }
        if identity != nil { flags |= BK_LAUNCH_IDENTITY.rawValue | BK_LAUNCH_CLEAR_AMBIENT.rawValue }
        if oomScoreAdjustment != nil { flags |= BK_LAUNCH_OWN_MEMORY.rawValue }
        if kinds.contains(.cgroup) { flags |= BK_LAUNCH_CGROUP_NAMESPACE.rawValue }
        if root != nil { flags |= BK_LAUNCH_ROOT.rawValue }
        if kinds.union(placement.joined).contains(.user) { flags |= BK_LAUNCH_INSIDE.rawValue }
        if user != nil && !mayMapFreely { flags |= BK_LAUNCH_NO_SETGROUPS.rawValue }
        return flags
    }
}
