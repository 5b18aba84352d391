// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
internal import Capabilities
internal import LinuxKernel
internal import SeccompFilters
internal import SystemPackage
internal import UserNamespaces

extension Launch {
    /// What the child reported, in words: the call, what it acted on, the usual cause.
    ///
    /// - Parameter mount: what is known of the entry that failed.
    func failure(_ report: bk_launch_report, mount: (Int, Errno) -> KernelError) -> LaunchError {
        failure(atStep: report.step, Int(report.index), Errno(rawValue: report.error), mount: mount)
    }

    func failure(
        atStep number: Int32, _ index: Int, _ errno: Errno, mount: (Int, Errno) -> KernelError
    ) -> LaunchError {
        guard let step = LaunchError.Step(number: number) else {
            return LaunchError(.clone, KernelError("step \(number)", command, errno: errno))
        }
        func failed(_ call: String, _ subject: String, _ hint: String? = nil) -> LaunchError {
            LaunchError(step, KernelError(call, subject, errno: errno, hint: hint))
        }
        /// The call of a step that has several.
        func one(of calls: String...) -> String { calls[min(max(index, 0), calls.count - 1)] }

        switch step {
        case .mount: return LaunchError(step, mount(index, errno))
        case .execute: return LaunchError(step, executeFailure(index, errno))
        case .directory: return failed("chdir", directory ?? "")
        case .keyring:
            return failed(
                "keyctl KEYCTL_JOIN_SESSION_KEYRING", command,
                "kernel.keys.maxkeys, of which those that have ended count for a while")
        case .hostName: return failed("sethostname", hostName ?? "")
        case .identity:
            return failed(
                one(of: "setgroups", "setresgid", "setresuid"), "0:0 of the user namespace",
                errno == .invalidArgument ? "id 0 is not in its map" : nil)
        case .user:
            return failed(
                one(of: "prctl PR_SET_KEEPCAPS", "setgroups", "setresgid", "setresuid"),
                identity.map { "\($0.uid):\($0.gid)" } ?? "", userHint(index, errno))
        case .pivotRoot:
            return failed(
                one(of: "mount MS_PRIVATE", "fchdir", "pivot_root", "umount2", "chdir"), "/",
                index == 2 && errno == .invalidArgument
                    ? "the caller's root is the initial ramfs, which cannot be left behind" : nil)
        case .terminal:
            return failed(
                one(
                    of: "open", "ioctl TIOCSPTLCK", "ioctl TIOCGPTPEER", "sendmsg", "ioctl TIOCSCTTY",
                    "ioctl TIOCSWINSZ"),
                "/dev/ptmx",
                index == 0 && errno == .noSuchFileOrDirectory ? "the root has no devpts at /dev/pts" : nil)
        case .capabilities, .boundingSet: return LaunchError(step, capabilityFailure(step, index, errno))
        case .cgroupNamespace:
            return failed("unshare CLONE_NEWCGROUP", command, creationHint(errno))
        case .loopback: return failed(one(of: "socket", "ioctl SIOCSIFFLAGS"), "lo")
        case .reaper:
            return failed(
                one(of: "clone3", "socketpair", "execveat"), "bulkhead-init",
                index == 2 ? Self.gateHint(errno) : spawnHint(errno))
        case .session: return failed("setsid", command)
        case .streams:
            return failed("dup3", ["standard input", "standard output", "standard error"][min(max(index, 0), 2)])
        case .descriptors:
            let number = passed.indices.contains(index) ? "descriptor \(passed[index].number)" : command
            return failed(
                "dup3", number, errno == .badFileDescriptor ? "RLIMIT_NOFILE of the caller is not above it" : nil)
        case .limits: return failed("prlimit", limits.indices.contains(index) ? "\(limits[index])" : command)
        case .noNewPrivileges: return failed("prctl PR_SET_NO_NEW_PRIVS", command)
        case .parentDeath: return failed("prctl PR_SET_PDEATHSIG", "signal 9 for \(command)")
        case .seccomp:
            return failed(
                "seccomp SECCOMP_SET_MODE_FILTER", "\(seccomp?.instructions.count ?? 0) instructions",
                errno == .permissionDenied
                    ? "takes no_new_privs, or CAP_SYS_ADMIN at the end among the capabilities" : nil)
        case .hold, .pause: return failed("sendmsg", "the caller's channel")
        case .plan, .prepare, .join, .clone, .cgroup, .maps, .oomScore, .niceness: return failed("clone3", command)
        }
    }

