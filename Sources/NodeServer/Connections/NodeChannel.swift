// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOSSL
internal import NIOWebSocket
internal import Synchronization

/// How a connection is set up and served. Hummingbird accepts it and ends it with the server.
struct NodeChannel: ServerChildChannel {
    /// A request after another, or one that became a WebSocket.
    enum Conversation: Sendable {
        case http(NIOAsyncChannel<HTTPServerRequestPart, HTTPResponsePart>)
        case webSocket(NIOAsyncChannel<WebSocketFrame, WebSocketFrame>)
    }
    /// A connection.
    struct Value: ServerChildChannelValue {
        let channel: any Channel
        /// Nil when there are too many.
        let negotiation: (result: EventLoopFuture<Conversation>, upgrade: ExecUpgrade)?
    }

    let responder: NodeResponder
    let limits: ServerLimits
    let rules: AccessRules
    let connections: ConnectionCount

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let peer = ConnectionCount.peer(channel.remoteAddress?.ipAddress ?? "unknown")
        guard connections.enter(peer) else {
            return channel.eventLoop.makeSucceededFuture(Value(channel: channel, negotiation: nil))
        }
        channel.closeFuture.whenComplete { [connections] _ in connections.leave(peer) }
        let value: EventLoopFuture<Value> = channel.eventLoop.makeCompletedFuture {
            try Self.noticeDeadPeers(channel)
            let pipeline = channel.pipeline.syncOperations
            if let tls = rules.current.tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
            var decoding = NIOHTTPDecoderLimitConfiguration()
            decoding.maxHeaderListSize = limits.headerBytes
            decoding.maxHeaderFieldSize = limits.headerBytes
            decoding.maxHeaderFieldCount = limits.headerCount
            let encoder = HTTPResponseEncoder()
            let decoder = ByteToMessageHandler(
                HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: decoding),
                // What a client sends before it knows whether there is an upgrade waits here.
                maximumBufferSize: limits.headerBytes + limits.bodyBytes)
            let upgrade = ExecUpgrade(responder)
            let gate = RequestGate(limits, metrics: responder.metrics, upgrade: upgrade)
            let upgrading = NIOTypedHTTPServerUpgradeHandler<Conversation>(
                httpEncoder: encoder, extraHTTPHandlers: [decoder, gate],
                upgradeConfiguration: NIOTypedHTTPServerUpgradeConfiguration(
                    upgraders: [upgrade.upgrader(limits)], notUpgradingCompletionHandler: Self.plain))
            try pipeline.addHandlers([encoder, decoder, gate, upgrading])
            return Value(channel: channel, negotiation: (upgrading.upgradeResultFuture, upgrade))
        }
        // Nobody else would close what could not be set up.
        value.whenFailure { _ in channel.close(promise: nil) }
        return value
    }

    /// A follower of a quiet log whose machine is gone would never be missed.
    private static func noticeDeadPeers(_ channel: any Channel) throws {
        guard let options = channel.syncOptions, channel.remoteAddress?.ipAddress != nil else { return }
        try options.setOption(.socketOption(.so_keepalive), value: 1)
        // TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT in seconds, TCP_USER_TIMEOUT in milliseconds.
        for (option, value): (CInt, Int) in [(4, 60), (5, 15), (6, 4), (18, 120_000)] {
            try options.setOption(.tcpOption(.init(rawValue: option)), value: value)
        }
    }

    private static func plain(_ channel: any Channel) -> EventLoopFuture<Conversation> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(AnswerCodec())
            return .http(
                try NIOAsyncChannel(
                    wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true)))
        }
    }

    func handle(value: Value, logger: Logger) async {
        guard let (result, upgrade) = value.negotiation else {
            value.channel.close(promise: nil)
            return
        }
        await withTaskCancellationHandler {
            do {
                switch try await result.get() {
                case .http(let channel): try await serve(channel, upgrade)
                case .webSocket(let channel): await upgrade.run(channel, limits, logger)
                }
            } catch {
                logger.trace("connection ended", metadata: ["error": "\(error)"])
            }
            await upgrade.abandon()
            value.channel.close(promise: nil)
        } onCancel: {
            value.channel.close(promise: nil)
        }
    }

    /// Answers one request after another.
    private func serve(
        _ channel: NIOAsyncChannel<HTTPServerRequestPart, HTTPResponsePart>, _ upgrade: ExecUpgrade
    ) async throws {
        try await channel.executeThenClose { inbound, outbound in
            let current = CurrentAnswer()
            // A client that has gone waits for nothing.
            channel.channel.closeFuture.whenComplete { _ in current.cancel() }
            var parts = inbound.makeAsyncIterator()
            var refused = upgrade.takeRefused()
            while true {
                let head: HTTPRequestHead
                if let request = refused {
                    // NIO has kept the request to itself.
                    head = request
                    refused = nil
                } else {
                    guard let part = try await parts.next() else { break }
                    guard case .head(let next) = part else { continue }
                    head = next
                    // The request is read to its end before it is answered; the gate keeps it small.
                    while let part = try await parts.next() { if case .end = part { break } }
                }
                // After a request for an upgrade the parser reads nothing more, whether there was one or not.
                let isLast =
                    !head.isKeepAlive || head.method == .CONNECT || AccessGate.asksForUpgrade(head.headers)
                let answering = Task {
                    try await responder.answer(head, on: channel.channel, upgrade) { answer in
                        var answer = answer
                        if isLast { answer.response.headers[.connection] = "close" }
                        // A body would be taken for the next answer.
                        if head.method == .HEAD { answer.response = answer.response.createHeadResponse() }
                        if answer.isLong { try await channel.channel.triggerUserOutboundEvent(LongAnswer()) }
                        try await ResponseWriter(outbound: outbound)
                            .write(response: answer.response.head, body: answer.response.body)
                    }
                }
                current.begin(answering)
                try await withTaskCancellationHandler {
                    try await answering.value
                } onCancel: {
                    answering.cancel()
                }
                if isLast { break }
            }
            outbound.finish()
            try await channel.channel.closeFuture.get()
        }
    }
}

/// The one answer that a connection waits for.
private final class CurrentAnswer: Sendable {
    private struct State {
        var task: Task<Void, any Error>?
        var isOver = false
    }
    private let state = Mutex(State())

    func begin(_ task: Task<Void, any Error>) {
        let isOver = state.withLock { state in
            state.task = task
            return state.isOver
        }
        if isOver { task.cancel() }
    }

    /// Ends it, and whatever would begin.
    func cancel() {
        let task = state.withLock { state in
            state.isOver = true
            return state.task
        }
        task?.cancel()
    }
}
