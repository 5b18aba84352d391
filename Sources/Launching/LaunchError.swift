// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
public import LinuxKernel
internal import SystemPackage

/// A start that failed: at which step, and what the kernel said. Nothing of it is left.
public struct LaunchError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done, in the order in which it is done.
    public enum Step: String, Hashable, Sendable, CaseIterable {
        /// Looking at the plan, before anything is done.
        case plan = "start what was planned"
        /// Opening what the child needs: streams, volumes, the channel.
        case prepare = "prepare"
        /// Joining namespaces that exist.
        case join = "join a namespace"
        /// `clone3` of the child, into its namespaces and cgroup.
        case clone = "create the process"
        /// Moving the child into its cgroup, where it could not be born there.
        case cgroup = "move the process into its cgroup"
        /// Writing the ID maps of the new user namespace.
        case maps = "write the ID maps"
        /// The score by which the kernel chooses what to kill.
        case oomScore = "adjust the score of the out-of-memory killer"
        /// Niceness.
        case niceness = "set the niceness"
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
        /// Holding namespaces for others to join.
        case hold = "hold the namespaces"
        /// One mount of the new root.
        case mount = "mount"
        /// Changing the root.
        case pivotRoot = "change the root"
        /// The init process of the pid namespace.
        case reaper = "start the init process"
        /// The pseudo-terminal.
        case terminal = "open a terminal"
        /// The session.
        case session = "start a session"
        /// Standard input, output, error.
        case streams = "connect standard input, output and error"
        /// Descriptors that are passed on.
        case descriptors = "pass a descriptor on"
        /// Resource limits: raised by the caller, set by the child.
        case limits = "set a resource limit"
        /// The bounding set.
        case boundingSet = "drop what is not in the bounding set"
        /// Groups, gid, uid.
        case user = "change to the user"
        /// The working directory.
        case directory = "change to the working directory"
        /// The other capability sets.
        case capabilities = "set the capabilities"
        /// `PR_SET_NO_NEW_PRIVS`.
        case noNewPrivileges = "refuse new privileges"
        /// `PR_SET_PDEATHSIG`.
        case parentDeath = "tie the process to its parent"
        /// Waiting to be started.
        case pause = "wait for the start"
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
    /// The steps that C knows, by their number in `enum bk_launch_step`.
    private static let numbered: [(number: bk_launch_step, step: LaunchError.Step)] = [
        (BK_STEP_JOIN, .join), (BK_STEP_CLONE, .clone), (BK_STEP_KEYRING, .keyring), (BK_STEP_IDENTITY, .identity),
        (BK_STEP_CGROUP_NAMESPACE, .cgroupNamespace), (BK_STEP_HOST_NAME, .hostName), (BK_STEP_LOOPBACK, .loopback),
        (BK_STEP_HOLD, .hold), (BK_STEP_MOUNT, .mount), (BK_STEP_PIVOT_ROOT, .pivotRoot), (BK_STEP_REAPER, .reaper),
        (BK_STEP_TERMINAL, .terminal), (BK_STEP_SESSION, .session), (BK_STEP_STREAMS, .streams),
        (BK_STEP_DESCRIPTORS, .descriptors), (BK_STEP_LIMITS, .limits), (BK_STEP_BOUNDING, .boundingSet),
        (BK_STEP_USER, .user), (BK_STEP_DIRECTORY, .directory), (BK_STEP_CAPABILITIES, .capabilities),
        (BK_STEP_NO_NEW_PRIVILEGES, .noNewPrivileges), (BK_STEP_PARENT_DEATH, .parentDeath), (BK_STEP_PAUSE, .pause),
        (BK_STEP_SECCOMP, .seccomp), (BK_STEP_EXECUTE, .execute),
    ]

    /// The step of the child by its number.
    init?(number: Int32) {
        guard let entry = Self.numbered.first(where: { Int32($0.number.rawValue) == number }) else { return nil }
        self = entry.step
    }

    /// The number of a step that the child does; nil for one of the caller's.
    var number: Int32? { Self.numbered.first { $0.step == self }.map { Int32($0.number.rawValue) } }
}
