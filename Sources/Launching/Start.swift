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
    public func start() throws(LaunchError) -> Child { try start(Placement(cgroup: -1)) }

    /// Starts the command as a member of a cgroup from its first instruction (`CLONE_INTO_CGROUP`, since Linux 5.7).
    public func start(in cgroup: borrowing Cgroup) throws(LaunchError) -> Child {
        try start(Placement(cgroup: cgroup.directory.number))
    }

    /// The same, in namespaces that it shares with others. `user` is then the map of the shared user namespace.
    public func start(
        in cgroup: borrowing Cgroup, sharing namespaces: borrowing SharedNamespaces
    ) throws(LaunchError) -> Child {
        try start(Placement(cgroup: cgroup.directory.number, namespaces))
    }

    /// The same, in the caller's cgroup.
    public func start(sharing namespaces: borrowing SharedNamespaces) throws(LaunchError) -> Child {
        try start(Placement(cgroup: -1, namespaces))
    }

    private func start(_ placement: Placement) throws(LaunchError) -> Child {
        try clone(placement, flags: 0) { (_) throws(LaunchError) in }
    }

    /// Makes the namespaces of the plan and executes nothing: they last while `body` runs, or what it keeps of them.
    func hold(_ body: (Int32) throws(LaunchError) -> Void) throws(LaunchError) {
        let child = try clone(Placement(cgroup: -1), flags: BK_LAUNCH_HOLD.rawValue, whileHeld: body)
        do { _ = try child.wait() } catch { throw LaunchError(.clone, error) }
    }

    private func clone(
        _ placement: Placement, flags: UInt32, whileHeld body: (Int32) throws(LaunchError) -> Void
    ) throws(LaunchError) -> Child {
        var memory = PlanMemory()
        var prepared: Preparation
        do {
            prepared = try Preparation.make(self, memory: &memory)
        } catch {
            throw LaunchError(.prepare, error)
        }
        let stackSize = 256 * 1024
        let stack = unsafe memory.room(bytes: stackSize, alignment: 4096)
        let plan = unsafe memory.array([rawPlan(prepared, placement, memory: &memory)])
        unsafe plan.pointee.flags |= flags

        var process: CInt = -1
        var join: CInt = -1
        let pid = unsafe bk_launch(plan, stack, stackSize, &process, &join)
        guard pid > 0 else { throw cloneFailure(Errno(rawValue: -pid), placement, join: Int(join)) }
        var child = Child(pid: pid, process: Descriptor(owning: process))
        prepared.closeChildEnd()
        do {
            try complete(prepared, placement, &child, body)
        } catch {
            // The child may still share the plan's memory: it has to be gone before that is.
            _ = consume child
            _ = consume memory
            throw error
        }
        child.outcome = prepared.takeOutcome()
        _ = consume memory
        return child
    }

    /// From the clone to the exec: writes the maps, lets the child go, listens.
    private func complete(
        _ prepared: borrowing Preparation, _ placement: Placement, _ child: inout Child,
        _ body: (Int32) throws(LaunchError) -> Void
    ) throws(LaunchError) {
        if let user, placement.joins.isEmpty {
            do {
                try writeMaps(user, toProcess: child.pid, settingGroups: mayMapFreely)
            } catch {
                throw LaunchError(.maps, error)
            }
        }
        try release(prepared)
        while let report = try nextReport(prepared, &child) {
            if report.step == BK_STEP_HOLD.rawValue {
                try body(child.pid)
                try release(prepared)
            } else if report.error != 0 {
                let failure = failure(report, prepared)
                if report.passed_over == 0 { throw failure }
                child.passedOver.append(failure)
            }
        }
    }

    /// Lets the child go on. One that has died in the meantime says so by the end of the channel.
    private func release(_ prepared: borrowing Preparation) throws(LaunchError) {
        let result = bk_release(prepared.channel.number)
        guard result < 0, ![.brokenPipe, .connectionReset].contains(Errno(rawValue: -result)) else { return }
        throw LaunchError(.clone, KernelError("send", "the release of \(command)", errno: Errno(rawValue: -result)))
    }

    /// What the child tells next; nil when it has executed the command.
    private func nextReport(
        _ prepared: borrowing Preparation, _ child: inout Child
    ) throws(LaunchError) -> bk_launch_report? {
        var report = bk_launch_report()
        var descriptor: CInt = -1
        let result = unsafe bk_receive_report(prepared.channel.number, &report, &descriptor)
        if descriptor >= 0 { child.terminal = Descriptor(owning: descriptor) }
        if result < 0 {
            throw LaunchError(
                .clone,
                KernelError(
                    "recvmsg", command, errno: Errno(rawValue: -result), hint: "the process ended before it began"))
        }
        return result == 0 ? nil : report
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

/// Where a child is born: its cgroup's descriptor, or -1, and the namespaces it joins.
struct Placement {
    var cgroup: CInt
    var joins: [CInt] = []
    var joined: NamespaceKinds = []

    init(cgroup: CInt) { self.cgroup = cgroup }

    init(cgroup: CInt, _ namespaces: borrowing SharedNamespaces) {
        self.cgroup = cgroup
        joins = namespaces.descriptors
        joined = namespaces.kinds
    }
}
