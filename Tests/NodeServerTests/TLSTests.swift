// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import NIOSSL
import NodeModel
import TestSupport
import Testing

@testable import NodeServer

/// Certificates of one test, made by openssl.
struct Certificates {
    let folder: Folder

    /// Who signs, whom it names, for what, for how many days.
    private static let kinds: [String: (authority: String, subject: String, use: String, days: String)] = [
        "server": ("ca", "/CN=node-1", "serverAuth", "2"),
        "next": ("ca", "/CN=node-2", "serverAuth", "2"),
        "monitor": ("ca", "/O=monitoring/O=viewers/CN=prometheus", "clientAuth", "2"),
        "stranger": ("other", "/O=system:masters/CN=root", "clientAuth", "2"),
        "impostor": ("ca", "/O=system:masters/CN=root", "serverAuth", "2"),
        "nameless": ("ca", "/O=system:masters", "clientAuth", "2"),
        "twice": ("ca", "/CN=root/CN=prometheus", "clientAuth", "2"),
        "expired": ("ca", "/O=system:masters/CN=root", "clientAuth", "-1"),
    ]

    /// The server's, and those that are named.
    init(_ names: [String]) async throws {
        folder = try Folder()
        try await authority("ca")
        if names.contains("stranger") { try await authority("other") }
        for name in ["server"] + names {
            let kind = try #require(Self.kinds[name])
            let extensions = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=\(kind.use)"
            try await issue(name, by: kind.authority, subject: kind.subject, extensions, days: kind.days)
        }
    }

    func path(_ name: String) -> String { "\(folder.path)/\(name)" }

    private func openssl(_ arguments: String...) async throws {
        let result = try await run("openssl", arguments)
        try #require(result.status == 0, "\(result.output)")
    }

    private func authority(_ name: String) async throws {
        try await key(name)
        try await openssl(
            "req", "-x509", "-new", "-key", path("\(name).key"), "-subj", "/CN=\(name)", "-days", "2", "-out",
            path("\(name).pem"))
    }

    private func key(_ name: String) async throws {
        try await openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", path("\(name).key"))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path("\(name).key"))
    }

    private func issue(
        _ name: String, by authority: String, subject: String, _ extensions: String, days: String
    ) async throws {
        try await key(name)
        let file = try folder.write("\(name).ext", extensions)
        try await openssl("req", "-new", "-key", path("\(name).key"), "-subj", subject, "-out", path("\(name).csr"))
        try await openssl(
            "x509", "-req", "-in", path("\(name).csr"), "-CA", path("\(authority).pem"), "-CAkey",
            path("\(authority).key"), "-CAcreateserial", "-days", days, "-extfile", file, "-out", path("\(name).pem"))
    }

    /// What a client connects with.
    func client(_ name: String?) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(path("ca.pem"))
        configuration.certificateVerification = .noHostnameVerification
        if let name {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(path("\(name).pem")).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: path("\(name).key"), format: .pem))
        }
        return try NIOSSLContext(configuration: configuration)
    }
}

