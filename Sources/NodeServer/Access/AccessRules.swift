// SPDX-License-Identifier: Apache-2.0

internal import NIOSSL
internal import NodeModel
internal import Synchronization

/// Whom a server believes and what it lets them do, as its files said when they were read last.
final class AccessRules: Sendable {
    /// All that can be read again while the server runs.
    struct Contents: Sendable {
        let policy: AccessPolicy
        let tokens: BearerTokens
        let tls: NIOSSLContext?

        init(_ configuration: NodeServerConfiguration) throws(NodeServerError) {
            guard configuration.tls != nil || configuration.isLoopback else {
                throw .unsafe(
                    "\(configuration.host) can be reached by others, and without TLS they read tokens: give a "
                        + "certificate and a key, or listen on 127.0.0.1")
            }
            policy = configuration.policy
            if let file = configuration.tokenFile {
                tokens = try BearerTokens(file: file)
            } else {
                tokens = BearerTokens()
            }
            tls = try configuration.tls?.context()
        }
    }

    private let contents: Mutex<Contents>

    init(_ contents: Contents) { self.contents = Mutex(contents) }

    /// What is in force: each request is asked about once.
    var current: Contents { contents.withLock { $0 } }

    /// From now on this is in force.
    func replace(_ new: Contents) { contents.withLock { $0 = new } }
}
