// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
public import Cgroups
internal import LinuxKernel
internal import SystemPackage
internal import UserNamespaces

extension Launch {
    /// Starts the command in the caller's cgroup.
    ///
    /// Returns once the command has been executed: a failure of any step before is thrown, and nothing of it is left.
    public func start() throws(LaunchError) -> Child { try start(Placement(self)) }

    /// Starts the command as a member of a cgroup from its first instruction (`CLONE_INTO_CGROUP`, since Linux 5.7).
    public func start(in cgroup: borrowing Cgroup) throws(LaunchError) -> Child {
        try start(Placement(self, cgroup: cgroup.directory.number))
    }

    /// The same, in namespaces that it shares with others. `user` is then the map of the shared user namespace.
    public func start(
        in cgroup: borrowing Cgroup, sharing namespaces: borrowing SharedNamespaces
    ) throws(LaunchError) -> Child {
        try start(Placement(self, cgroup: cgroup.directory.number, namespaces))
    }

    /// The same, in the caller's cgroup.
    public func start(sharing namespaces: borrowing SharedNamespaces) throws(LaunchError) -> Child {
        try start(Placement(self, cgroup: -1, namespaces))
    }

    private func start(_ placement: Placement) throws(LaunchError) -> Child {
        try clone(placement, flags: 0, listener: nil) { (_) throws(LaunchError) in }.intoChild()
    }

    /// Makes the namespaces of the plan and executes nothing: they last while `body` runs, or what it keeps of them.
    func hold(_ body: (Int32) throws(LaunchError) -> Void) throws(LaunchError) {
        let birth = try clone(Placement(self), flags: BK_LAUNCH_HOLD.rawValue, listener: nil, whileHeld: body)
        do { _ = try birth.intoChild().wait() } catch { throw LaunchError(.clone, error) }
    }

    /// From the plan to the exec, or to the pause before it.
    func clone(
        _ placement: Placement, flags: UInt32, listener: SharedDescriptor?,
        whileHeld body: (Int32) throws(LaunchError) -> Void
    ) throws(LaunchError) -> Birth {
        try check()
        try fail(at: .prepare)
        var memory = PlanMemory()
        var prepared: Preparation
        do {
            prepared = try Preparation.make(self, listener: listener, memory: &memory)
        } catch {
            throw LaunchError(.prepare, error)
        }
        let stackSize = 256 * 1024
        let stack = unsafe memory.room(bytes: stackSize, alignment: 4096)
        let plan = unsafe memory.array([rawPlan(prepared, placement, memory: &memory)])
        unsafe plan.pointee.flags |= flags
        // An init that outlives the caller would keep a copy of all its memory.
        if outcome != nil || reachesProgram(joining: placement.joined) {
            do { try unsafe prepared.makeGate(of: self, in: plan, memory: &memory) } catch {
                throw LaunchError(.prepare, error)
            }
        }

        let hides = changesEyes(placement)
        if hides { CallerMemory.hide() }
        // Whatever happens below, by then the child has its own memory or is gone.
        defer { if hides { CallerMemory.show() } }

        try fail(at: .join)
        try fail(at: .clone)
        var birth = bk_launch_birth()
        let pid = unsafe bk_launch(plan, stack, stackSize, &birth)
        guard pid > 0 else { throw cloneFailure(Errno(rawValue: -pid), placement, join: Int(birth.join)) }
        var child = Child(pid: pid, process: Descriptor(owning: birth.pidfd))
        prepared.closeChildEnd()
        var channel: Descriptor?
        do throws(LaunchError) {
            try bringUp(child.pid, placement, birth.ways, &child.detours)
            let isPaused = try listen(prepared, &child, body)
            if isPaused {
                do throws(KernelError) { channel = try prepared.channel.duplicate() } catch {
                    throw LaunchError(.prepare, error)
                }
            }
        } catch {
            // The child may still share the plan's memory: it has to be gone before that is.
            _ = consume child
            _ = consume memory
            throw error
        }
        child.outcome = prepared.takeOutcome()
        _ = consume memory
        return Birth(child: child, channel: channel)
    }

    /// What the caller does to the new process, which waits meanwhile: all that takes the caller's rights, which the child
    /// has not in a user namespace of its own.
    private func bringUp(
        _ pid: Int32, _ placement: Placement, _ ways: UInt32, _ detours: inout Set<StartDetour>
    ) throws(LaunchError) {
        if ways & BK_WAY_OLD_CLONE.rawValue != 0 { detours.insert(.oldClone) }
        if ways & BK_WAY_OUTSIDE.rawValue != 0 {
            detours.insert(.movedIntoCgroup)
            try perform(.cgroup) { () throws(KernelError) in
                let file = FilePath("/proc/self/fd/\(placement.cgroup)/cgroup.procs")
                try Descriptor.open(file, .writing).writeValue(
                    "\(pid)", called: "cgroup.procs", in: "\(placement.cgroup)")
            }
        }
        if let user, !placement.joined.contains(.user) {
            try perform(.maps) { () throws(KernelError) in
                try writeMaps(user, toProcess: pid, settingGroups: mayMapFreely)
            }
        }
        if !limits.isEmpty { try perform(.limits) { () throws(KernelError) in try raiseLimits(of: pid) } }
        if let oomScoreAdjustment {
            try perform(.oomScore) { () throws(KernelError) in
                let place = "/proc/\(pid)"
                do throws(KernelError) {
                    try Descriptor.open(FilePath("\(place)/oom_score_adj"), .writing)
                        .writeValue("\(oomScoreAdjustment)", called: "oom_score_adj", in: place)
                } catch {
                    throw error.hinting(
                        error.errno == .permissionDenied ? "less than the caller's own takes CAP_SYS_RESOURCE" : nil)
                }
            }
        }
        if let niceness {
            try perform(.niceness) { () throws(KernelError) in
                do throws(KernelError) { try ProcessCall.setNiceness(Int32(niceness), ofProcess: pid) } catch {
                    throw error.hinting(
                        error.errno == .permissionDenied ? "less than the caller's own takes CAP_SYS_NICE" : nil)
                }
            }
        }
    }

