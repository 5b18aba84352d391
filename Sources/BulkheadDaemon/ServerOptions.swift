// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Logging
internal import NodeModel
internal import NodeServer
internal import PodManifests
internal import ToolOutput

/// Where the agent serves, and to whom.
struct ServerOptions: ParsableArguments {
    @Option(
        help: .init(
            "Address and port; [::1]:10250 for version 6, 'none' to serve nothing. Without TLS only this machine's own.",
            valueName: "address:port"))
    var listen = "127.0.0.1:10250"

    @Option(
        help: .init("Who may do what: Roles and bindings of Kubernetes RBAC.", valueName: "file"), completion: .file())
    var authz: String?

    @Option(
        help: .init("Bearer tokens: lines of token,user,uid,\"group,group\".", valueName: "file"), completion: .file())
    var tokens: String?

    @Option(help: .init("The server's certificate, in PEM.", valueName: "file"), completion: .file())
    var tlsCert: String?

    @Option(help: .init("Its key, in PEM.", valueName: "file"), completion: .file())
    var tlsKey: String?

    @Option(help: .init("The authority of client certificates, in PEM.", valueName: "file"), completion: .file())
    var clientCA: String?

    func validate() throws {
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-cert and --tls-key belong together")
        }
        if clientCA != nil, tlsCert == nil {
            throw ValidationError("--client-ca: client certificates need TLS: give --tls-cert and --tls-key")
        }
        _ = try address
    }

    /// Host and port; nil for no server.
    var address: (host: String, port: Int)? {
        get throws {
            if listen == "none" { return nil }
            guard let colon = listen.lastIndex(of: ":"), let port = UInt16(listen[listen.index(after: colon)...]) else {
                throw ValidationError("--listen \(listen): expected ADDRESS:PORT, as 127.0.0.1:10250")
            }
            var host = String(listen[..<colon])
            if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
            guard !host.isEmpty else {
                throw ValidationError("--listen \(listen): the address is missing; 0.0.0.0 is every one")
            }
            return (host, Int(port))
        }
    }

    /// Reads the files again, for a server that runs.
    func reload(_ server: NodeServer?, _ logger: Logger) {
        do {
            guard let server, let configuration = try configuration() else { return }
            try server.reload(configuration)
            logger.notice("policy, tokens and certificates were read again")
        } catch {
            logger.error(
                "policy, tokens and certificates cannot be read again, and what was in force stays so",
                metadata: ["cause": "\(error)"])
        }
    }

    /// The configuration of the server; nil for none.
    func configuration() throws -> NodeServerConfiguration? {
        guard let address = try address else { return nil }
        var policy = AccessPolicy()
        if let authz {
            do {
                let bytes = try readTrusted(authz, called: "the policy")
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw ToolFailure(.failed, "\(authz): it is not UTF-8")
                }
                let file = try AccessPolicyFile(parsing: text, file: authz)
                for note in file.notes { Output.complain(note.printable) }
                policy = file.policy
            } catch let error as ManifestError { throw ToolFailure(.failed, "\(error)".printable) }
        }
        var configuration = NodeServerConfiguration(policy: policy)
        configuration.host = address.host
        configuration.port = address.port
        configuration.tokenFile = tokens
        if let tlsCert, let tlsKey {
            configuration.tls = NodeServerConfiguration.TLSFiles(certificate: tlsCert, key: tlsKey, clientCA: clientCA)
        }
        return configuration
    }
}
