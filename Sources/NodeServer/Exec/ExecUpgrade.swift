// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOWebSocket
internal import NodeModel
internal import Synchronization

/// The way of one connection from its first request to a command that runs. Who asks is let in before the upgrade is
/// accepted, and the command is started before, too: what fails is an HTTP answer.
final class ExecUpgrade: Sendable {
    private enum State {
        case none
        /// The first request, which asks for an upgrade.
        case asked(HTTPRequestHead)
        /// The same, and why there is none.
        case refused(HTTPRequestHead, Refusal)
        case started(any ExecSession, ExecProtocol)
        /// The connection is over: what starts now has no client.
        case over
    }
    private let state = Mutex(State.none)
    private let responder: NodeResponder

    init(_ responder: NodeResponder) { self.responder = responder }

    /// What NIO asks when the first request wants to become a WebSocket.
    func upgrader(_ limits: ServerLimits) -> NIOTypedWebSocketServerUpgrader<NodeChannel.Conversation> {
        NIOTypedWebSocketServerUpgrader(
            maxFrameSize: limits.messageBytes,
            shouldUpgrade: { [self] channel, head in
                channel.eventLoop.makeFutureWithTask { await self.headers(for: head, on: channel) }
            },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    NodeChannel.Conversation.webSocket(try NIOAsyncChannel(wrappingChannelSynchronously: channel))
                }
            })
    }

    /// The answer's headers, or nil when there is no upgrade; the reason is kept for whoever answers then.
    private func headers(for head: HTTPRequestHead, on channel: any Channel) async -> HTTPHeaders? {
        // NIO asks for each entry of the header: the first decides.
        guard state.withLock({ if case .asked = $0 { true } else { false } }) else { return nil }
        do throws(Refusal) {
            let (session, version) = try await start(head, on: channel)
            let isOver = state.withLock { state in
                if case .over = state { return true }
                state = .started(session, version)
                return false
            }
            if isOver { await session.cancel() }
            return isOver ? nil : ["sec-websocket-protocol": version.rawValue]
        } catch {
            state.withLock { if case .asked = $0 { $0 = .refused(head, error) } }
            return nil
        }
    }

    /// The gate sees the first request before anybody else. NIO does not pass it on when it asks for an upgrade that there is
    /// none to.
    func sees(_ head: HTTPRequestHead) {
        if head.headers.contains(name: "upgrade") { state.withLock { $0 = .asked(head) } }
    }

    private func start(
        _ head: HTTPRequestHead, on channel: any Channel
    ) async throws(Refusal) -> (any ExecSession, ExecProtocol) {
        let admission = try responder.gate.admit(head, certificate: try await responder.certificate(of: channel))
        guard case .exec(let container) = NodeRoute(admission.request.path) else {
            throw .badRequest("\(admission.request.path) does not become a WebSocket")
        }
        // The verb is what the policy was asked about. Were it anything else, nobody would have allowed a command.
        guard admission.request.verb == "create" else { throw .forbidden("exec needs the verb create") }
        guard head.method == .GET else { throw .methodNotAllowed(head.method.rawValue) }
        try Self.checkOrigin(head.headers)
        let offered = head.headers[canonicalForm: "sec-websocket-protocol"]
        guard let version = ExecProtocol(offered: offered) else {
            throw .badRequest("exec speaks v5.channel.k8s.io and v4.channel.k8s.io; name one in Sec-WebSocket-Protocol")
        }
        let request = try ExecRequest(container, RequestQuery(head.uri))
        responder.gate.logger.info(
            "exec",
            metadata: [
                "user": "\(admission.account.name)", "namespace": "\(container.namespace)", "pod": "\(container.pod)",
                "container": "\(container.container)",
            ])
        do throws(NodeServiceError) { return (try await responder.service.execute(request), version) } catch {
            throw Refusal(error)
        }
    }

    /// A page of another site that a browser shows must not use the certificate that the browser has.
    private static func checkOrigin(_ headers: HTTPHeaders) throws(Refusal) {
        guard let origin = headers["origin"].first else { return }
        let host = headers["host"].first ?? ""
        guard origin == "https://\(host)" || origin == "http://\(host)" else {
            throw .forbidden("the request comes from a page of \(origin)")
        }
    }

    /// The first request, when it asked for an upgrade and is to be answered like any other; why it got none stays for
    /// ``takeRefusal()``.
    func takeRefused() -> HTTPRequestHead? {
        state.withLock { state in
            switch state {
            case .asked(let head):
                state = .none
                return head
            case .refused(let head, _): return head
            default: return nil
            }
        }
    }

    /// Why the first request got no upgrade, once.
    func takeRefusal() -> Refusal? {
        state.withLock { state in
            guard case .refused(_, let refusal) = state else { return nil }
            state = .none
            return refusal
        }
    }

    /// Serves the command that was started.
    func run(
        _ channel: NIOAsyncChannel<WebSocketFrame, WebSocketFrame>, _ limits: ServerLimits, _ logger: Logger
    ) async {
        guard let (session, version) = takeSession() else { return }
        let start = ContinuousClock.now
        responder.metrics.began()
        defer {
            responder.metrics.answered(
                method: "GET", endpoint: "exec", code: 101, isLongRunning: true, in: .now - start)
        }
        await ExecConnection(session: session, version: version, limits: limits, logger: logger).run(channel)
    }

    /// The connection is over: a command that nobody serves is killed.
    func abandon() async {
        let session = takeSession()?.0
        state.withLock { $0 = .over }
        await session?.cancel()
    }

    private func takeSession() -> (any ExecSession, ExecProtocol)? {
        state.withLock { state in
            guard case .started(let session, let version) = state else { return nil }
            state = .none
            return (session, version)
        }
    }
}

extension ExecRequest {
    /// Reads the options of exec, by the names of the kubelet or of the API.
    init(_ container: ContainerReference, _ query: RequestQuery) throws(Refusal) {
        self.init(container, query.values("command"))
        guard let program = command.first, !program.isEmpty else { throw .badRequest("no command is given") }
        input = try query.flag("input", "stdin")
        output = try query.flag("output", "stdout")
        error = try query.flag("error", "stderr")
        terminal = try query.flag("tty")
        guard input || output || error else { throw .badRequest("none of input, output and error is asked for") }
        // A terminal has one stream for both.
        if terminal { error = false }
    }
}
