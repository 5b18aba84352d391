// SPDX-License-Identifier: Apache-2.0

import Logging
import NodeModel
import PodManifests
import TestSupport
import Testing

@testable import NodeServer

@Suite(.timeLimit(.minutes(2))) struct ReloadTests {
    private let folder: Folder
    private let log = KeptLog.Lines()

    init() throws {
        folder = try Folder()
        try folder.write("tokens", Tokens.file)
    }

    private func configuration(_ policy: AccessPolicy? = nil) throws -> NodeServerConfiguration {
        var configuration = NodeServerConfiguration(
            policy: try policy ?? AccessPolicyFile(parsing: Tokens.policy, file: "policy.yaml").policy)
        configuration.port = 0
        configuration.tokenFile = "\(folder.path)/tokens"
        return configuration
    }

    private func server() throws -> NodeServer {
        try NodeServer(
            FakeNode(), configuration: configuration(), logger: Logger(label: "test") { _ in KeptLog(kept: log) })
    }

    @Test func `Tokens and policy that were read again hold for connections that were there before`() async throws {
        let server = try server()
        try await whileRunning(server) { port async throws in
            try await withClient(port) { client async throws in
                #expect(try await client.ask("GET", "/pods", token: Tokens.pods)?.status == 200)
                try folder.write("tokens", "another-token-0123456789,dashboard,3")
                try server.reload(configuration())
                #expect(try await ask(port, "/pods", token: Tokens.pods)?.status == 401)
                #expect(try await client.ask("GET", "/pods", token: "another-token-0123456789")?.status == 200)
                try server.reload(configuration(AccessPolicy()))
                #expect(try await client.ask("GET", "/pods", token: "another-token-0123456789")?.status == 403)
            }
        }
    }

    @Test func `When one of the files is wrong, nothing changes`() async throws {
        let server = try server()
        try await whileRunning(server) { port async throws in
            try folder.write("tokens", "no token, nor user")
            #expect(throws: NodeServerError.self) { try server.reload(configuration(AccessPolicy())) }
            try folder.write("tokens", Tokens.file, mode: 0o644)
            #expect(throws: NodeServerError.self) { try server.reload(configuration(AccessPolicy())) }
            #expect(try await ask(port, "/pods", token: Tokens.pods)?.status == 200)
            var other = try configuration()
            try folder.write("tokens", Tokens.file)
            other.tls = .init(certificate: "/nowhere", key: "/nowhere")
            #expect(throws: NodeServerError.unsafe("a server that runs does not begin or end to speak TLS")) {
                try server.reload(other)
            }
        }
    }

    @Test(.needs(.command("openssl"))) func `A certificate that was read again is shown to who connects then`()
        async throws
    {
        let certificates = try await Certificates(["next"])
        var configuration = try configuration()
        func files(_ name: String) -> NodeServerConfiguration.TLSFiles {
            .init(
                certificate: certificates.path("\(name).pem"), key: certificates.path("\(name).key"),
                clientCA: certificates.path("ca.pem"))
        }
        configuration.tls = files("server")
        let server = try NodeServer(
            FakeNode(), configuration: configuration, logger: Logger(label: "test") { _ in KeptLog(kept: log) })
        configuration.tls = files("next")
        try await whileRunning(server) { [configuration] port async throws in
            func shown() async throws -> String {
                let result = try await run(
                    "openssl", ["s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", certificates.path("ca.pem")])
                return result.output
            }
            #expect(try await shown().contains(/CN ?= ?node-1/))
            try server.reload(configuration)
            #expect(try await shown().contains(/CN ?= ?node-2/))
        }
    }
}