@Suite(.timeLimit(.minutes(3))) struct TLSTests {
    private func withTLS(
        _ names: String..., clientCA: Bool = true, _ body: @Sendable @escaping (Int, Certificates) async throws -> Void
    ) async throws {
        let certificates = try await Certificates(names)
        try await withServer(configure: { configuration, _ in
            configuration.tls = .init(
                certificate: certificates.path("server.pem"), key: certificates.path("server.key"),
                clientCA: clientCA ? certificates.path("ca.pem") : nil)
        }) { port in try await body(port, certificates) }
    }

    @Test(.needs(.command("openssl")))
    func `A client certificate's common name is the user, its organizations are groups`()
        async throws
    {
        try await withTLS("monitor") { port, certificates async throws in
            try await withClient(port, tls: certificates.client("monitor")) { client async throws in
                #expect(try await client.ask("GET", "/metrics")?.status == 200)
                let denied = try #require(try await client.ask("POST", "/run/default/web/app"))
                #expect(denied.status == 403 && denied.text.contains("user=prometheus, verb=create"))
                // The certificate goes before a token, and a wrong token beside it does no harm.
                #expect(try await client.ask("POST", "/pods", token: Tokens.admin)?.status == 403)
                #expect(try await client.ask("GET", "/metrics", token: "wrong")?.status == 200)
            }
            // And the attack with it.
            try await withClient(port, tls: certificates.client("monitor")) { client async throws in
                let headers = [
                    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: v5.channel.k8s.io",
                ]
                let answer = try await client.ask("GET", "/exec/default/web/app?command=id&output=1", headers: headers)
                #expect(answer?.status == 403)
            }
        }
    }

    @Test(.needs(.command("openssl")))
    func `A certificate of another authority, for another use or too old is no way in`()
        async throws
    {
        try await withTLS("stranger", "impostor", "expired", "nameless", "twice") { port, certificates async throws in
            for name in ["stranger", "impostor", "expired"] {
                let status = try? await withClient(port, tls: certificates.client(name)) { client async throws in
                    try await client.ask("GET", "/pods", token: Tokens.admin)?.status
                }
                #expect(status == .some(nil) || status == nil, "\(name)")
            }
            for name in ["nameless", "twice"] {
                let answer = try await withClient(port, tls: certificates.client(name)) {
                    try await $0.ask("GET", "/pods")
                }
                #expect(answer?.status == 401, "\(name)")
            }
        }
    }

    @Test(.needs(.command("openssl"))) func `Without a certificate a token counts, and without either nothing`()
        async throws
    {
        for clientCA in [true, false] {
            try await withTLS(clientCA: clientCA) { port, certificates async throws in
                try await withClient(port, tls: certificates.client(nil)) { client async throws in
                    #expect(try await client.ask("GET", "/pods", token: Tokens.pods)?.status == 200)
                    #expect(try await client.ask("GET", "/pods")?.status == 401)
                }
                // Plain HTTP is not answered.
                #expect(try await ask(port, "/pods", token: Tokens.pods) == nil)
            }
        }
        // A server that asks for no certificate believes none.
        try await withTLS("stranger", clientCA: false) { port, certificates async throws in
            try await withClient(port, tls: certificates.client("stranger")) { client async throws in
                #expect(try await client.ask("GET", "/pods")?.status == 401)
            }
        }
    }

    @Test(.needs(.command("openssl"))) func `curl comes in with its certificate`() async throws {
        try await withTLS("monitor") { port, certificates async throws in
            let result = try await run(
                "curl",
                [
                    "-sS", "--cacert", certificates.path("ca.pem"), "--cert", certificates.path("monitor.pem"), "--key",
                    certificates.path("monitor.key"), "https://127.0.0.1:\(port)/metrics",
                ])
            #expect(result.status == 0 && result.output.contains("kubelet_http_inflight_requests"), "\(result.output)")
            let old = try await run(
                "curl", ["-sS", "-k", "--tls-max", "1.1", "https://127.0.0.1:\(port)/metrics"])
            #expect(old.status != 0)
        }
    }

    @Test(.needs(.command("openssl")))
    func `A key that others may read is refused, and so is one of another certificate`()
        async throws
    {
        let certificates = try await Certificates(["monitor"])
        let logger = silent
        func refusal(_ certificate: String, _ key: String) -> NodeServerError? {
            var configuration = NodeServerConfiguration(policy: AccessPolicy())
            configuration.tls = .init(certificate: certificates.path(certificate), key: certificates.path(key))
            do throws(NodeServerError) {
                _ = try NodeServer(FakeNode(), configuration: configuration, logger: logger)
                return nil
            } catch { return error }
        }
        #expect(refusal("server.pem", "server.key") == nil)
        for mode in [0o644, 0o604, 0o620, 0o660] {
            try FileManager.default.setAttributes(
                [.posixPermissions: mode], ofItemAtPath: certificates.path("server.key"))
            guard case .unsafe(let reason) = refusal("server.pem", "server.key") else {
                Issue.record("mode \(String(mode, radix: 8)) is taken")
                continue
            }
            #expect(reason.contains("chmod 0600"))
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: certificates.path("server.key"))
        #expect(refusal("server.pem", "server.key") == nil)
        for (certificate, key) in [
            ("server.pem", "monitor.key"), ("server.key", "server.key"), ("server.pem", "ca.pem"),
            ("none", "server.key"),
        ] {
            #expect(refusal(certificate, key) != nil, "\(certificate) \(key)")
        }
    }

    @Test(.needs(.command("openssl"))) func `Of a certificate cut off or changed anywhere, no name is made up`()
        async throws
    {
        let certificates = try await Certificates(["monitor"])
        let pem = try NIOSSLCertificate.fromPEMFile(certificates.path("monitor.pem"))
        let bytes = try #require(try pem.first?.toDERBytes())
        let subject = try CertificateSubject(certificate: bytes)
        #expect(subject.commonName == "prometheus" && subject.organizations == ["monitoring", "viewers"])
        #expect(subject.account == Account(name: "prometheus", groups: ["monitoring", "viewers"]))
        for length in bytes.indices {
            #expect(throws: (any Error).self) { try CertificateSubject(certificate: Array(bytes[..<length])) }
        }
        // Changed, it may name another (the signature is what TLS looks at), or be refused; it never ends the process.
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                _ = try? CertificateSubject(certificate: changed)
            }
        }
    }
}
