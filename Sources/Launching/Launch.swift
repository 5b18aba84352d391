// SPDX-License-Identifier: Apache-2.0

public import Capabilities
public import LinuxKernel
public import NodeModel
public import SeccompFilters

/// What to start, and in what isolation: a plan that prints, compares and touches nothing until `start`.
public struct Launch: Hashable, Sendable {
    /// The program: a path, or a name that is looked up in `PATH` of `environment`, as inside the new root.
    public var command: String
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
    /// The system call filter.
    public var seccomp: CompiledFilter?

    /// Standard input, output and error.
    public var streams = Streams()
    /// Gives the command a pseudo-terminal of the new root's devpts instead of `streams`.
    public var terminal = false
    /// Keeps a small process as init of the new pid namespace, which forwards signals and reaps orphans. Its memory is
    /// a copy of the caller's, so a caller of many gigabytes should do without.
    public var reaper = false
    /// Kills the command when the calling *thread* ends (`PR_SET_PDEATHSIG`).
    public var endsWithCaller = false

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

/// A descriptor that several values refer to; closed with the last of them.
public final class SharedDescriptor: Hashable, Sendable {
    let descriptor: Descriptor

    /// Takes the descriptor.
    public init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Whether both are the same open descriptor.
    public static func == (one: SharedDescriptor, other: SharedDescriptor) -> Bool { one === other }
    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
