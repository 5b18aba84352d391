// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization

/// Many connections that say nothing; the closure asks how many of them the server has closed.
func withIdleConnections(
    _ port: Int, _ count: Int, _ body: (_ closed: @Sendable () -> Int) async throws -> Void
) async throws {
    final class Closed: Sendable {
        let count = Atomic(0)
    }
    let closed = Closed()
    var channels: [any Channel] = []
    for _ in 0..<count {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port).get()
        channel.closeFuture.whenComplete { _ in closed.count.add(1, ordering: .relaxed) }
        channels.append(channel)
    }
    let result: Result<Void, any Error>
    do { result = .success(try await body { closed.count.load(ordering: .relaxed) }) } catch {
        result = .failure(error)
    }
    for channel in channels { try? await channel.close() }
    try result.get()
}

/// A connection that asks, and reads nothing of the answer.
func withStalledClient(
    _ port: Int, _ target: String, headers: [String] = [], _ body: () async throws -> Void
) async throws {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelOption(.autoRead, value: false)
        .connect(host: "127.0.0.1", port: port).get()
    let request = RawClient.request("GET", target, token: Tokens.admin, headers: headers)
    try await channel.writeAndFlush(ByteBuffer(string: request))
    let result: Result<Void, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    try? await channel.close()
    try result.get()
}
