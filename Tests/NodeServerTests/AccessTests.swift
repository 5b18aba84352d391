// SPDX-License-Identifier: Apache-2.0

import Foundation
import NodeModel
import NodeServer
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct AccessTests {
    @Test func `Without a token nothing is answered, not even whether a path exists`() async throws {
        try await withServer { port async throws in
            for path in ["/healthz", "/pods", "/metrics", "/nothing", "/exec/default/web/app?command=id"] {
                let answer = try #require(try await ask(port, path))
                #expect(answer.status == 401, "\(path)")
                #expect(answer.headers["www-authenticate"] != nil)
                let status = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any]
                #expect(status?["kind"] as? String == "Status" && status?["code"] as? Int == 401)
            }
        }
    }

    @Test func `What the policy allows is answered, and a denial names verb, subresources and user`() async throws {
        try await withServer { port async throws in
            #expect(try await ask(port, "/pods", token: Tokens.pods)?.status == 200)
            #expect(try await ask(port, "/metrics", token: Tokens.monitor)?.status == 200)
            #expect(try await ask(port, "/healthz", token: Tokens.admin)?.text == "ok")
            let denied = try #require(try await ask(port, "/configz", token: Tokens.pods))
            #expect(denied.status == 403)
            #expect(
                denied.text.contains("user=dashboard, verb=get, resource=nodes, subresource(s)=[configz proxy]"))
            #expect(try await ask(port, "/pods", token: Tokens.nobody)?.status == 403)
            #expect(try await ask(port, "POST", "/pods", token: Tokens.pods)?.status == 403)
            #expect(try await ask(port, "POST", "/pods", token: Tokens.admin)?.status == 405)
            #expect(try await ask(port, "/nothing", token: Tokens.admin)?.status == 404)
        }
    }

    @Test(arguments: [
        "wrong", "", "admin-token-012345678", "admin-token-01234567890", "Admin-token-0123456789",
        String(repeating: "a", count: 1024), String(repeating: "a", count: 4000),
    ])
    func `A wrong token is refused, and is no anonymous client`(token: String) async throws {
        try await withServer(configure: { configuration, _ in
            configuration.policy.bindings.append(
                AccessBinding(name: "all", role: "cluster-admin", subjects: [.group("system:unauthenticated")]))
        }) { port async throws in
            #expect(try await ask(port, "/pods")?.status == 200)
            #expect(try await ask(port, "/pods", headers: ["Authorization: Bearer \(token)"])?.status == 401)
            #expect(try await ask(port, "/pods", headers: ["Authorization: Basic \(token)"])?.status == 401)
        }
    }

    @Test func `Two tokens in one request are refused`() async throws {
        try await withServer { port async throws in
            let headers = ["Authorization: Bearer \(Tokens.nobody)", "Authorization: Bearer \(Tokens.admin)"]
            #expect(try await ask(port, "/pods", headers: headers)?.status == 400)
        }
    }

    // The attack: a monitoring account has `get` on nodes/proxy, and a WebSocket's handshake is a GET.
    @Test func `A monitoring token reads, but cannot execute a command over a WebSocket`() async throws {
        let node = FakeNode()
        try await withServer(node) { port async throws in
            let exec = "/exec/default/web/app?command=id&output=1"
            let handshake = [
                "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: v5.channel.k8s.io",
            ]
            let denied = try #require(try await ask(port, exec, token: Tokens.monitor, headers: handshake))
            #expect(denied.status == 403)
            #expect(denied.text.contains("verb=create"))
            // As a plain GET it is allowed, and starts nothing.
            #expect(try await ask(port, exec, token: Tokens.monitor)?.status == 400)
            // Halves of a handshake, other protocols, another spelling: none is taken for a plain GET and then upgraded.
            for headers in [
                ["Upgrade: websocket"], ["Connection: upgrade"], ["Connection: keep-alive, Upgrade"],
                ["Upgrade: SPDY/3.1", "Connection: Upgrade"], handshake.map { $0.uppercased() },
                handshake.map { $0.replacingOccurrences(of: "Connection: U", with: "Connection: close, u") },
            ] {
                #expect(try await ask(port, exec, token: Tokens.monitor, headers: headers)?.status == 403, "\(headers)")
            }
            for method in ["POST", "PUT", "OPTIONS"] {
                #expect(try await ask(port, method, exec, token: Tokens.monitor, headers: handshake)?.status == 403)
            }
            #expect(node.commands.isEmpty)
            // The same handshake with a token that may create.
            let status = try await withClient(port) { client async throws in
                try await client.send(RawClient.request("GET", exec, token: Tokens.admin, headers: handshake))
                return await client.head()?.status
            }
            #expect(status == 101)
            #expect(node.commands == [["id"]])
        }
    }

    @Test func `A path that a router could resolve to another is refused whoever asks`() async throws {
        try await withServer { port async throws in
            for path in [
                "/pods/../exec/a/b/c", "/pods/%2e%2e/configz", "//pods", "/pods%2fx", "/pods/%zz", "http://a/pods", "*",
            ] {
                let status = try await ask(port, path, token: Tokens.pods)?.status
                #expect(status == 400, "\(path)")
            }
            // Decoded once, by the one reader there is.
            #expect(try await ask(port, "/%70ods", token: Tokens.pods)?.status == 200)
            #expect(try await ask(port, "/%63onfigz", token: Tokens.pods)?.status == 403)
            #expect(try await ask(port, "/%2570ods", token: Tokens.admin)?.status == 404)
        }
    }

    @Test func `Decisions are counted by verb, subresource and decision, and logged without secrets`() async throws {
        let log = KeptLog.Lines()
        try await withServer(log: log) { port async throws in
            _ = try await ask(port, "/pods?secret=query-secret", token: Tokens.pods)
            _ = try await ask(port, "/configz", token: Tokens.pods)
            _ = try await ask(port, "/pods", token: "wrong-token-secret")
            let metrics = try #require(try await ask(port, "/metrics", token: Tokens.monitor)?.text)
            let name = "bulkhead_authorization_decisions_total"
            #expect(metrics.contains("\(name){decision=\"allow\",subresource=\"pods\",verb=\"get\"} 1\n"))
            #expect(metrics.contains("\(name){decision=\"deny\",subresource=\"configz\",verb=\"get\"} 1\n"))
            #expect(metrics.contains("bulkhead_authentication_attempts_total{method=\"token\",result=\"failure\"} 1\n"))
        }
        #expect(log.text.contains("authorization") && log.text.contains("ClusterRole/pods[0] by dashboard"))
        for secret in [Tokens.pods, Tokens.monitor, "wrong-token-secret", "query-secret"] {
            #expect(!log.text.contains(secret))
        }
    }

    // The fields are named as in the file.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    private struct Table: Decodable {
        struct Attributes: Decodable {
            let fine_grained: Bool
            let method: String
            let path: String
            let expected_verb: String
            let expected_subresources: [String]
        }
        let attributes: [Attributes]
    }

    @Test func `Every request of Kubernetes' table is allowed by each of its subresources, and by nothing else`()
        async throws
    {
        let table: Table = try vectors("kubelet_authz.json")
        let rows = table.attributes.filter {
            $0.fine_grained && $0.path.hasPrefix("/") && ["GET", "POST"].contains($0.method)
        }
        #expect(rows.count > 20)
        // A user for each pair of verb and subresource, and one that has all but it.
        let subresources = Set(rows.flatMap(\.expected_subresources)).sorted()
        let verbs = ["create", "get", "update", "patch", "delete"]
        var tokens: [String] = []
        var roles: [AccessRole] = []
        var bindings: [AccessBinding] = []
        for verb in verbs {
            for subresource in subresources {
                let name = "only-\(verb)-\(subresource)"
                tokens.append("token-\(name),\(name),1")
                roles.append(
                    AccessRole(name: name, rules: [AccessRule(verbs: [verb], resources: ["nodes/\(subresource)"])]))
                bindings.append(AccessBinding(name: name, role: name, subjects: [.user(name)]))
            }
        }
        let (text, policy) = (tokens.joined(separator: "\n"), AccessPolicy(roles: roles, bindings: bindings))
        try await withServer(configure: { configuration, folder in
            configuration.tokenFile = try folder.write("many", text)
            configuration.policy = policy
        }) { port async throws in
            try await withClient(port) { client async throws in
                for row in rows {
                    for verb in Set([row.expected_verb, "get", "create"]) where !verb.isEmpty {
                        for subresource in subresources {
                            let answer = try await client.ask(
                                row.method, row.path, token: "token-only-\(verb)-\(subresource)")
                            let isAllowed =
                                verb == row.expected_verb && row.expected_subresources.contains(subresource)
                            #expect(
                                (answer?.status != 403) == isAllowed, "\(row.method) \(row.path) \(verb) \(subresource)"
                            )
                        }
                    }
                }
            }
        }
    }
}
