// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import NodeServer
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct HostileTests {
    /// Sends bytes and reads until the server closes; the status of each answer.
    private func statuses(_ port: Int, _ text: String) async throws -> [Int] {
        try await withClient(port) { client async throws in
            // The server may close before it has all of it.
            try? await client.send(text)
            let lines = String(decoding: await client.rest(), as: UTF8.self).split(whereSeparator: \.isNewline)
            return lines.filter { $0.hasPrefix("HTTP/1.1 ") }.compactMap { Int($0.split(separator: " ")[1]) }
        }
    }

    private static let start = "GET /pods HTTP/1.1\r\nHost: node\r\nAuthorization: Bearer \(Tokens.pods)\r\n"

    @Test(arguments: [
        ("two lengths", "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        ("two equal lengths", "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        ("length and coding", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("coding and length", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
        ("length with a sign", "Content-Length: +3\r\n\r\nabc"),
        ("length below zero", "Content-Length: -1\r\n\r\n"),
        ("length in words", "Content-Length: three\r\n\r\nabc"),
        ("length in hexadecimal", "Content-Length: 0x3\r\n\r\nabc"),
        ("length as a list", "Content-Length: 3, 3\r\n\r\nabc"),
        ("length that overflows", "Content-Length: 99999999999999999999\r\n\r\n"),
        ("two codings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
        ("coding nobody knows", "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        ("coding with a tab", "Transfer-Encoding: \u{0b}chunked\r\n\r\n0\r\n\r\n"),
        ("coding twice in one", "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
        ("space before the colon", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        ("a folded header", "X-A: b\r\n Content-Length: 3\r\n\r\n"),
        ("a header without a name", ": x\r\n\r\n"),
        ("a NUL in a header", "X-A: a\u{0}b\r\n\r\n"),
        ("a bare CR in a header", "X-A: a\rX-B: c\r\n\r\n"),
        ("a chunk size nobody can count", "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"),
        ("a chunk size that overflows", "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx"),
        ("a second Host", "Host: other\r\n\r\n"),
        ("an expectation", "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
    ])
    func `What could be read in two ways is refused, and nothing after it is read`(name: String, rest: String)
        async throws
    {
        try await withServer { port async throws in
            let smuggled = "\(Self.start)\r\n"
            let statuses = try await statuses(port, Self.start + rest + smuggled)
            #expect(statuses.count == 1 && (400...599).contains(statuses.first ?? 0), "\(name): \(statuses)")
        }
    }

    @Test(arguments: [
        "GET /pods HTTP/1.0\r\nHost: a\r\n\r\n", "GET /pods HTTP/2.0\r\nHost: a\r\n\r\n", "GET /pods\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /pods HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
        "\r\n\r\n\r\nx y z\r\n\r\n",
        "GET  /pods HTTP/1.1\r\nHost: a\r\n\r\n", "GET /po ds HTTP/1.1\r\nHost: a\r\n\r\n",
        "G\u{0}T / HTTP/1.1\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\u{7f}\u{1} HTTP/1.1\r\nHost: a\r\n\r\n",
    ])
    func `What is no request of HTTP/1.1 is answered with an error or dropped`(text: String) async throws {
        try await withServer(configure: { configuration, _ in
            configuration.limits.headerTime = .seconds(4)
            configuration.limits.idleTime = .seconds(2)
        }) { port async throws in
            let statuses = try await statuses(port, text)
            #expect(statuses.allSatisfy { (400...599).contains($0) } && statuses.count <= 1, "\(statuses)")
            try await eventually { try await ask(port, "/pods", token: Tokens.pods)?.status == 200 }
        }
    }

    @Test func `Requests that are changed anywhere, cut off or mixed end nothing but their connection`() async throws {
        let upgrade = [
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: v5.channel.k8s.io",
        ]
        let exec = "/exec/default/web/app?command=id&input=1&output=1"
        let seeds = [
            RawClient.request("GET", exec, token: Tokens.admin, headers: upgrade) + "\u{2}\u{5}abcde",
            RawClient.request("GET", exec, token: Tokens.nobody, headers: upgrade),
            RawClient.request("GET", "/pods", token: Tokens.pods),
            RawClient.request("POST", "/pods", token: Tokens.pods, headers: ["Transfer-Encoding: chunked"])
                + "3\r\nabc\r\n0\r\n\r\n",
            RawClient.request("PUT", "/x?y=%20", token: Tokens.pods, headers: ["Content-Length: 4"]) + "abcd",
        ].map { Array($0.utf8) }
        var random = SeededGenerator(state: 20_260_401)
        var inputs: [[UInt8]] = []
        for _ in 0..<400 {
            var bytes = (0..<Int.random(in: 1...3, using: &random)).flatMap { _ in
                seeds.randomElement(using: &random) ?? []
            }
            for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                default: bytes.removeSubrange(index...)
                }
            }
            inputs.append(bytes)
        }
        let node = FakeNode()
        try await withServer(node) { [inputs] port async throws in
            for bytes in inputs {
                try await withClient(port) { client async throws in
                    // In two pieces, so that the parser stops somewhere, too.
                    try? await client.send(Array(bytes.prefix(bytes.count / 2)))
                    try? await client.send(Array(bytes.dropFirst(bytes.count / 2)))
                    client.finish()
                    _ = await client.rest()
                }
            }
            #expect(try await ask(port, "/pods", token: Tokens.pods)?.status == 200)
            // No command is left without its client.
            try await eventually {
                node.state.withLock { $0.sessions.allSatisfy { $0.state.withLock { $0.isCancelled } } }
            }
        }
    }

    @Test func `Large headers, many headers, a long target and large bodies have limits`() async throws {
        try await withServer { port async throws in
            let large = String(repeating: "a", count: 40_000)
            #expect(try await statuses(port, Self.start + "X-A: \(large)\r\n\r\n") == [431])
            let many = (0..<200).map { "X-\($0): a\r\n" }.joined()
            #expect(try await statuses(port, Self.start + many + "\r\n") == [431])
            let target = try await statuses(port, "GET /pods?\(large) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(target == [431] || target == [400], "\(target)")
            #expect(try await statuses(port, Self.start + "Content-Length: 70000\r\n\r\n") == [413])
            // The same in chunks, which say no length before.
            let chunk = "4000\r\n" + String(repeating: "b", count: 0x4000) + "\r\n"
            let chunks = Self.start + "Transfer-Encoding: chunked\r\n\r\n" + String(repeating: chunk, count: 8)
            #expect(try await statuses(port, chunks) == [413])
            // A body within the limit is read and thrown away, and the connection goes on.
            try await withClient(port) { client async throws in
                try await client.send(
                    Self.start + "Content-Length: 60000\r\n\r\n" + String(repeating: "c", count: 60_000))
                #expect(await client.answer()?.status == 200)
                #expect(try await client.ask("GET", "/pods", token: Tokens.pods)?.status == 200)
            }
        }
    }

    @Test func `Requests on one connection are answered one after another, those sent at once, too`() async throws {
        try await withServer { port async throws in
            try await withClient(port) { client async throws in
                let paths = ["/pods", "/configz", "/pods", "/nothing"]
                let requests = paths.map { RawClient.request("GET", $0, token: Tokens.pods) }
                try await client.send(requests.joined())
                var statuses: [Int] = []
                for _ in paths { statuses.append(await client.answer()?.status ?? 0) }
                #expect(statuses == [200, 403, 200, 403])
                try await client.send(
                    RawClient.request("GET", "/pods", token: Tokens.pods, headers: ["Connection: close"]))
                let last = await client.answer()
                #expect(last?.status == 200 && last?.headers["connection"] == "close")
                #expect(await client.read() == false)
            }
            // The answer to HEAD has no body; what comes next is the next answer.
            try await withClient(port) { client async throws in
                try await client.send(RawClient.request("HEAD", "/pods", token: Tokens.admin))
                #expect(await client.head()?.status == 405)
                #expect(try await client.ask("GET", "/pods", token: Tokens.pods)?.status == 200)
            }
            // A client that ends what it sends still gets the answer.
            try await withClient(port) { client async throws in
                try await client.send(RawClient.request("GET", "/pods", token: Tokens.pods))
                client.finish()
                #expect(await client.answer()?.status == 200)
                #expect(await client.read() == false)
            }
            // A hundred at once are more than anybody reads.
            try await withClient(port) { client async throws in
                let one = RawClient.request("GET", "/pods", token: Tokens.pods)
                try? await client.send(String(repeating: one, count: 5000))
                var count = 0
                while await client.answer() != nil { count += 1 }
                #expect(count < 5000)
            }
        }
    }

    @Test func `A client that sends its headers slowly is dropped, and so is one that sends nothing`() async throws {
        try await withServer(configure: { configuration, _ in
            configuration.limits.headerTime = .seconds(8)
            configuration.limits.idleTime = .seconds(8)
            configuration.limits.requestTime = .seconds(8)
        }) { port async throws in
            let start = ContinuousClock.now
            // Byte by byte, for ever.
            try await withClient(port) { client async throws in
                for byte in "GET /pods HTTP/1.1\r\nX-Slow: ".utf8 + Array(repeating: UInt8(ascii: "a"), count: 100_000)
                {
                    guard (try? await client.send([byte])) != nil else { break }
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(await client.rest().isEmpty)
            }
            // Nothing at all; nothing after a request; a body that does not come.
            async let silent = withClient(port) { await $0.rest() }
            async let idle = withClient(port) { client async throws in
                let status = try await client.ask("GET", "/pods", token: Tokens.pods)?.status
                return (status, await client.rest())
            }
            async let bodiless = withClient(port) { client async throws in
                try await client.send(Self.start + "Content-Length: 10\r\n\r\nabc")
                return await client.rest()
            }
            #expect(try await silent.isEmpty)
            #expect(try await bodiless.isEmpty)
            let (status, rest) = try await idle
            #expect(status == 200 && rest.isEmpty)
            #expect(ContinuousClock.now - start < .seconds(200))
            try await eventually {
                let metrics = try await ask(port, "/metrics", token: Tokens.monitor)?.text ?? ""
                return metrics.contains("bulkhead_requests_refused_total{reason=\"slow headers\"} ")
                    && metrics.contains("bulkhead_requests_refused_total{reason=\"slow request\"} ")
            }
        }
    }

    @Test func `A follower that reads nothing is dropped`() async throws {
        let node = FakeNode()
        let (stream, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        node.state.withLock { $0.openLog = stream }
        for _ in 0..<400 { continuation.yield(Array(repeating: 65, count: 65_536)) }
        try await withServer(
            node,
            configure: { configuration, _ in
                configuration.limits.requestTime = .seconds(8)
            }
        ) { port async throws in
            try await withStalledClient(port, "/containerLogs/default/web/app?follow=1") {
                try await eventually {
                    let text = try await ask(port, "/metrics", token: Tokens.monitor)?.text ?? ""
                    return text.contains("bulkhead_requests_refused_total{reason=\"slow reader\"} ")
                }
            }
        }
    }

    // In a process of its own: its memory is nobody else's, and Foundation's Process, which other tests use, does not bear so
    // many descriptors beside it.
    @Test func `A thousand idle connections take little memory, and those beyond the limit nothing`() async throws {
        await #expect(processExitsWith: .success) {
            var limit = rlimit()
            unsafe getrlimit(__rlimit_resource_t(7), &limit)
            limit.rlim_cur = min(limit.rlim_max, 8192)
            unsafe setrlimit(__rlimit_resource_t(7), &limit)
            let count = min(1000, (Int(limit.rlim_cur) - 100) / 2)
            try await withServer(configure: { configuration, _ in
                configuration.limits.connections = count * 6 / 10
                configuration.limits.connectionsPerPeer = count / 2
                configuration.limits.headerTime = .seconds(600)
            }) { port async throws in
                #expect(try await ask(port, "/pods", token: Tokens.pods)?.status == 200)
                let before = try residentKilobytes()
                try await withIdleConnections(port, count) { closed in
                    // Half of them are let go, the other half is kept.
                    try await eventually { closed() >= count - count / 2 }
                    let after = try residentKilobytes()
                    #expect(after - before < 64 * 1024, "\(before) kB before, \(after) kB after")
                    #expect(closed() == count - count / 2)
                }
                // Room again.
                try await eventually { (try? await ask(port, "/pods", token: Tokens.pods)?.status) == 200 }
                let metrics = try #require(try await ask(port, "/metrics", token: Tokens.monitor)?.text)
                let line = metrics.split(separator: "\n").first {
                    $0.hasPrefix("bulkhead_connections_refused_total ")
                }
                #expect((Int(line?.split(separator: " ")[1] ?? "") ?? 0) >= count - count / 2)
            }
        }
    }

    @Test func `A server that is cancelled lets requests end, and cuts off what does not`() async throws {
        let node = FakeNode()
        let (stream, _) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        node.state.withLock { $0.openLog = stream }
        // Both clients are there when the server's task is cancelled: `withServer` returns all the same.
        let tasks = try await withServer(node) { port in
            let follower = Task {
                try await withClient(port) { client async throws in
                    try await client.send(
                        RawClient.request("GET", "/containerLogs/default/web/app?follow=1", token: Tokens.admin))
                    return await client.rest().count
                }
            }
            let idle = Task { try await withClient(port) { await $0.rest().count } }
            try await eventually { node.state.withLock { !$0.logRequests.isEmpty } }
            return [follower, idle]
        }
        for task in tasks { _ = try await task.value }
    }
}

/// What the process has in memory.
private func residentKilobytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return try #require(line.split(separator: " ").compactMap { Int($0) }.first)
}

/// Numbers that are the same in each run (SplitMix64).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