    private func userHint(_ index: Int, _ errno: Errno) -> String? {
        switch errno {
        case .invalidArgument: "the id is not in the user namespace's map"
        case .notPermitted where index == 1 && !mayMapFreely:
            "an ordinary user's namespace has setgroups denied (user_namespaces(7)): plan no groups"
        case .notPermitted: "takes CAP_SETUID and CAP_SETGID in the user namespace"
        default: nil
        }
    }

    private func capabilityFailure(_ step: LaunchError.Step, _ index: Int, _ errno: Errno) -> KernelError {
        let hint = errno == .notPermitted ? "the caller does not have what it would give" : nil
        let name = Capability(rawValue: UInt8(clamping: index)).map { "\($0)" } ?? "capability \(index)"
        switch (step, index) {
        case (.boundingSet, _):
            return KernelError(
                "prctl PR_CAPBSET_DROP", name, errno: errno,
                hint: errno == .notPermitted ? "takes CAP_SETPCAP in the user namespace" : nil)
        case (_, 64): return KernelError("prctl PR_CAP_AMBIENT_CLEAR_ALL", "the ambient set", errno: errno, hint: hint)
        case (_, 65):
            return KernelError(
                "capset", "the sets", value: capabilities.map { "\($0)" }, errno: errno, hint: hint)
        default: return KernelError("prctl PR_CAP_AMBIENT_RAISE", name, errno: errno, hint: hint)
        }
    }

    private func executeFailure(_ index: Int, _ errno: Errno) -> KernelError {
        if index < 0 { return KernelError("execveat", "bulkhead-gate", errno: errno, hint: Self.gateHint(errno)) }
        if let program {
            return KernelError(
                "execveat", program.name, errno: errno,
                hint: errno == .noSuchFileOrDirectory
                    ? "a script cannot be executed by descriptor, or the interpreter it names does not exist inside"
                    : nil)
        }
        let tried = candidates.indices.contains(index) ? candidates[index] : command
        let hint: String? =
            switch errno {
            case .noSuchFileOrDirectory where !command.contains("/"): "not found in PATH=\(searchPath)"
            case .noSuchFileOrDirectory: "the program, or the interpreter it names, does not exist inside"
            case .permissionDenied: "not executable for this user, or on a noexec mount"
            case .execFormatError: "no program format this kernel knows"
            case .resourceTemporarilyUnavailable: "the user is over RLIMIT_NPROC"
            default: nil
            }
        return KernelError("execve", errno == .noSuchFileOrDirectory ? command : tried, errno: errno, hint: hint)
    }

    /// A failure of clone3, or of joining before it.
    func cloneFailure(_ errno: Errno, _ placement: Placement, join: Int) -> LaunchError {
        if placement.joins.indices.contains(join) {
            let joined = placement.joins[join]
            let hint: String? =
                switch errno {
                case .notPermitted:
                    "takes CAP_SYS_ADMIN in the user namespace that owns it, and in the one that is joined with it"
                case .invalidArgument where joined.kind == .user: "the caller is in this user namespace already"
                case .invalidArgument: "the descriptor is of another kind, or of a namespace that cannot be joined"
                default: nil
                }
            return LaunchError(
                .join,
                KernelError("setns", joined.namespace.name, value: joined.kind.names, errno: errno, hint: hint))
        }
        let hint: String? =
            switch errno {
            case .resourceBusy where placement.cgroup >= 0:
                "the cgroup has controllers enabled for its children, so no process may be in it"
            case .noSuchFileOrDirectory where placement.cgroup >= 0, .noDevice where placement.cgroup >= 0:
                "the cgroup was removed"
            case .permissionDenied where placement.cgroup >= 0:
                "the caller may not write cgroup.procs there and in the common ancestor, or the cgroup is not a domain"
            default: spawnHint(errno) ?? (user == nil && namespaces.isEmpty ? nil : creationHint(errno))
            }
        return LaunchError(.clone, KernelError("clone3", command, errno: errno, hint: hint))
    }

    private func spawnHint(_ errno: Errno) -> String? {
        errno == .resourceTemporarilyUnavailable ? "pids.max of the cgroup or RLIMIT_NPROC is reached" : nil
    }
}
