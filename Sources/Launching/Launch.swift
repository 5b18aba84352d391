// SPDX-License-Identifier: Apache-2.0

public import Capabilities
public import LinuxKernel
public import NodeModel
public import SeccompFilters
package import SystemPackage

/// What to start, and in what isolation: a plan that prints, compares and touches nothing until `start`.
///
/// Printed, it lists what will be done, in order (``steps``).
public struct Launch: Hashable, Sendable {
    /// The program: a path, or a name that is looked up in `PATH` of `environment`, as inside the new root.
    public var command: String
    /// The program by its descriptor (`execveat`, since Linux 3.19); `command` is then only its name. Of a script the
    /// interpreter cannot open it, for it is closed by then: the kernel answers ENOENT.
    public var program: SharedDescriptor?
    /// What follows the program's name.
    public var arguments: [String]
    /// The whole environment; nothing of the caller's is inherited.
    public var environment: [String: String] = ["PATH": Launch.defaultPath]
    /// The working directory, in the new root; nil keeps the caller's, or `/` when the root changes.
    public var directory: String?

    /// The map of a new user namespace; nil stays in the caller's.
    public var user: IDMap?
    /// Further new namespaces.
    public var namespaces: NamespaceKinds = []
    /// Namespaces that exist, which the command is born in. A user namespace among them gives it its ids.
    public var joins: [JoinedNamespace] = []
    /// The new root, built in a new mount namespace; nil keeps the caller's.
    public var root: RootFileSystem?
    /// What is mounted into the new root, in this order.
    public var volumes: [HostVolume] = []
    /// The host name, with a new UTS namespace.
    public var hostName: String?
    /// Brings the loopback interface up, with a new network namespace.
    public var loopback = true

    /// The user and groups of the command, inside its user namespace; nil keeps what the namespace gives: root in a new
    /// user namespace, the caller's ids otherwise.
    public var identity: Identity?
    /// The capabilities of the command: its permitted, effective and bounding sets. Nil keeps what the kernel gives.
    public var capabilities: CapabilitySet?
    /// Capabilities that survive the exec of a command that does not run as root (the ambient set, since Linux 4.3).
    public var ambientCapabilities: CapabilitySet = []
    /// Whether set-user-ID bits and file capabilities are without effect (`PR_SET_NO_NEW_PRIVS`, since Linux 3.5).
    public var noNewPrivileges = true
    /// The effective set where it is not the permitted one. Needs `capabilities`, as the two below.
    public var effectiveCapabilities: CapabilitySet?
    /// The inheritable set where it is not the ambient one.
    public var inheritableCapabilities: CapabilitySet?
    /// The bounding set where it is not the permitted one.
    public var boundingCapabilities: CapabilitySet?
    /// The system call filter.
    public var seccomp: CompiledFilter?

    /// Standard input, output and error.
    public var streams = Streams()
    /// Further descriptors, by the number that the command has them at: 3 and above. Everything else of the caller's is
    /// closed.
    public var descriptors: [Int32: SharedDescriptor] = [:]
    /// Gives the command a pseudo-terminal of the new root's devpts instead of `streams`.
    public var terminal = false
    /// The size of that terminal from the start; nil leaves it at zero, which is unknown.
    public var terminalSize: TerminalSize?
    /// Limits of the command; what is not named stays as the caller has it.
    public var limits: [ResourceLimit] = []
    /// The permission bits that new files do not get (`umask`); nil keeps the caller's, or 022 when the root changes.
    public var fileModeMask: UInt32?
    /// How much the scheduler prefers others, -20 to 19 (`setpriority`).
    public var niceness: Int?
    /// How soon it is killed when memory runs out, -1000 to 1000 (`oom_score_adj`). Such a command starts with a copy of
    /// the caller's memory, for the kernel keeps one value for all that share some.
    public var oomScoreAdjustment: Int?
    /// Keeps a small process as init of the new pid namespace, which forwards signals and reaps orphans. Its memory is
    /// a copy of the caller's, so a caller of many gigabytes should do without; a command that has the ids of the caller's
    /// program has an init with a memory of its own.
    public var reaper = false
    /// A file in which the init of a ``reaper`` writes how the command ended (`ExitStatus(outcome:)`), open for writing
    /// and empty: so that it is known also to whoever comes after the caller. Such an init lives on without the caller, for it
    /// has a memory and a session of its own: no signal of the caller's terminal reaches it.
    public var outcome: SharedDescriptor?
    /// Kills the command when the calling *thread* ends (`PR_SET_PDEATHSIG`), which it does with its process. Start from a
    /// thread that lasts: the threads of the concurrency pool do, in practice, but nobody promises it.
    public var endsWithCaller = false

    /// A step that fails instead of being done.
    package var forced: ForcedFailure?

    /// Where commands are looked up when the environment does not say.
    public static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Plans the start of a command.
    public init(_ command: String, arguments: [String] = []) {
        self.command = command
        self.arguments = arguments
    }
}

/// Who a command runs as, by ids inside its user namespace.
public struct Identity: Hashable, Sendable {
    /// The user id.
    public var uid: UInt32
    /// The group id.
    public var gid: UInt32
    /// Supplementary groups.
    public var groups: [UInt32]

    /// A user, group and supplementary groups.
    public init(uid: UInt32, gid: UInt32, groups: [UInt32] = []) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }

    /// Root inside the namespace, without supplementary groups.
    public static let root = Identity(uid: 0, gid: 0)
}

/// Where a command's standard streams lead.
public struct Streams: Hashable, Sendable {
    /// One stream.
    public enum Stream: Hashable, Sendable {
        /// The caller's own; `/dev/null` where the caller's is closed.
        case inherited
        /// `/dev/null`.
        case null
        /// A descriptor of the caller's, which stays open there.
        case shared(SharedDescriptor)
    }

    /// Standard input.
    public var input = Stream.inherited
    /// Standard output.
    public var output = Stream.inherited
    /// Standard error.
    public var error = Stream.inherited

    /// The caller's own streams.
    public init(input: Stream = .inherited, output: Stream = .inherited, error: Stream = .inherited) {
        self.input = input
        self.output = output
        self.error = error
    }
}

/// Columns and rows of a terminal.
public struct TerminalSize: Hashable, Sendable {
    /// How many characters wide.
    public var columns: UInt16
    /// How many lines high.
    public var rows: UInt16

    /// A size.
    public init(columns: UInt16, rows: UInt16) {
        self.columns = columns
        self.rows = rows
    }
}

/// A step that tests let fail, and with what.
package struct ForcedFailure: Hashable, Sendable {
    package var step: LaunchError.Step
    package var errno: Errno

    package init(_ step: LaunchError.Step, _ errno: Errno) {
        self.step = step
        self.errno = errno
    }
}
