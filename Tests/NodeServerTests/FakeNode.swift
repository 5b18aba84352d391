// SPDX-License-Identifier: Apache-2.0

import NodeModel
import NodeServer
import Synchronization

/// A node without a kernel: it answers what a test has put in.
final class FakeNode: NodeService {
    struct State {
        var pods: [PodStatus] = []
        var checks: [(name: String, failure: String?)] = [("ping", nil), ("log", nil), ("syncloop", nil)]
        var statistics = NodeStatistics(nodeName: "node-1", node: .init(at: Timestamp(seconds: 1_700_000_000)))
        var samples: [MetricSample] = []
        var log: [[UInt8]] = []
        /// A log that is followed goes on for as long as the test likes.
        var openLog: AsyncThrowingStream<[UInt8], any Error>?
        var logRequests: [LogRequest] = []
        var execRequests: [ExecRequest] = []
        var sessions: [FakeSession] = []
        /// How often a command was asked for that cannot be started.
        var refusals = 0
        var logDirectory: String?
        /// Whether whoever asks for pods waits for ever, or until nobody wants them any more.
        var isSlow = false
    }
    let state: Mutex<State>

    init(_ state: State = State()) { self.state = Mutex(state) }

    /// The commands that were started.
    var commands: [[String]] { state.withLock { $0.execRequests.map(\.command) } }

    var nodeName: String { "node-1" }
    var logDirectory: String? { state.withLock { $0.logDirectory } }
    func pods() async -> [PodStatus] {
        if state.withLock({ $0.isSlow }) { try? await Task.sleep(for: .seconds(3600)) }
        return state.withLock { $0.pods }
    }
    func checks() async -> [(name: String, failure: String?)] { state.withLock { $0.checks } }
    func configuration() async -> String { #"{"kubeletconfig":{"kind":"KubeletConfiguration"}}"# }
    func statistics() async -> NodeStatistics { state.withLock { $0.statistics } }
    func samples() async -> [MetricSample] { state.withLock { $0.samples } }

    func log(_ request: LogRequest) async throws(NodeServiceError) -> AsyncThrowingStream<[UInt8], any Error> {
        guard request.container.pod == "web" else { throw .notFound("there is no pod \(request.container.pod)") }
        return state.withLock { state in
            state.logRequests.append(request)
            if request.query.follows, let open = state.openLog { return open }
            let chunks = state.log
            return AsyncThrowingStream { continuation in
                for chunk in chunks { continuation.yield(chunk) }
                continuation.finish()
            }
        }
    }

    func execute(_ request: ExecRequest) async throws(NodeServiceError) -> any ExecSession {
        guard request.container.pod == "web" else { throw .notFound("there is no pod \(request.container.pod)") }
        guard request.container.container == "app" else {
            state.withLock { $0.refusals += 1 }
            throw .conflict("the container does not run")
        }
        let session = FakeSession(isEndless: request.command == ["yes"], takesInput: request.command != ["deaf"])
        state.withLock { state in
            state.execRequests.append(request)
            state.sessions.append(session)
        }
        return session
    }
}

/// A command that a test plays.
final class FakeSession: ExecSession {
    struct State {
        var input: [UInt8] = []
        var isInputClosed = false
        var sizes: [[UInt16]] = []
        var isCancelled = false
        var code: Int32 = 0
        var isSilent = false
    }
    let state = Mutex(State())
    let output: AsyncStream<ExecOutput>
    private let continuation: AsyncStream<ExecOutput>.Continuation

    /// How many pieces were taken from a command that has no end of them.
    let taken = Count()
    final class Count: Sendable {
        let pieces = Atomic(0)
    }

    private let takesInput: Bool

    init(isEndless: Bool = false, takesInput: Bool = true) {
        self.takesInput = takesInput
        let (stream, continuation) = AsyncStream<ExecOutput>.makeStream()
        self.continuation = continuation
        let piece = [UInt8](repeating: 65, count: 65_536)
        output =
            isEndless
            ? AsyncStream { [taken] in
                taken.pieces.add(1, ordering: .relaxed)
                return Task.isCancelled ? nil : .output(piece)
            } : stream
    }

    func says(_ output: ExecOutput) { continuation.yield(output) }
    func ends(_ code: Int32) {
        state.withLock { $0.code = code }
        continuation.finish()
    }

    func write(_ bytes: [UInt8]) async throws(NodeServiceError) {
        state.withLock { $0.input += bytes }
        if !takesInput { try? await Task.sleep(for: .seconds(3600)) }
    }
    func closeInput() async { state.withLock { $0.isInputClosed = true } }
    func resize(columns: UInt16, rows: UInt16) async { state.withLock { $0.sizes.append([columns, rows]) } }
    /// Says nothing more, and goes on.
    func closesOutput() {
        state.withLock { $0.isSilent = true }
        continuation.finish()
    }
    func exitCode() async -> Int32 {
        while state.withLock({ $0.isSilent && !$0.isCancelled }) { try? await Task.sleep(for: .milliseconds(1)) }
        return state.withLock { $0.code }
    }
    func cancel() async {
        state.withLock { $0.isCancelled = true }
        continuation.finish()
    }
}

extension PodStatus {
    /// A pod with one container.
    static func example(_ name: String, phase: PodPhase = .running) -> PodStatus {
        let container = NodeModel.Container(
            name: "app", image: "host", command: ["/bin/sleep"], args: ["9"],
            env: [EnvironmentVariable(name: "A", value: "\"quoted\"\n")],
            resources: ResourceRequirements(
                requests: ["cpu": Quantity(milli: 100), "memory": Quantity(64 << 20)], limits: [:]))
        var status = PodStatus(
            Pod(name: name, uid: "uid-\(name)", spec: PodSpec(containers: [container], hostUsers: false)))
        status.phase = phase
        status.startTime = Timestamp(sinceEpoch: .seconds(1_700_000_000) + .milliseconds(500))
        if phase == .running {
            status.isReady = true
            status.containers[0].state = .running(since: Timestamp(seconds: 1_700_000_001))
            status.containers[0].isReady = true
            status.containers[0].hasStarted = true
        } else {
            status.containers[0].state = .ended(at: Timestamp(seconds: 1_700_000_009), code: 3)
        }
        return status
    }
}
