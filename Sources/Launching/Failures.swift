// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
internal import LinuxKernel
internal import SystemPackage
internal import UserNamespaces

extension Launch {
    /// What the child reported, in words.
    func failure(_ report: bk_launch_report, _ prepared: borrowing Preparation) -> LaunchError {
        let step = LaunchError.Step(number: report.step)
        let errno = Errno(rawValue: report.error)
        let index = Int(report.index)
        switch step {
        case .mount: return LaunchError(step, prepared.mounts.failure(at: index, errno))
        case .execute: return LaunchError(step, executeFailure(index, errno))
        case .keyring:
            return LaunchError(
                step,
                KernelError(
                    "keyctl KEYCTL_JOIN_SESSION_KEYRING", command, errno: errno,
                    hint: "kernel.keys.maxkeys, of which those that have ended count for a while"))
        case .directory: return LaunchError(step, KernelError("chdir", directory ?? "", errno: errno))
        case .hostName: return LaunchError(step, KernelError("sethostname", hostName ?? "", errno: errno))
        case .user:
            let calls = ["prctl PR_SET_KEEPCAPS", "setgroups", "setresgid", "setresuid"]
            return LaunchError(
                step,
                KernelError(
                    calls[min(max(index, 0), 3)], identity.map { "\($0.uid):\($0.gid)" } ?? "", errno: errno,
                    hint: errno == .invalidArgument ? "the id is not in the user namespace's map" : nil))
        case .pivotRoot:
            let calls = ["mount MS_PRIVATE", "fchdir", "pivot_root", "umount2", "chdir"]
            return LaunchError(
                step,
                KernelError(
                    calls[min(max(index, 0), 4)], "/", errno: errno,
                    hint: index == 2 && errno == .invalidArgument
                        ? "the caller's root is the initial ramfs, which cannot be left behind" : nil))
        case .terminal:
            let calls = ["open", "ioctl TIOCSPTLCK", "ioctl TIOCGPTPEER", "sendmsg", "ioctl TIOCSCTTY"]
            return LaunchError(step, KernelError(calls[min(max(index, 0), 4)], "/dev/ptmx", errno: errno))
        case .capabilities:
            let subject = index < 64 ? "capability \(index)" : index == 64 ? "the ambient set" : "the sets"
            return LaunchError(
                step,
                KernelError(
                    index == 65 ? "capset" : "prctl", subject, errno: errno,
                    hint: errno == .notPermitted ? "the caller does not have what it would give" : nil))
        default: return LaunchError(step, KernelError("child of", command, value: "\(index)", errno: errno))
        }
    }

    private func executeFailure(_ index: Int, _ errno: Errno) -> KernelError {
        let tried = candidates.indices.contains(index) ? candidates[index] : command
        let hint: String? =
            switch errno {
            case .noSuchFileOrDirectory where !command.contains("/"): "not found in PATH=\(searchPath)"
            case .noSuchFileOrDirectory: "the program, or the interpreter it names, does not exist inside"
            case .permissionDenied: "not executable for this user, or on a noexec mount"
            case .execFormatError: "no program format this kernel knows"
            default: nil
            }
        return KernelError("execve", errno == .noSuchFileOrDirectory ? command : tried, errno: errno, hint: hint)
    }

    /// A failure of clone3, or of joining before it.
    func cloneFailure(_ errno: Errno, _ placement: Placement, join: Int) -> LaunchError {
        if join >= 0 {
            return LaunchError(.join, KernelError("setns", "namespace \(join)", errno: errno))
        }
        let hint: String? =
            switch errno {
            case .resourceBusy where placement.cgroup >= 0:
                "the cgroup has controllers enabled for its children, so no process may be in it"
            case .resourceTemporarilyUnavailable: "pids.max of the cgroup or RLIMIT_NPROC is reached"
            case .noSuchFileOrDirectory where placement.cgroup >= 0, .noDevice where placement.cgroup >= 0:
                "the cgroup was removed"
            default: user == nil ? nil : creationHint(errno)
            }
        return LaunchError(.clone, KernelError("clone3", command, errno: errno, hint: hint))
    }
}
