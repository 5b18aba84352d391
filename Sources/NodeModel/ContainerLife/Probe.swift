// SPDX-License-Identifier: Apache-2.0

/// A question that is asked of a container again and again.
///
/// Source: Kubernetes API reference, Probe.
public struct Probe: Hashable, Sendable {
    /// How it is asked.
    public enum Action: Hashable, Sendable {
        /// A command inside: it ends with 0, or it fails.
        case exec([String])
        /// A connection to a port.
        case tcpSocket(port: UInt16, host: String?)
        /// A request to a port: an answer from 200 to 399, or it fails.
        case httpGet(HTTPRequest)
        /// The health service of gRPC at a port.
        case grpc(port: UInt16, service: String)
    }
    /// A request.
    public struct HTTPRequest: Hashable, Sendable {
        /// Where; `/` unless said otherwise.
        public var path: String
        /// The port.
        public var port: UInt16
        /// The host; nil for the pod.
        public var host: String?
        /// Whether over TLS, without looking at the certificate.
        public var isTLS: Bool
        /// Headers, in order.
        public var headers: [Header]

        /// A header.
        public struct Header: Hashable, Sendable {
            /// The name.
            public var name: String
            /// The value.
            public var value: String

            /// A header.
            public init(name: String, value: String) {
                self.name = name
                self.value = value
            }
        }

        /// A request.
        public init(
            path: String = "/", port: UInt16, host: String? = nil, isTLS: Bool = false, headers: [Header] = []
        ) {
            self.path = path
            self.port = port
            self.host = host
            self.isTLS = isTLS
            self.headers = headers
        }
    }

    /// How it is asked.
    public var action: Action
    /// How long after its start a container is left alone.
    public var initialDelay: Duration
    /// How long an answer may take.
    public var timeout: Duration
    /// How often it is asked.
    public var period: Duration
    /// How many good answers in a row are one.
    public var successThreshold: Int
    /// How many bad answers in a row are one.
    public var failureThreshold: Int
    /// How long a container that is stopped for it has; nil for what the pod says.
    public var terminationGracePeriod: Duration?

    /// A question with the defaults of the Kubernetes API.
    public init(
        _ action: Action, initialDelay: Duration = .zero, timeout: Duration = .seconds(1),
        period: Duration = .seconds(10), successThreshold: Int = 1, failureThreshold: Int = 3,
        terminationGracePeriod: Duration? = nil
    ) {
        self.action = action
        self.initialDelay = initialDelay
        self.timeout = timeout
        self.period = period
        self.successThreshold = successThreshold
        self.failureThreshold = failureThreshold
        self.terminationGracePeriod = terminationGracePeriod
    }
}

/// What the answers to a probe are good for.
public enum ProbeKind: String, Hashable, Sendable, CaseIterable {
    /// Until it succeeds the other probes wait; when it fails the container is stopped.
    case startup
    /// When it fails the container is stopped.
    case liveness
    /// While it fails the container is not ready.
    case readiness
}