    /// The child sets its limits itself, when it has all it needs; in a user namespace it could not raise a hard one.
    private func raiseLimits(of pid: Int32) throws(KernelError) {
        for limit in limits {
            let now = try ProcessCall.limit(limit.kind.rawValue, ofProcess: pid, called: "\(limit)")
            guard limit.hard > now.hard else { continue }
            do throws(KernelError) {
                try ProcessCall.setLimit(
                    limit.kind.rawValue, ofProcess: pid, to: (now.soft, limit.hard), called: "\(limit)")
            } catch {
                throw error.hinting(
                    error.errno == .notPermitted
                        ? "the caller's own hard limit is \(now.hard); a higher one takes CAP_SYS_RESOURCE, and of "
                            + "RLIMIT_NOFILE more than fs.nr_open is none" : nil)
            }
        }
    }

    private func perform(_ step: LaunchError.Step, _ body: () throws(KernelError) -> Void) throws(LaunchError) {
        try fail(at: step)
        do { try body() } catch { throw LaunchError(step, error) }
    }

    /// Fails where a test wants it to.
    private func fail(at step: LaunchError.Step) throws(LaunchError) {
        guard let forced, forced.step == step, step.number == nil || step == .join || step == .clone else { return }
        throw LaunchError(step, KernelError("forced", command, errno: forced.errno))
    }

    /// Lets the child go and hears what it says, up to the exec; true when it pauses before.
    private func listen(
        _ prepared: borrowing Preparation, _ child: inout Child, _ body: (Int32) throws(LaunchError) -> Void
    ) throws(LaunchError) -> Bool {
        try letGo(prepared.channel)
        while let report = try nextReport(on: prepared.channel, &child.terminal) {
            if report.error != 0 {
                let failure = failure(report) { prepared.mounts.failure(at: $0, $1) }
                if report.passed_over == 0 { throw failure }
                child.passedOver.append(failure)
            } else if report.step == BK_STEP_HOLD.rawValue {
                try body(child.pid)
                try letGo(prepared.channel)
            } else if report.step == BK_STEP_PAUSE.rawValue {
                return true
            }
        }
        return false
    }

    /// Lets the child go on. One that has died in the meantime says so by the end of the channel.
    func letGo(_ channel: borrowing Descriptor) throws(LaunchError) {
        let result = bk_release(channel.number)
        guard result < 0, ![.brokenPipe, .connectionReset].contains(Errno(rawValue: -result)) else { return }
        throw LaunchError(.clone, KernelError("send", "the release of \(command)", errno: Errno(rawValue: -result)))
    }

    /// What the child tells next; nil when it has executed the command.
    func nextReport(
        on channel: borrowing Descriptor, _ terminal: inout Descriptor?
    ) throws(LaunchError) -> bk_launch_report? {
        var report = bk_launch_report()
        var descriptor: CInt = -1
        let result = unsafe bk_receive_report(channel.number, &report, &descriptor)
        if descriptor >= 0 { terminal = Descriptor(owning: descriptor) }
        if result < 0 {
            throw LaunchError(
                .clone,
                KernelError(
                    "recvmsg", command, errno: Errno(rawValue: -result), hint: "the process ended before it began"))
        }
        return result == 0 ? nil : report
    }

    /// Whether others could have a right over the child that they have not over the caller. An ordinary user has to leave
    /// its memory as it is: in the child's, whose `/proc` files would be root's, it could not write the maps.
    private func changesEyes(_ placement: Placement) -> Bool {
        mayMapFreely && (user != nil || identity != nil || capabilities != nil || !placement.joins.isEmpty)
    }

    /// Whether the caller may map ids that are not its own.
    var mayMapFreely: Bool { effectiveUserID == 0 }

    var searchPath: String { environment["PATH"] ?? Launch.defaultPath }

    /// The paths to try, as execvp(3) does.
    var candidates: [String] {
        if command.contains("/") { return [command] }
        return searchPath.split(separator: ":", omittingEmptySubsequences: false).map { folder in
            folder.isEmpty ? "./\(command)" : "\(folder)/\(command)"
        }
    }
}

/// A child, and the channel on which it is started when it pauses.
struct Birth: ~Copyable {
    var child: Child
    var channel: Descriptor?

    consuming func intoChild() -> Child { child }
}

/// Where a child is born: its cgroup's descriptor, or -1, and the namespaces it joins.
struct Placement {
    var cgroup: CInt
    var joins: [JoinedNamespace]

    init(_ launch: Launch, cgroup: CInt = -1) {
        self.cgroup = cgroup
        joins = launch.joins
    }

    init(_ launch: Launch, cgroup: CInt, _ namespaces: borrowing SharedNamespaces) {
        self.cgroup = cgroup
        joins = launch.joins + namespaces.joins
    }

    var joined: NamespaceKinds { joins.reduce(into: []) { $0.insert($1.kind) } }
}
