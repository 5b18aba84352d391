// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NIOCore
internal import NIOWebSocket
internal import Synchronization

/// A command and its client, over a WebSocket, until one of the two ends.
struct ExecConnection: Sendable {
    private typealias Writer = NIOAsyncChannelOutboundWriter<WebSocketFrame>
    private enum End {
        /// The command has ended, and the client was told.
        case command
        /// The client closed the connection, or it broke.
        case client
        /// The client says nothing any more.
        case silence
    }

    /// The bytes of a frame that goes out.
    private static let frameBytes = 32 * 1024
    /// How long the client has to read what is on the way and to close, when the command has ended.
    private static let closingTime: Duration = .seconds(10)

    let session: any ExecSession
    let version: ExecProtocol
    let limits: ServerLimits
    let logger: Logger

    func run(_ channel: NIOAsyncChannel<WebSocketFrame, WebSocketFrame>) async {
        let pings = PingCount()
        do {
            try await channel.executeThenClose { inbound, outbound in
                try await withThrowingTaskGroup(of: End.self) { group in
                    group.addTask { try await read(inbound, outbound, pings) }
                    group.addTask { try await write(outbound) }
                    group.addTask { try await ping(outbound, pings) }
                    defer { group.cancelAll() }
                    guard try await group.next() == .command else { return await session.cancel() }
                    // The client has yet to read it; it closes, or has had its time.
                    group.addTask {
                        try await Task.sleep(for: Self.closingTime)
                        return .silence
                    }
                    _ = try await group.next()
                }
            }
        } catch {
            logger.debug("exec ended", metadata: ["error": "\(error)"])
        }
        // Of a command that has ended, this does nothing.
        await session.cancel()
    }

    /// What the client says, no faster than the command reads.
    private func read(
        _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>, _ outbound: Writer, _ pings: PingCount
    ) async throws -> End {
        var assembly = MessageAssembly(limit: limits.messageBytes)
        do {
            for try await frame in inbound {
                pings.heard()
                try MessageAssembly.check(frame)
                switch frame.opcode {
                case .connectionClose:
                    try? await close(outbound, .normalClosure)
                    return .client
                case .ping:
                    try await outbound.write(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData))
                case .pong: break
                default:
                    guard let bytes = try assembly.take(frame) else { continue }
                    guard let message = ExecMessage(bytes, version) else {
                        throw MessageAssembly.Violation(code: .unacceptableData)
                    }
                    try await take(message)
                }
            }
        } catch let violation as MessageAssembly.Violation {
            try? await close(outbound, violation.code)
        }
        return .client
    }

    private func take(_ message: ExecMessage) async throws {
        switch message {
        case .input(let bytes):
            // A command that has closed its input ends all the same; its output is still wanted.
            do throws(NodeServiceError) { try await session.write(Array(bytes)) } catch {
                logger.debug("exec: the command takes no input", metadata: ["error": "\(error)"])
            }
        case .endOfInput: await session.closeInput()
        case .resize(let columns, let rows): await session.resize(columns: columns, rows: rows)
        case .nothing: break
        }
    }

    /// What the command says, no faster than the client reads; at the end, how it ended.
    private func write(_ outbound: Writer) async throws -> End {
        // The first word is the server's: the client knows from it that the command runs.
        try await send(.output, [], outbound)
        for await chunk in session.output {
            switch chunk {
            case .output(let bytes): try await send(.output, bytes[...], outbound)
            case .error(let bytes): try await send(.error, bytes[...], outbound)
            }
        }
        try Task.checkCancellation()
        let status = json(KubernetesStatus(exitCode: await session.exitCode()))
        try await send(.status, status[...], outbound)
        try await close(outbound, .normalClosure)
        return .command
    }

    private func send(_ channel: ExecChannel, _ bytes: ArraySlice<UInt8>, _ outbound: Writer) async throws {
        var rest = bytes
        repeat {
            var data = ByteBuffer(bytes: [channel.rawValue])
            data.writeBytes(rest.prefix(Self.frameBytes))
            rest = rest.dropFirst(Self.frameBytes)
            try await outbound.write(WebSocketFrame(fin: true, opcode: .binary, data: data))
        } while !rest.isEmpty
    }

    private func close(_ outbound: Writer, _ code: WebSocketErrorCode) async throws {
        var data = ByteBuffer()
        data.write(webSocketErrorCode: code)
        try await outbound.write(WebSocketFrame(fin: true, opcode: .connectionClose, data: data))
    }

    /// Asks now and then whether the client is there.
    private func ping(_ outbound: Writer, _ pings: PingCount) async throws -> End {
        while pings.unanswered < 3 {
            try await Task.sleep(for: limits.pingTime)
            pings.sent()
            try await outbound.write(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer()))
        }
        return .silence
    }
}

/// How often the client was asked since it was heard last.
private final class PingCount: Sendable {
    private let count = Atomic(0)
    var unanswered: Int { count.load(ordering: .relaxed) }
    func heard() { count.store(0, ordering: .relaxed) }
    func sent() { count.add(1, ordering: .relaxed) }
}
