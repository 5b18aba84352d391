// SPDX-License-Identifier: Apache-2.0

import Foundation
import NodeModel
import NodeServer
import Synchronization
import Testing

/// A frame of a WebSocket, as the client sees it.
private struct Frame: Equatable {
    var opcode: UInt8
    var data: [UInt8]
    var isFinal = true
}

extension RawClient {
    fileprivate mutating func frame() async -> Frame? {
        guard let start = await take(2) else { return nil }
        var length = Int(start[1] & 0x7f)
        if length >= 126 {
            guard let bytes = await take(length == 126 ? 2 : 8) else { return nil }
            length = bytes.reduce(0) { $0 << 8 | Int($1) }
        }
        // A server does not mask.
        guard start[1] & 0x80 == 0, let data = await take(length) else { return nil }
        return Frame(opcode: start[0] & 0xf, data: data, isFinal: start[0] & 0x80 != 0)
    }

    fileprivate func send(_ frame: Frame, masked: Bool = true, reserved: UInt8 = 0) async throws {
        var bytes = [(frame.isFinal ? 0x80 : 0) | reserved | frame.opcode]
        let flag: UInt8 = masked ? 0x80 : 0
        if frame.data.count < 126 {
            bytes.append(flag | UInt8(frame.data.count))
        } else if frame.data.count < 65_536 {
            bytes += [flag | 126, UInt8(frame.data.count >> 8), UInt8(frame.data.count & 0xff)]
        } else {
            bytes += [flag | 127] + (0..<8).map { UInt8(truncatingIfNeeded: frame.data.count >> (56 - 8 * $0)) }
        }
        let mask: [UInt8] = [1, 2, 3, 4]
        bytes += masked ? mask + frame.data.enumerated().map { $1 ^ mask[$0 % 4] } : frame.data
        try await send(bytes)
    }

    /// What comes on the channels until the server closes: the bytes of each, and the code it closes with.
    fileprivate mutating func messages() async -> (channels: [UInt8: [UInt8]], code: Int?) {
        var channels: [UInt8: [UInt8]] = [:]
        while let frame = await frame() {
            switch frame.opcode {
            case 2: channels[frame.data.first ?? 99, default: []] += frame.data.dropFirst()
            case 8: return (channels, frame.data.prefix(2).reduce(0) { $0 << 8 | Int($1) })
            default: break
            }
        }
        return (channels, nil)
    }

    fileprivate mutating func upgrade(
        _ query: String, protocols: String = "v5.channel.k8s.io", token: String = Tokens.admin, extra: [String] = []
    ) async throws -> Answer? {
        let headers = [
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: \(protocols)",
        ]
        try await send(
            RawClient.request("GET", "/exec/default/web/app?\(query)", token: token, headers: headers + extra))
        guard let head = await head() else { return nil }
        guard head.status != 101, let length = head.headers["content-length"].flatMap(Int.init) else { return head }
        var answer = head
        answer.body = await take(length) ?? []
        return answer
    }
}

