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
    public func start() throws(LaunchError) -> Child { try start(cgroupDescriptor: -1) }

    /// Starts the command as a member of a cgroup from its first instruction (`CLONE_INTO_CGROUP`, since Linux 5.7).
    public func start(in cgroup: borrowing Cgroup) throws(LaunchError) -> Child {
        try start(cgroupDescriptor: cgroup.directory.number)
    }

    private func start(cgroupDescriptor: CInt) throws(LaunchError) -> Child {
        var memory = PlanMemory()
        var prepared: Preparation
        do {
            prepared = try Preparation.make(self, memory: &memory)
        } catch {
            throw LaunchError(.prepare, error)
        }
        let stackSize = 256 * 1024
        let stack = unsafe memory.room(bytes: stackSize, alignment: 4096)
        let plan = unsafe memory.array([
            rawPlan(prepared, cgroup: cgroupDescriptor, mounts: prepared.mounts.entries, memory: &memory)
        ])

        var process: CInt = -1
        let pid = unsafe bk_launch(plan, stack, stackSize, &process)
        guard pid > 0 else {
            throw LaunchError(
                .clone,
                KernelError(
                    "clone3", command, errno: Errno(rawValue: -pid),
                    hint: cloneHint(Errno(rawValue: -pid), inCgroup: cgroupDescriptor >= 0)))
        }
        var child = Child(pid: pid, process: Descriptor(owning: process))
        prepared.closeChildEnd()

        do {
            try complete(prepared, &child)
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
    private func complete(_ prepared: borrowing Preparation, _ child: inout Child) throws(LaunchError) {
        if let user {
            do {
                try writeMaps(user, toProcess: child.pid, settingGroups: mayMapFreely)
            } catch {
                throw LaunchError(.maps, error)
            }
        }
        // A child that has died in the meantime says so by the end of the channel.
        _ = bk_release(prepared.channel.number)
        try receiveReports(prepared, &child)
    }

    /// Collects what the child reports until it has executed the command.
    private func receiveReports(_ prepared: borrowing Preparation, _ child: inout Child) throws(LaunchError) {
        while true {
            var report = bk_launch_report()
            var descriptor: CInt = -1
            let result = unsafe bk_receive_report(prepared.channel.number, &report, &descriptor)
            if descriptor >= 0 { child.terminal = Descriptor(owning: descriptor) }
            if result == 0 { return }
            if result < 0 {
                throw LaunchError(.clone, KernelError("recvmsg", command, errno: Errno(rawValue: -result)))
            }
            guard report.error != 0 else { continue }
            let failure = failure(report, prepared)
            if report.passed_over == 0 { throw failure }
            child.passedOver.append(failure)
        }
    }

    private func failure(_ report: bk_launch_report, _ prepared: borrowing Preparation) -> LaunchError {
        let step = LaunchError.Step(number: report.step)
        let errno = Errno(rawValue: report.error)
        switch step {
        case .mount: return LaunchError(step, prepared.mounts.failure(at: Int(report.index), errno))
        case .execute:
            let tried = candidates.indices.contains(Int(report.index)) ? candidates[Int(report.index)] : command
            let hint: String? =
                switch errno {
                case .noSuchFileOrDirectory where !command.contains("/"): "not found in PATH=\(searchPath)"
                case .noSuchFileOrDirectory: "the program, or the interpreter it names, does not exist inside"
                case .permissionDenied: "not executable for this user, or on a noexec mount"
                case .execFormatError: "no program format this kernel knows"
                default: nil
                }
            let subject = errno == .noSuchFileOrDirectory ? command : tried
            return LaunchError(step, KernelError("execve", subject, errno: errno, hint: hint))
        case .directory: return LaunchError(step, KernelError("chdir", directory ?? "", errno: errno))
        case .hostName: return LaunchError(step, KernelError("sethostname", hostName ?? "", errno: errno))
        case .user:
            let hint =
                errno == .invalidArgument ? "the id is not in the user namespace's map" : nil
            return LaunchError(
                step,
                KernelError(
                    ["prctl PR_SET_KEEPCAPS", "setgroups", "setresgid", "setresuid"][min(3, Int(report.index))],
                    identity.map { "\($0.uid):\($0.gid)" } ?? "", errno: errno, hint: hint))
        default: return LaunchError(step, KernelError("child", command, value: "\(report.index)", errno: errno))
        }
    }

    private func cloneHint(_ errno: Errno, inCgroup: Bool) -> String? {
        switch errno {
        case .resourceBusy where inCgroup: "the cgroup has controllers enabled for its children, so no process may be in it"
        case .resourceTemporarilyUnavailable: "pids.max of the cgroup or RLIMIT_NPROC is reached"
        case .noSuchFileOrDirectory where inCgroup, .noDevice where inCgroup: "the cgroup was removed"
        default: user == nil ? nil : creationHint(errno)
        }
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
