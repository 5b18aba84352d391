// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NIOCore
internal import NIOWebSocket
internal import Synchronization

/// A command and its client, over a WebSocket, until one of the two ends.
struct ExecConnection: Sendable {
    /// Where frames go out, and is seen for how long they do not.
    private struct Writer: Sendable {
        let outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>
        let watch: WriteWatch

        func write(_ frame: WebSocketFrame) async throws {
            watch.begins()
            defer { watch.ends() }
            try await outbound.write(frame)
        }
    }
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
        let writing = WriteWatch()
        do {
            try await channel.executeThenClose { inbound, outbound in
                let outbound = Writer(outbound: outbound, watch: writing)
                await withThrowingTaskGroup(of: End.self) { group in
                    group.addTask { try await read(inbound, outbound, pings) }
                    group.addTask { try await write(outbound) }
                    group.addTask { try await ping(outbound, pings) }
                    group.addTask { try await watch(writing) }
                    defer { group.cancelAll() }
                    // Whatever ends it, a failure too: the group waits for the command's end, so that has to come.
                    guard let end = try? await group.next(), end == .command else { return await session.cancel() }
                    // The client has yet to read it; it closes, or has had its time.
                    group.addTask {
                        try await Task.sleep(for: Self.closingTime)
                        return .silence
                    }
                    _ = try? await group.next()
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
                    // While the command takes no input nothing is read, the client's answers to pings among it.
                    try await pings.pausing { try await take(message) }
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

    /// Whether the client reads what it is sent; one that does not for as long as a request may last is given up.
    private func watch(_ writing: WriteWatch) async throws -> End {
        while !writing.isStuck(for: limits.requestTime) {
            try await Task.sleep(for: min(limits.requestTime, .seconds(1)))
        }
        return .silence
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
    private let isPaused = Atomic(false)
    var unanswered: Int { count.load(ordering: .relaxed) }
    func heard() { count.store(0, ordering: .relaxed) }
    func sent() { if !isPaused.load(ordering: .relaxed) { count.add(1, ordering: .relaxed) } }

    /// Meanwhile nobody listens to the client.
    func pausing(_ body: () async throws -> Void) async throws {
        isPaused.store(true, ordering: .relaxed)
        defer {
            heard()
            isPaused.store(false, ordering: .relaxed)
        }
        try await body()
    }
}

/// Since when frames wait to go out.
private final class WriteWatch: Sendable {
    private struct State {
        var waiting = 0
        var since = ContinuousClock.now
    }
    private let state = Mutex(State())

    func begins() {
        state.withLock { state in
            if state.waiting == 0 { state.since = .now }
            state.waiting += 1
        }
    }

    func ends() {
        state.withLock { state in
            state.waiting -= 1
            state.since = .now
        }
    }

    func isStuck(for time: Duration) -> Bool {
        state.withLock { $0.waiting > 0 && $0.since.duration(to: .now) > time }
    }
}