@Suite(.timeLimit(.minutes(2))) struct ExecTests {
    private func session(of node: FakeNode) async throws -> FakeSession {
        try await eventually { node.state.withLock { !$0.sessions.isEmpty } }
        return try #require(node.state.withLock { $0.sessions.last })
    }

    @Test(arguments: [
        "v5.channel.k8s.io", "v4.channel.k8s.io", "v4.channel.k8s.io, v5.channel.k8s.io", "v9, v4.channel.k8s.io",
    ])
    func `A command's streams and its exit code arrive on their channels`(protocols: String) async throws {
        let node = FakeNode()
        try await withServer(node) { port async throws in
            try await withClient(port) { client async throws in
                let query = "command=/bin/sh&command=-c&command=echo%20a+b&input=1&stdout=true&error=1"
                let answer = try #require(try await client.upgrade(query, protocols: protocols))
                #expect(answer.status == 101)
                #expect(answer.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
                let expected = protocols.contains("v5") ? "v5.channel.k8s.io" : "v4.channel.k8s.io"
                #expect(answer.headers["sec-websocket-protocol"] == expected)
                #expect(await client.frame() == Frame(opcode: 2, data: [1]))
                let request = try #require(node.state.withLock { $0.execRequests.last })
                #expect(request.command == ["/bin/sh", "-c", "echo a b"])
                #expect(request.input && request.output && request.error && !request.terminal)
                let session = try await self.session(of: node)
                try await client.send(Frame(opcode: 2, data: [0] + Array("hello ".utf8)))
                try await client.send(Frame(opcode: 2, data: [0] + Array("wor".utf8), isFinal: false))
                try await client.send(Frame(opcode: 9, data: Array("are you there".utf8)))
                try await client.send(Frame(opcode: 0, data: Array("ld".utf8)))
                #expect(await client.frame() == Frame(opcode: 10, data: Array("are you there".utf8)))
                try await eventually { session.state.withLock { $0.input == Array("hello world".utf8) } }
                session.says(.output(Array("out".utf8)))
                session.says(.error(Array("err".utf8)))
                session.ends(42)
                let (channels, code) = await client.messages()
                #expect(channels[1] == Array("out".utf8) && channels[2] == Array("err".utf8) && code == 1000)
                let status = try #require(
                    try JSONSerialization.jsonObject(with: Data(channels[3] ?? [])) as? [String: Any])
                #expect(status["status"] as? String == "Failure" && status["reason"] as? String == "NonZeroExitCode")
                let causes = (status["details"] as? [String: [[String: String]]])?["causes"]
                #expect(causes == [["reason": "ExitCode", "message": "42"]])
            }
            try await eventually {
                let metrics = try await ask(port, "/metrics", token: Tokens.admin)?.text ?? ""
                let labels = "code=\"101\",long_running=\"true\",method=\"GET\",path=\"exec\""
                return metrics.contains("kubelet_http_requests_total{\(labels)} 1\n")
            }
        }
    }

    @Test func `A terminal is resized, its input ended by v5 alone, and a good end is Success`() async throws {
        let node = FakeNode()
        try await withServer(node) { port async throws in
            try await withClient(port) { client async throws in
                #expect(try await client.upgrade("command=sh&stdin=1&stdout=1&stderr=1&tty=1")?.status == 101)
                let session = try await self.session(of: node)
                let request = try #require(node.state.withLock { $0.execRequests.last })
                #expect(request.terminal && !request.error)
                try await client.send(Frame(opcode: 2, data: [4] + Array(#"{"Width":120,"Height":40}"#.utf8)))
                try await client.send(Frame(opcode: 2, data: [255, 0]))
                try await eventually { session.state.withLock { $0.isInputClosed } }
                #expect(session.state.withLock { $0.sizes } == [[120, 40]])
                session.ends(0)
                let (channels, code) = await client.messages()
                let text = String(decoding: channels[3] ?? [], as: UTF8.self)
                #expect(text.contains(#""status":"Success""#) && code == 1000)
            }
            try await withClient(port) { client async throws in
                let query = "command=sh&input=1"
                #expect(try await client.upgrade(query, protocols: "v4.channel.k8s.io")?.status == 101)
                try await client.send(Frame(opcode: 2, data: [255, 0]))
                #expect(await client.messages().code == 1003)
            }
        }
    }

    @Test func `A command is killed when its client goes, whichever way`() async throws {
        let node = FakeNode()
        try await withServer(node) { port async throws in
            // With the closing handshake, without a word, and by ending only what it sends.
            for way in 0..<3 {
                try await withClient(port) { client async throws in
                    #expect(try await client.upgrade("command=sleep&output=1")?.status == 101)
                    #expect(await client.frame() == Frame(opcode: 2, data: [1]))
                    if way == 0 {
                        try await client.send(Frame(opcode: 8, data: [3, 232]))
                        #expect(await client.messages().code == 1000)
                    } else if way == 2 {
                        client.finish()
                        _ = await client.rest()
                    }
                }
                let session = try #require(node.state.withLock { $0.sessions.last })
                try await eventually { session.state.withLock { $0.isCancelled } }
            }
            #expect(node.commands.count == 3)
        }
    }

    @Test func `A command is killed when the server ends`() async throws {
        let node = FakeNode()
        let client = try await withServer(node) { port in
            let client = Task {
                try await withClient(port) { client async throws in
                    #expect(try await client.upgrade("command=sleep&output=1")?.status == 101)
                    return await client.rest()
                }
            }
            _ = try await self.session(of: node)
            return client
        }
        let session = try #require(node.state.withLock { $0.sessions.last })
        #expect(session.state.withLock { $0.isCancelled })
        _ = try await client.value
    }

    @Test func `A client that answers no ping is given up`() async throws {
        let node = FakeNode()
        try await withServer(
            node,
            configure: { configuration, _ in
                configuration.limits.pingTime = .milliseconds(50)
            }
        ) { port async throws in
            try await withClient(port) { client async throws in
                #expect(try await client.upgrade("command=sleep&output=1")?.status == 101)
                var pings = 0
                while let frame = await client.frame() { if frame.opcode == 9 { pings += 1 } }
                #expect((2...4).contains(pings))
            }
            let session = try #require(node.state.withLock { $0.sessions.last })
            try await eventually { session.state.withLock { $0.isCancelled } }
        }
    }

    @Test func `A command that takes its time with its input keeps its client`() async throws {
        let node = FakeNode()
        try await withServer(
            node,
            configure: { configuration, _ in
                configuration.limits.pingTime = .milliseconds(20)
            }
        ) { port async throws in
            try await withClient(port) { client async throws in
                #expect(try await client.upgrade("command=deaf&input=1&output=1")?.status == 101)
                try await client.send(Frame(opcode: 2, data: [0] + Array("text".utf8)))
                let session = try await self.session(of: node)
                try await eventually { session.state.withLock { !$0.input.isEmpty } }
                var pings = 0
                while pings < 10, let frame = await client.frame() { if frame.opcode == 9 { pings += 1 } }
                #expect(pings == 10)
                #expect(session.state.withLock { !$0.isCancelled })
                session.ends(0)
                while let frame = await client.frame(), frame.opcode != 8 {}
            }
        }
    }

    @Test func `A client that reads nothing is given up when a request would have to end`() async throws {
        let node = FakeNode()
        try await withServer(
            node,
            configure: { configuration, _ in
                configuration.limits.requestTime = .milliseconds(300)
            }
        ) { port async throws in
            try await withClient(port) { client async throws in
                #expect(try await client.upgrade("command=yes&output=1")?.status == 101)
                let session = try await self.session(of: node)
                try await eventually { session.state.withLock { $0.isCancelled } }
            }
        }
    }

    @Test func `A command that has closed its output is killed with its client`() async throws {
        let node = FakeNode()
        try await withServer(node) { port async throws in
            try await withClient(port) { client async throws in
                #expect(try await client.upgrade("command=silent&output=1")?.status == 101)
                let session = try await self.session(of: node)
                session.closesOutput()
                _ = await client.frame()
            }
            let session = try await self.session(of: node)
            try await eventually { session.state.withLock { $0.isCancelled } }
        }
    }

    @Test func `However many protocols a request asks for, a command is started once`() async throws {
        let node = FakeNode()
        try await withServer(node) { port async throws in
            let headers = [
                "Connection: Upgrade", "Upgrade: " + Array(repeating: "websocket", count: 1000).joined(separator: ","),
                "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Protocol: v5.channel.k8s.io",
            ]
            let path = "/exec/default/web/other?command=id&output=1"
            #expect(try await ask(port, path, token: Tokens.admin, headers: headers)?.status == 409)
            #expect(node.state.withLock { $0.refusals } == 1)
            // What was allowed as create is not answered as get.
            let other = ["Connection: Upgrade", "Upgrade: SPDY/3.1"]
            #expect(try await ask(port, "/pods", token: Tokens.admin, headers: other)?.status == 400)
        }
    }

    @Test(arguments: [
        ("no mask", 1002), ("reserved bit", 1002), ("control in pieces", 1002), ("stray continuation", 1002),
        ("new message in a message", 1002), ("channel nobody has", 1003), ("no channel", 1003), ("size", 1003),
        ("too large", 1009), ("too large in pieces", 1009), ("output from the client", 1003),
    ])
    func `What is against the protocol ends the connection and the command`(what: String, code: Int) async throws {
        let node = FakeNode()
        try await withServer(
            node,
            configure: { configuration, _ in
                configuration.limits.messageBytes = 4096
            }
        ) { port async throws in
            try await withClient(port) { client async throws in
                #expect(try await client.upgrade("command=cat&input=1&output=1")?.status == 101)
                switch what {
                case "no mask": try await client.send(Frame(opcode: 2, data: [0, 1]), masked: false)
                case "reserved bit": try await client.send(Frame(opcode: 2, data: [0, 1]), reserved: 0x40)
                case "control in pieces": try await client.send(Frame(opcode: 9, data: [], isFinal: false))
                case "stray continuation": try await client.send(Frame(opcode: 0, data: [0, 1]))
                case "new message in a message":
                    try await client.send(Frame(opcode: 2, data: [0, 1], isFinal: false))
                    try await client.send(Frame(opcode: 2, data: [0, 1]))
                case "channel nobody has": try await client.send(Frame(opcode: 2, data: [77, 1]))
                case "no channel": try await client.send(Frame(opcode: 2, data: []))
                case "size": try await client.send(Frame(opcode: 2, data: [4] + Array("{".utf8)))
                case "too large": try await client.send(Frame(opcode: 2, data: Array(repeating: 0, count: 5000)))
                case "too large in pieces":
                    try await client.send(Frame(opcode: 2, data: Array(repeating: 0, count: 3000), isFinal: false))
                    try await client.send(Frame(opcode: 0, data: Array(repeating: 0, count: 3000)))
                default: try await client.send(Frame(opcode: 2, data: [1, 65]))
                }
                #expect(await client.messages().code == code)
            }
            let session = try await self.session(of: node)
            try await eventually { session.state.withLock { $0.isCancelled } }
        }
    }

    @Test func `A megabyte of output arrives whole and in order`() async throws {
        let node = FakeNode()
        try await withServer(node) { port async throws in
            try await withClient(port) { client async throws in
                #expect(try await client.upgrade("command=cat&output=1")?.status == 101)
                let session = try await self.session(of: node)
                let all = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
                for start in stride(from: 0, to: all.count, by: 100_000) {
                    session.says(.output(Array(all[start..<min(start + 100_000, all.count)])))
                }
                session.ends(0)
                let (channels, code) = await client.messages()
                #expect(channels[1] == all && code == 1000)
            }
        }
    }

    @Test func `A command that writes without end waits for a client that does not read`() async throws {
        let node = FakeNode()
        try await withServer(node) { port async throws in
            let headers = [
                "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: v5.channel.k8s.io",
            ]
            let target = "/exec/default/web/app?command=yes&output=1"
            try await withStalledClient(port, target, headers: headers) {
                let session = try await self.session(of: node)
                var before = -1
                // Until nothing more is taken. Were the output kept here, that would not come.
                try await eventually {
                    defer { before = session.taken.pieces.load(ordering: .relaxed) }
                    try await Task.sleep(for: .milliseconds(500))
                    return before > 0 && session.taken.pieces.load(ordering: .relaxed) == before
                }
                #expect(before < 1000, "\(before) pieces of 64 KiB")
            }
            let session = try #require(node.state.withLock { $0.sessions.last })
            try await eventually { session.state.withLock { $0.isCancelled } }
        }
    }

    @Test func `What cannot be started is an HTTP answer, and starts nothing`() async throws {
        let node = FakeNode()
        try await withServer(node) { port async throws in
            func status(
                _ query: String, path: String = "/exec/default/web/app", protocols: String = "v5.channel.k8s.io",
                extra: [String] = []
            ) async throws -> Int? {
                let headers = [
                    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: \(protocols)",
                ]
                return try await ask(port, "\(path)?\(query)", token: Tokens.admin, headers: headers + extra)?.status
            }
            let good = "command=id&output=1"
            // What every encoder makes of a slash is a slash in a command, and two things in a path.
            #expect(try await status("command=%2Fbin%2Fid&output=1") == 101)
            #expect(node.commands.last == ["/bin/id"])
            node.state.withLock { $0.execRequests = [] }
            #expect(try await status("output=1") == 400)
            #expect(try await status("command=&output=1") == 400)
            #expect(try await status("command=id") == 400)
            #expect(try await status("command=id&output=perhaps") == 400)
            #expect(try await status("command=a%00b&output=1") == 400)
            #expect(try await status(good, protocols: "channel.k8s.io") == 400)
            #expect(try await status(good, path: "/exec/default/none/app") == 404)
            #expect(try await status(good, path: "/exec/default/web/other") == 409)
            #expect(try await status(good, path: "/pods") == 400)
            #expect(try await status(good, path: "/exec/default/web") == 400)
            #expect(try await status(good, path: "/exec/default/web/uid-of-web/app/more") == 400)
            #expect(try await status(good, extra: ["Content-Length: 3"]) == 400)
            // A page that a browser shows; the same origin is no other.
            #expect(try await status(good, extra: ["Origin: https://elsewhere"]) == 403)
            #expect(try await ask(port, "/exec/default/web/app?\(good)", token: Tokens.admin)?.status == 400)
            #expect(try await ask(port, "POST", "/exec/default/web/app?\(good)", token: Tokens.admin)?.status == 400)
            #expect(node.commands.isEmpty)
        }
    }

    @Test func `An upgrade is the first request of a connection or none`() async throws {
        let node = FakeNode()
        try await withServer(node) { port async throws in
            try await withClient(port) { client async throws in
                #expect(try await client.ask("GET", "/pods", token: Tokens.admin)?.status == 200)
                #expect(try await client.upgrade("command=id&output=1")?.status == 400)
                #expect(await client.rest().isEmpty)
            }
            try await withClient(port) { client async throws in
                #expect(try await client.upgrade("command=id&output=1", token: Tokens.nobody)?.status == 403)
                // What was sent with it, for whoever came after, is not read.
                try? await client.send(RawClient.request("GET", "/pods", token: Tokens.admin))
                #expect(await client.rest().isEmpty)
            }
            #expect(node.commands.isEmpty)
        }
    }

    @Test func `Commands are not in the log`() async throws {
        let log = KeptLog.Lines()
        try await withServer(log: log) { port async throws in
            try await withClient(port) { client async throws in
                #expect(try await client.upgrade("command=login&command=password-secret&output=1")?.status == 101)
            }
        }
        #expect(log.text.contains("exec") && log.text.contains("user") && !log.text.contains("password-secret"))
    }

    @Test func `curl speaks it`() async throws {
        // curl says which protocols it has in its version; 7.86 and newer can have WebSockets.
        let version = try await run("curl", ["--version"]).output
        guard version.contains(" wss") || version.contains(" ws ") else {
            try Test.cancel("this curl has no WebSockets")
        }
        let node = FakeNode()
        try await withServer(node) { port async throws in
            async let result = run(
                "curl",
                [
                    "-sS", "-N", "-H", "Authorization: Bearer \(Tokens.admin)", "-H",
                    "Sec-WebSocket-Protocol: v4.channel.k8s.io",
                    "ws://127.0.0.1:\(port)/exec/default/web/app?command=id&output=1",
                ])
            let session = try await self.session(of: node)
            session.says(.output(Array("uid=0(root)".utf8)))
            session.ends(0)
            #expect(try await result.output.contains("uid=0(root)"))
        }
    }
}
