// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NodeModel
import Testing

@testable import NodeServer

/// A logger that says nothing.
let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }

@Suite(.timeLimit(.minutes(1))) struct ConfigurationTests {
    private func refusal(_ change: (inout NodeServerConfiguration) -> Void) -> NodeServerError? {
        var configuration = NodeServerConfiguration(policy: AccessPolicy())
        change(&configuration)
        do throws(NodeServerError) {
            _ = try NodeServer(FakeNode(), configuration: configuration, logger: silent)
            return nil
        } catch { return error }
    }

    @Test(arguments: [
        "0.0.0.0", "::", "10.0.0.1", "node-1", "127.0.0.1.example.org", "localhost.example.org",
        "127.node.example.org", "127.0.0.x", "",
    ])
    func `Without TLS only this machine's own address is listened on`(host: String) {
        guard case .unsafe(let reason) = refusal({ $0.host = host }) else {
            Issue.record("\(host) is taken")
            return
        }
        #expect(reason.contains("without TLS"))
    }

    @Test(arguments: ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
    func `This machine's own addresses need no TLS`(host: String) { #expect(refusal { $0.host = host } == nil) }

    @Test func `A token file that others may read, or that says nothing clear, is refused`() throws {
        let folder = try Folder()
        let good = try folder.write("good", Tokens.file)
        #expect(refusal { $0.tokenFile = good } == nil)
        let open = try folder.write("open", Tokens.file, mode: 0o644)
        guard case .unsafe(let reason) = refusal({ $0.tokenFile = open }) else {
            Issue.record("an open file is taken")
            return
        }
        #expect(reason.contains(open))
        #expect(refusal { $0.tokenFile = folder.path + "/none" } != nil)
        #expect(refusal { $0.tokenFile = folder.path } != nil)
        for (line, problem) in [
            ("secret-token", "1 fields"), ("secret-token,user,1,a,b", "5 fields"), (",user,1", "1 to 1024 bytes"),
            ("secret-token,,1", "no user"), ("secret token,user,1", "a space"),
            ("secret-token,user,\"1", "does not end"),
            ("\(Tokens.admin),user,1", "given before"), ("\(String(repeating: "s", count: 1025)),user,1", "1 to 1024"),
        ] {
            let file = try folder.write("bad", "\(Tokens.file)\n\(line)\n")
            guard case .content(let place, let reason) = refusal({ $0.tokenFile = file }) else {
                Issue.record("\(line) is taken")
                continue
            }
            #expect(place == "\(file):6" && reason.contains(problem), "\(reason)")
            #expect(!reason.contains("secret") && !reason.contains(Tokens.admin))
        }
    }

    @Test func `A policy that others may write, or own, is refused`() throws {
        let folder = try Folder()
        #expect(try readTrusted(folder.write("good", "text", mode: 0o644), called: "the policy") == Array("text".utf8))
        for mode in [0o664, 0o646] {
            let open = try folder.write("open", "text", mode: mode)
            #expect(throws: NodeServerError.self) { try readTrusted(open, called: "the policy") }
        }
        guard getuid() == 0 else { return }
        let foreign = try folder.write("foreign", "text")
        try FileManager.default.setAttributes([.ownerAccountID: 1234], ofItemAtPath: foreign)
        let refusal = #expect(throws: NodeServerError.self) { try readTrusted(foreign, called: "the policy") }
        #expect(refusal?.description.contains("user 1234") == true)
        #expect(throws: NodeServerError.self) { try readSecret(foreign, called: "the token file") }
    }

    @Test(arguments: [
        ("10.0.0.1", "10.0.0.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8::1", "2001:db8:0:0::/64"),
        ("::1", "0:0:0:0::/64"), ("::ffff:10.0.0.1", "::ffff:10.0.0.1"), ("unknown", "unknown"),
    ])
    func `Connections are counted by address, of version 6 by network`(address: String, peer: String) {
        #expect(ConnectionCount.peer(address) == peer)
    }

    @Test func `Tokens are found whole, with the groups of their users`() throws {
        let text = "one,u1,1\r\ntwo,u2,2,g1\n three,u3,3,\"g1,g2\"\n\n# comment\nfo\"\"ur,\"u,4\",4,\"a \"\"b\"\"\"\n"
        let tokens = try BearerTokens(parsing: text, file: "tokens")
        #expect(tokens.account(holding: "one".utf8) == Account(name: "u1"))
        #expect(tokens.account(holding: "two".utf8)?.groups == ["g1", "system:authenticated"])
        #expect(tokens.account(holding: "three".utf8)?.groups == ["g1", "g2", "system:authenticated"])
        #expect(tokens.account(holding: "four".utf8)?.name == "u,4")
        for wrong in ["", "on", "onee", "One", "one\0", "one\0\0", "twothree"] {
            #expect(tokens.account(holding: wrong.utf8) == nil, "\(wrong)")
        }
        let long = String(repeating: "l", count: 1024)
        let longest = try BearerTokens(parsing: "\(long),u,1", file: "tokens")
        #expect(longest.account(holding: long.utf8) != nil)
        #expect(longest.account(holding: (long + "l").utf8) == nil)
    }

    @Test func `A port that is taken is an error that says so`() async throws {
        try await withServer { port in
            var configuration = NodeServerConfiguration(policy: AccessPolicy())
            configuration.port = port
            let second = try NodeServer(FakeNode(), configuration: configuration, logger: silent)
            await #expect(throws: NodeServerError.self) { try await second.run() }
        }
    }

    @Test(arguments: 0..<20)
    func `A server that is cancelled as it starts ends without a word`(attempt: Int) async throws {
        var configuration = NodeServerConfiguration(policy: AccessPolicy())
        configuration.port = 0
        let server = try NodeServer(FakeNode(), configuration: configuration, logger: silent)
        let running = Task { try await server.run() }
        for _ in 0..<attempt { await Task.yield() }
        running.cancel()
        try await running.value
    }

    @Test func `A query is decoded once, and what is no UTF-8 is refused`() throws {
        let query = try RequestQuery("/exec/a/b/c?command=a+b%20c&command=%2525&flag=true&empty&x=1=2#&y=1")
        #expect(query.values("command") == ["a b c", "%25"])
        #expect(try query.flag("flag") && !query.flag("empty", "absent"))
        #expect(query.values("x") == ["1=2"] && query.values("y").isEmpty)
        for bad in ["?a=%", "?a=%f", "?a=%zz", "?a=%+1", "?a=%ff", "?a=%00", "?%c3%28=1"] {
            #expect(throws: Refusal.self) { try RequestQuery(bad) }
        }
    }
}
