// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
internal import Launching
internal import LinuxKernel
internal import Logging
internal import NodeAgent
internal import NodeModel
internal import NodeServer
internal import ServiceLifecycle
internal import SystemPackage
internal import ToolOutput
internal import ToolParsing
internal import UnixSignals

/// The agent `bulkheadd`.
public struct AgentCommand: AsyncParsableCommand {
    /// Name and help.
    public static let configuration = CommandConfiguration(
        commandName: "bulkheadd",
        abstract: "Keeps the pods of a node as a directory of Kubernetes manifests says, and serves what they do.",
        discussion: """
            Every Pod and Job in the directory is run, with cgroups whose memory protection holds, user namespaces, ID-mapped \
            volumes, capabilities and system call filters. A manifest that is wrong is reported, and what was in force \
            before stays so. Ended by SIGTERM the agent leaves the pods running; however it ended, the next one takes \
            them over.

            It serves the kubelet's endpoints: /healthz, /metrics, /pods, /runningpods/, /stats/summary, /configz, \
            /logs/, /containerLogs/NAMESPACE/POD/CONTAINER, /exec/NAMESPACE/POD/CONTAINER. Who may ask for what is \
            decided by a policy in the form of Kubernetes RBAC; without one, nobody may. `bulkhead authz explain` \
            tells what a request needs.

            SIGHUP has policy, tokens and certificates read again; when one is wrong, nothing changes.

            Exit codes: 0 ended by a signal, 1 failed, 2 wrong usage, 3 not possible on this host.

            Examples:
              bulkheadd --manifests /etc/bulkhead/manifests
              bulkheadd --manifests m --state s --authz policy.yaml --tokens tokens.csv --image busybox=/srv/busybox
            """, version: toolVersion)

    @OptionGroup(title: "Pods") var node: NodeOptions
    @OptionGroup(title: "Server") var server: ServerOptions

    @Option(
        help: .init(
            "The least that is logged: trace, debug, info, notice, warning, error, critical.", valueName: "level"),
        transform: { text in
            guard let level = Logger.Level(rawValue: text) else {
                throw ValidationError(
                    "'\(text)' is not one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return level
        })
    var logLevel: Logger.Level = .info

    /// Made by the parser.
    public init() {}

    /// Runs the agent with the arguments of the command line (the program's name first); the exit code.
    public nonisolated(nonsending) static func run(_ commandLine: [String]) async -> Int32 {
        await exitCode(of: commandLine)
    }

    /// A few descriptors for each pod and each client: as many as whoever started the agent allows.
    /// - Returns: what it was before, which is the pods'.
    private static func raiseDescriptorLimit() throws -> ResourceLimit {
        let kind = ResourceLimit.Kind.openFiles
        let (soft, hard) = try ProcessCall.limit(kind.rawValue, ofProcess: 0, called: "\(kind)")
        try ProcessCall.setLimit(kind.rawValue, ofProcess: 0, to: (hard, hard), called: "\(kind)")
        return ResourceLimit(kind, soft: soft, hard: hard)
    }

    /// The kernel is to kill pods before it kills the agent: also where a process of a container that runs out of memory
    /// shares the agent's while it is being started.
    private static func escapeOutOfMemory(_ logger: Logger) {
        do {
            try Descriptor.open("/proc/self/oom_score_adj", .writing).write(Array("-1000".utf8))
        } catch {
            logger.warning("the agent may be killed when memory runs out", metadata: ["cause": "\(error)"])
        }
    }

    /// Runs it until a signal ends it.
    public func run() async throws {
        guard effectiveUserID == 0 else {
            throw ToolFailure(.impossible, "an agent needs ranges of ids and cgroups, which only root may take")
        }
        // From here on: a reload that comes before the files are read has nothing to do, and ends nothing.
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        LoggingSystem.bootstrap { [logLevel] label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = logLevel
            return handler
        }
        let logger = Logger(label: "bulkheadd")
        var settings = try node.settings()
        try settings.makeRoomForPods()
        settings.runtime.limits = [try Self.raiseDescriptorLimit()]
        Self.escapeOutOfMemory(logger)
        let runtime = try LinuxPodRuntime(settings.runtime)
        let agent = NodeAgent(configuration: settings.agent, runtime: runtime, logger: logger)
        let service = AgentService(
            agent: agent, runtime: runtime, settings: settings, server: server)
        var services: [any Service] = [Running("agent") { try await agent.run() }]
        let server = try server.configuration().map { configuration in
            let server = try NodeServer(service, configuration: configuration, logger: logger)
            services.append(
                Running("server") {
                    try await server.run { port in
                        logger.notice("serving", metadata: ["address": "\(configuration.host):\(port)"])
                    }
                })
            return server
        }
        services.append(
            Running("reload") { [options = self.server] in
                for await _ in hangups { options.reload(server, logger) }
            })
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(20)
        try await ServiceGroup(configuration: configuration).run()
    }
}

/// Work that ends when it is cancelled, as a service that ends when it is asked to.
private struct Running: Service, CustomStringConvertible {
    let description: String
    private let work: @Sendable () async throws -> Void

    init(_ name: String, _ work: @escaping @Sendable () async throws -> Void) {
        description = name
        self.work = work
    }

    func run() async throws { try await cancelWhenGracefulShutdown(work) }
}
