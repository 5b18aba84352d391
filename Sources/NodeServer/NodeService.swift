// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// What a node's server serves: the agent, or a test's.
public protocol NodeService: Sendable {
    /// The name of the node, as policies name it.
    var nodeName: String { get }
    /// All pods of the node.
    func pods() async -> [PodStatus]
    /// The checks behind `/healthz`, by name (`ping`, `log`, `syncloop`): nil when it is well, else why not.
    func checks() async -> [(name: String, failure: String?)]
    /// The configuration in force, as a JSON object's text: `{"kubeletconfig": …}`.
    func configuration() async -> String
    /// What is in use, for `/stats/summary`.
    func statistics() async -> NodeStatistics
    /// Numbers that are read when they are asked for.
    func samples() async -> [MetricSample]
    /// A container's log, as it is and as it grows.
    func log(_ request: LogRequest) async throws(NodeServiceError) -> AsyncThrowingStream<[UInt8], any Error>
    /// Starts a command in a running container.
    func execute(_ request: ExecRequest) async throws(NodeServiceError) -> any ExecSession
    /// The folder that `/logs/` shows; nil for none.
    var logDirectory: String? { get }
}

/// Which container.
public struct ContainerReference: Hashable, Sendable {
    /// The pod's namespace.
    public var namespace: String
    /// The pod's name.
    public var pod: String
    /// The pod's uid: a later pod of the same name is not meant. Nil for whichever has the name.
    public var uid: String?
    /// The container's name.
    public var container: String

    /// A container.
    public init(namespace: String, pod: String, uid: String? = nil, container: String) {
        self.namespace = namespace
        self.pod = pod
        self.uid = uid
        self.container = container
    }
}

/// What of a log.
public struct LogRequest: Hashable, Sendable {
    /// Whose.
    public var container: ContainerReference
    /// What of it.
    public var query: LogQuery

    /// All of a log, or a part.
    public init(_ container: ContainerReference, _ query: LogQuery = LogQuery()) {
        self.container = container
        self.query = query
    }
}

/// A command to start in a container.
public struct ExecRequest: Hashable, Sendable {
    /// Where.
    public var container: ContainerReference
    /// The command and its arguments, not empty.
    public var command: [String]
    /// Which streams the client has.
    public var input = false, output = true, error = true
    /// On a terminal of its own.
    public var terminal = false

    /// A command.
    public init(_ container: ContainerReference, _ command: [String]) {
        self.container = container
        self.command = command
    }
}

/// A command that runs in a container for a client. It is killed when the value is cancelled.
public protocol ExecSession: Sendable {
    /// What it writes, as it comes; ends when it has closed its streams.
    var output: AsyncStream<ExecOutput> { get }
    /// Gives it input; waits while it reads none.
    func write(_ bytes: [UInt8]) async throws(NodeServiceError)
    /// Ends its input.
    func closeInput() async
    /// The client's terminal has another size.
    func resize(columns: UInt16, rows: UInt16) async
    /// Its exit code, when it has ended.
    func exitCode() async -> Int32
    /// Kills it.
    func cancel() async
}

/// What a command wrote.
public enum ExecOutput: Hashable, Sendable {
    /// On standard output, or a terminal.
    case output([UInt8])
    /// On standard error.
    case error([UInt8])
}

/// Why a client gets nothing.
public enum NodeServiceError: Error, Hashable, Sendable {
    /// There is no such pod or container: 404.
    case notFound(String)
    /// It cannot be done now, as the container does not run: 409.
    case conflict(String)
    /// It cannot be done at all: 400.
    case invalid(String)
    /// Something failed here: 500.
    case failed(String)
}
