// SPDX-License-Identifier: Apache-2.0

internal import NodeAgent
internal import NodeModel
internal import NodeServer

/// A command in a container, as the server's client has it.
struct AgentSession: ExecSession {
    private let execution: ContainerExecution
    let output: AsyncStream<ExecOutput>

    /// - Parameters:
    ///   - execution: the command.
    ///   - request: which of its streams the client wants; what else it writes is dropped.
    init(_ execution: ContainerExecution, _ request: ExecRequest) {
        self.execution = execution
        // Asked for piece by piece: a client that reads nothing lets the command wait.
        output = AsyncStream { [iterator = Pieces(execution)] in
            while let piece = await iterator.next() {
                switch piece {
                case .output where request.output, .error where request.error: return piece
                default: continue
                }
            }
            return nil
        }
    }

    /// The one reader of an execution's output.
    private actor Pieces {
        private let execution: ContainerExecution
        private var iterator: AsyncStream<ExecutionOutput>.Iterator?

        init(_ execution: ContainerExecution) { self.execution = execution }

        func next() async -> ExecOutput? {
            var next = iterator ?? execution.output.makeAsyncIterator()
            let piece = await next.next(isolation: self)
            iterator = next
            return switch piece {
            case .output(let bytes)?: .output(bytes)
            case .error(let bytes)?: .error(bytes)
            case nil: nil
            }
        }
    }

    func write(_ bytes: [UInt8]) async throws(NodeServiceError) {
        do { try await execution.write(bytes) } catch { throw .failed("\(error)") }
    }
    func closeInput() async { await execution.closeInput() }
    func resize(columns: UInt16, rows: UInt16) async { await execution.resize(columns: columns, rows: rows) }
    func exitCode() async -> Int32 { await execution.exitCode() }
    func cancel() async { await execution.cancel() }
}

extension AgentService {
    func execute(_ request: ExecRequest) async throws(NodeServiceError) -> any ExecSession {
        let uid = try await running(request.container)
        do {
            let execution = try await runtime.execute(
                request.command, in: request.container.container, ofPod: uid, input: request.input,
                terminal: request.terminal)
            return AgentSession(execution, request)
        } catch { throw .failed("\(error)") }
    }

    /// The pod whose container this is, which has to run.
    private func running(_ reference: ContainerReference) async throws(NodeServiceError) -> String {
        let (status, container) = try await find(reference)
        switch container.state {
        case .running, .stopping: return status.pod.uid
        case .waiting, .ended:
            throw .conflict(
                "container \(reference.container) of pod \(reference.namespace)/\(reference.pod) does not run")
        }
    }

    /// A pod and its container.
    func find(_ reference: ContainerReference) async throws(NodeServiceError) -> (PodStatus, PodStatus.Container) {
        let statuses = await agent.statuses()
        guard
            let status = statuses.first(where: {
                $0.pod.namespace == reference.namespace && $0.pod.name == reference.pod
                    && $0.pod.uid == reference.uid ?? $0.pod.uid
            })
        else {
            let uid = reference.uid.map { " with the uid \($0)" } ?? ""
            throw .notFound("there is no pod \(reference.namespace)/\(reference.pod)\(uid)")
        }
        guard
            let container = (status.initContainers + status.containers).first(where: { $0.name == reference.container })
        else {
            throw .notFound(
                "pod \(reference.namespace)/\(reference.pod) has no container \(reference.container)")
        }
        return (status, container)
    }
}
