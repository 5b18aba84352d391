// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NodeModel
import NodeServer
import PodManifests
import Synchronization
import Testing

/// Tokens and what they allow, for most of the tests.
enum Tokens {
    static let admin = "admin-token-0123456789"
    static let monitor = "monitor-token-0123456789"
    static let pods = "pods-token-0123456789"
    static let nobody = "nobody-token-0123456789"

    static let file = """
        # who holds which
        \(admin),root,1,"system:masters"
        \(monitor),prometheus,2,"monitoring,viewers"
        \(pods),dashboard,3
        \(nobody),nobody,4,
        """

    /// The monitoring account has what many clusters give it: `get` on everything that `nodes/proxy` stands for.
    static let policy = """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: admins}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:kubelet-api-admin}
        subjects: [{kind: Group, name: "system:masters", apiGroup: rbac.authorization.k8s.io}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: monitoring}
        rules:
        - {apiGroups: [""], resources: [nodes/proxy, nodes/metrics, nodes/stats], verbs: [get]}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: monitoring}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: monitoring}
        subjects: [{kind: Group, name: monitoring, apiGroup: rbac.authorization.k8s.io}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: pods}
        rules:
        - {apiGroups: [""], resources: [nodes/pods], verbs: [get]}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: dashboard}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: pods}
        subjects: [{kind: User, name: dashboard, apiGroup: rbac.authorization.k8s.io}]
        """
}

/// A folder of one test, removed with it.
final class Folder: Sendable {
    let path: String
    init() throws {
        path = NSTemporaryDirectory() + "node-server-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ name: String, _ text: String, mode: Int = 0o600) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        return file
    }
}

/// Keeps what is logged.
struct KeptLog: LogHandler {
    final class Lines: Sendable {
        let lines = Mutex<[String]>([])
        var text: String { lines.withLock { $0.joined(separator: "\n") } }
    }
    let kept: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
        kept.lines.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
    }
}

/// Runs a server with the tokens above on a free port, and ends it.
func withServer<Value: Sendable>(
    _ node: FakeNode = FakeNode(), log: KeptLog.Lines = KeptLog.Lines(),
    configure: (inout NodeServerConfiguration, Folder) throws -> Void = { _, _ in },
    _ body: @Sendable @escaping (_ port: Int) async throws -> Value
) async throws -> Value {
    let folder = try Folder()
    let policy = try AccessPolicyFile(parsing: Tokens.policy, file: "policy.yaml").policy
    var configuration = NodeServerConfiguration(policy: policy)
    configuration.port = 0
    configuration.tokenFile = try folder.write("tokens", Tokens.file)
    configuration.limits.shutdownTime = .seconds(1)
    try configure(&configuration, folder)
    let logger = Logger(label: "test") { _ in KeptLog(kept: log) }
    return try await whileRunning(try NodeServer(node, configuration: configuration, logger: logger), body)
}

/// Runs a server, and ends it.
func whileRunning<Value: Sendable>(
    _ server: NodeServer, _ body: @Sendable @escaping (_ port: Int) async throws -> Value
) async throws -> Value {
    let (ports, continuation) = AsyncStream<Int>.makeStream()
    let running = Task {
        defer { continuation.finish() }
        try await server.run { continuation.yield($0) }
    }
    defer { running.cancel() }
    for await port in ports {
        let value = try await body(port)
        running.cancel()
        try await running.value
        return value
    }
    try await running.value
    throw CancellationError()
}

/// Waits until something holds; a test's own time limit ends it.
func eventually(_ condition: () async throws -> Bool) async throws {
    while !(try await condition()) { try await Task.sleep(for: .milliseconds(10)) }
}
