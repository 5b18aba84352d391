// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
public import LinuxKernel
internal import SystemPackage

/// A start that failed: at which step, and what the kernel said. Nothing of it is left.
public struct LaunchError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done, in the order in which it is done.
    public enum Step: String, Hashable, Sendable {
        /// Opening what the child needs: streams, volumes, the channel.
        case prepare = "prepare"
        /// `clone3` of the child, into its namespaces and cgroup.
        case clone = "create the process"
        /// Joining namespaces that exist.
        case join = "join a namespace"
        /// Writing the ID maps of the new user namespace.
        case maps = "write the ID maps"
        /// A new session keyring, so that the caller's keys are not the command's (keyrings(7)).
        case keyring = "leave the session keyring"
        /// Becoming id 0 inside.
        case identity = "become root of the user namespace"
        /// A new cgroup namespace.
        case cgroupNamespace = "enter a new cgroup namespace"
        /// The host name.
        case hostName = "set the host name"
        /// The loopback interface.
        case loopback = "bring the loopback interface up"
        /// One mount of the new root.
        case mount = "mount"
        /// Changing the root.
        case pivotRoot = "change the root"
        /// The pseudo-terminal.
        case terminal = "open a terminal"
        /// The init process of the pid namespace.
        case reaper = "start the init process"
        /// The session.
        case session = "start a session"
        /// The working directory.
        case directory = "change to the working directory"
        /// Standard input, output, error.
        case streams = "connect standard input, output and error"
        /// The capability sets.
        case capabilities = "set the capabilities"
        /// Groups, gid, uid.
        case user = "change to the user"
        /// `PR_SET_NO_NEW_PRIVS`.
        case noNewPrivileges = "refuse new privileges"
        /// `PR_SET_PDEATHSIG`.
        case parentDeath = "tie the process to its parent"
        /// The system call filter.
        case seccomp = "install the system call filter"
        /// `execve`.
        case execute = "execute"
    }

    /// Where it failed.
    public var step: Step
    /// The call, what it acted on and the kernel's answer.
    public var failure: KernelError

    /// Whether the command was not found, or could not be executed: what a shell answers with 127 or 126.
    public var isCommandNotFound: Bool { step == .execute && failure.errno == .noSuchFileOrDirectory }

    init(_ step: Step, _ failure: KernelError) {
        self.step = step
        self.failure = failure
    }

    /// What could not be done, and why.
    public var description: String { "cannot \(step.rawValue): \(failure)" }
}

extension LaunchError.Step {
    /// The step of the child by its number in `enum bk_launch_step`.
    init(number: Int32) {
        switch UInt32(bitPattern: number) {
        case BK_STEP_JOIN.rawValue: self = .join
        case BK_STEP_KEYRING.rawValue: self = .keyring
        case BK_STEP_IDENTITY.rawValue: self = .identity
        case BK_STEP_CGROUP_NAMESPACE.rawValue: self = .cgroupNamespace
        case BK_STEP_HOST_NAME.rawValue: self = .hostName
        case BK_STEP_LOOPBACK.rawValue: self = .loopback
        case BK_STEP_MOUNT.rawValue: self = .mount
        case BK_STEP_PIVOT_ROOT.rawValue: self = .pivotRoot
        case BK_STEP_TERMINAL.rawValue: self = .terminal
        case BK_STEP_REAPER.rawValue: self = .reaper
        case BK_STEP_SESSION.rawValue: self = .session
        case BK_STEP_DIRECTORY.rawValue: self = .directory
        case BK_STEP_STREAMS.rawValue: self = .streams
        case BK_STEP_CAPABILITIES.rawValue: self = .capabilities
        case BK_STEP_USER.rawValue: self = .user
        case BK_STEP_NO_NEW_PRIVILEGES.rawValue: self = .noNewPrivileges
        case BK_STEP_PARENT_DEATH.rawValue: self = .parentDeath
        case BK_STEP_SECCOMP.rawValue: self = .seccomp
        case BK_STEP_EXECUTE.rawValue: self = .execute
        default: self = .clone
        }
    }
}
