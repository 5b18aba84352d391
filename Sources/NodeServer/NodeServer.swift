// SPDX-License-Identifier: Apache-2.0

internal import HummingbirdCore
public import Logging
internal import NIOCore
internal import NIOPosix

/// The HTTP(S) server of a node: the kubelet's endpoints over a ``NodeService``.
///
/// Every request is authenticated and authorized before an endpoint sees it, what the policy does not allow is denied, and
/// an upgrade to another protocol counts as `create` whatever the method says.
public struct NodeServer: Sendable {
    private let configuration: NodeServerConfiguration
    private let rules: AccessRules
    private let channel: NodeChannel
    private let logger: Logger

    /// Reads the files and refuses what is not safe. Nothing listens yet.
    /// - Parameters:
    ///   - service: what is served.
    ///   - configuration: where, to whom, and how much.
    ///   - logger: what is told; no token, no query and no body is ever.
    ///   - registry: what is measured, beside what the service measures.
    public init(
        _ service: any NodeService, configuration: NodeServerConfiguration, logger: Logger,
        registry: PrometheusRegistry = PrometheusRegistry()
    ) throws(NodeServerError) {
        rules = AccessRules(try AccessRules.Contents(configuration))
        let metrics = ServerMetrics(registry)
        let gate = AccessGate(
            rules: rules, nodeName: service.nodeName, metrics: metrics, logger: logger)
        channel = NodeChannel(
            responder: NodeResponder(
                service: service, gate: gate, metrics: metrics, startTime: NodeResponder.now()),
            limits: configuration.limits, rules: rules,
            connections: ConnectionCount(configuration.limits, metrics: metrics))
        self.configuration = configuration
        self.logger = logger
    }

    /// Reads the policy, the tokens and the certificates again, while clients are served: all of them or, when one is wrong,
    /// none. What is asked from then on is decided by them, on connections that were open before, too; whom a client's
    /// certificate names was found out when it connected.
    /// - Parameter configuration: where the files are. Address and limits stay what they were.
    public func reload(_ configuration: NodeServerConfiguration) throws(NodeServerError) {
        var configuration = configuration
        configuration.host = self.configuration.host
        guard (configuration.tls == nil) == (self.configuration.tls == nil) else {
            throw .unsafe("a server that runs does not begin or end to speak TLS")
        }
        rules.replace(try AccessRules.Contents(configuration))
    }

    /// Serves until the task is cancelled. Then no connection is accepted any more, requests have a while to end
    /// (``ServerLimits/shutdownTime``), and whatever is left is cut off.
    /// - Parameter listening: called once with the port, when clients can connect.
    public func run(
        _ listening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) async throws(NodeServerError) {
        let server = Server(
            childChannelSetup: channel,
            configuration: ServerConfiguration(address: .hostname(configuration.host, port: configuration.port)),
            onServerRunning: { channel in await listening(channel.localAddress?.port ?? 0) },
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        let serving = Task { try await server.run() }
        let end = configuration.limits.shutdownTime
        do {
            try await withTaskCancellationHandler {
                try await serving.value
            } onCancel: {
                Task {
                    let closing = Task { try await server.shutdownGracefully() }
                    let cutting = Task {
                        try await Task.sleep(for: end)
                        serving.cancel()
                    }
                    _ = await closing.result
                    _ = await serving.result
                    cutting.cancel()
                }
            }
        } catch {
            // Cancelled before it listened, it has nothing to end.
            if Task.isCancelled { return }
            throw .listening("\(configuration.host):\(configuration.port): \(error)")
        }
    }
}
