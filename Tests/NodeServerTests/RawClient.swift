// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL

/// A connection whose bytes are the test's own.
struct RawClient: ~Copyable {
    private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private(set) var received: [UInt8] = []
    private(set) var isClosed = false

    /// An answer.
    struct Answer: Sendable {
        var status: Int
        var headers: [String: String]
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    fileprivate init(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        iterator = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }
    func send(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }
    /// Ends what is sent; what comes is still read.
    func finish() { outbound.finish() }

    /// Reads more; false at the end. A connection that was reset has ended, too.
    mutating func read() async -> Bool {
        guard !isClosed else { return false }
        guard let bytes = try? await iterator.next() else {
            isClosed = true
            return false
        }
        received += bytes.readableBytesView
        return true
    }

    /// Everything until the server closes.
    mutating func rest() async -> [UInt8] {
        while await read() {}
        defer { received = [] }
        return received
    }

    /// Takes so many bytes; nil when they do not come.
    mutating func take(_ count: Int) async -> [UInt8]? {
        while received.count < count { guard await read() else { return nil } }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    /// Takes a line without its end.
    mutating func line() async -> String? {
        while true {
            if let end = received.firstIndex(of: 10) {
                defer { received.removeFirst(end + 1) }
                return String(decoding: received[..<end], as: UTF8.self).filter { $0 != "\r" && $0 != "\r\n" }
            }
            guard await read() else { return nil }
        }
    }

    /// The head of an answer.
    mutating func head() async -> Answer? {
        guard let first = await line(), first.hasPrefix("HTTP/1.1 "),
            let status = Int(first.split(separator: " ")[1])
        else { return nil }
        var answer = Answer(status: status, headers: [:], body: [])
        while let line = await line(), !line.isEmpty {
            let parts = line.split(separator: ":", maxSplits: 1)
            answer.headers[parts[0].lowercased()] = parts[1].drop { $0 == " " }.description
        }
        return answer
    }

    /// An answer as a whole; nil when the server closes before.
    mutating func answer() async -> Answer? {
        guard var answer = await head() else { return nil }
        if let length = answer.headers["content-length"].flatMap(Int.init) {
            guard let body = await take(length) else { return nil }
            answer.body = body
        } else if answer.headers["transfer-encoding"] == "chunked" {
            while let chunk = await chunk(), !chunk.isEmpty { answer.body += chunk }
        }
        return answer
    }

    /// A chunk of an answer in chunks; empty for the last one.
    mutating func chunk() async -> [UInt8]? {
        guard let line = await line(), let length = Int(line, radix: 16), let bytes = await take(length) else {
            return nil
        }
        _ = await self.line()
        return bytes
    }

    /// Sends a request and reads the answer.
    mutating func ask(
        _ method: String, _ target: String, token: String? = nil, headers: [String] = []
    ) async throws -> Answer? {
        try await send(Self.request(method, target, token: token, headers: headers))
        return await answer()
    }

    static func request(_ method: String, _ target: String, token: String? = nil, headers: [String] = []) -> String {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: node"]
        if let token { lines.append("Authorization: Bearer \(token)") }
        return (lines + headers + ["", ""]).joined(separator: "\r\n")
    }
}

/// Connects, talks, and closes.
func withClient<Value: Sendable>(
    _ port: Int, tls: NIOSSLContext? = nil, _ body: (inout RawClient) async throws -> Value
) async throws -> Value {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelOption(.allowRemoteHalfClosure, value: true)
        .connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                if let tls {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: tls, serverHostname: nil))
                }
                return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                    wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            }
        }
    var result: Result<Value, any Error>?
    // A server that closed first makes the close of the client an error, which says nothing.
    do {
        try await channel.executeThenClose { inbound, outbound in
            var client = RawClient(inbound, outbound)
            do { result = .success(try await body(&client)) } catch { result = .failure(error) }
        }
    } catch  where result != nil {}
    guard let result else { throw ChannelError.ioOnClosedChannel }
    return try result.get()
}

/// One request by a connection of its own.
func ask(
    _ port: Int, _ method: String, _ target: String, token: String? = nil, headers: [String] = []
) async throws -> RawClient.Answer? {
    try await withClient(port) { try await $0.ask(method, target, token: token, headers: headers) }
}

/// The same with GET.
func ask(
    _ port: Int, _ target: String, token: String? = nil, headers: [String] = []
) async throws -> RawClient.Answer? {
    try await ask(port, "GET", target, token: token, headers: headers)
}
