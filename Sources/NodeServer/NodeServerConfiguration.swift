// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
public import NodeModel

/// Where a node's server listens, whom it believes and whom it lets do what.
public struct NodeServerConfiguration: Sendable {
    /// The files of TLS, in PEM.
    public struct TLSFiles: Hashable, Sendable {
        /// The server's certificate, and those between it and its authority.
        public var certificate: String
        /// Its private key. Nobody but the owner and the group may read it.
        public var key: String
        /// The authorities that client certificates are verified against; nil to ask for none.
        public var clientCA: String?

        /// Files.
        public init(certificate: String, key: String, clientCA: String? = nil) {
            self.certificate = certificate
            self.key = key
            self.clientCA = clientCA
        }
    }

    /// The address to listen on, an IP address or a name. Without TLS it has to be this machine's own.
    public var host = "127.0.0.1"
    /// The port; 0 for any that is free.
    public var port = 10250
    /// TLS; nil for plain HTTP.
    public var tls: TLSFiles?
    /// A file of bearer tokens in the form of Kubernetes' static tokens: `token,user,uid,"group1,group2"`.
    public var tokenFile: String?
    /// Who may do what. What it does not allow is denied.
    public var policy: AccessPolicy
    /// What a client may take.
    public var limits = ServerLimits()

    /// A server on this machine's own address.
    public init(policy: AccessPolicy) { self.policy = policy }

    /// Whether the address is this machine's own: nobody else can listen to what is sent to it.
    var isLoopback: Bool {
        // Of a name that only looks like an address, anything can come.
        switch try? SocketAddress(ipAddress: host, port: port) {
        case .v4: host.hasPrefix("127.")
        case .v6: host == "::1"
        default: host == "localhost"
        }
    }
}

/// What clients may take of a server, together and each.
public struct ServerLimits: Hashable, Sendable {
    /// The bytes of a request's line and headers.
    public var headerBytes = 32 * 1024
    /// The number of headers.
    public var headerCount = 100
    /// The bytes of a request's body. No endpoint reads one.
    public var bodyBytes = 64 * 1024
    /// The bytes of a message that a client of exec sends.
    public var messageBytes = 1024 * 1024
    /// Connections in all.
    public var connections = 512
    /// Connections of one address.
    public var connectionsPerPeer = 128
    /// The time from the connection to the end of the first request's headers, the handshake of TLS in it.
    public var headerTime: Duration = .seconds(10)
    /// The time between two requests of a connection, to the end of the second one's headers.
    public var idleTime: Duration = .seconds(60)
    /// The time of a request, from its headers to the end of the answer; a log that is followed and exec have no end, but
    /// their client has this long to read what it was sent.
    public var requestTime: Duration = .seconds(60)
    /// How often a client of exec is asked whether it is there; it is given up at the third time without a word.
    public var pingTime: Duration = .seconds(20)
    /// How long requests may go on when the server ends.
    public var shutdownTime: Duration = .seconds(5)

    /// Limits for the clients of a node: monitoring, and a few people.
    public init() {}
}
