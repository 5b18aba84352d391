// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

let agentProgram = builtProgram("bulkheadd", namedBy: "BULKHEADD_TOOL")
let agentIsThere = Requirement(
    "agent", absence: agentProgram == nil ? "bulkheadd is not beside the tests; BULKHEADD_TOOL names it" : nil)

/// An agent with folders and a cgroup of its own. All that it began is gone when this is.
final class AgentPlace {
    let scratch: Scratch
    /// The cgroup that holds its pods, from the root of version 2.
    let root: String
    private var agent: Child?
    private(set) var port = 0

    init() throws {
        scratch = try mappableScratch()
        root = TestTree.newName()
        for folder in ["manifests", "state"] { try scratch.folder(folder) }
        try tokens("monitoring-token,prometheus,1,\noperator-token,ann,2,\"node-operators\"\n")
        try scratch.file("policy", try String(contentsOfFile: Self.policy, encoding: .utf8))
    }

    /// What the file of tokens holds.
    func tokens(_ text: String) throws {
        try scratch.file("tokens", text)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: scratch.path("tokens"))
    }

    /// The policy that the examples have, as guests get it and as the sources do.
    private static var policy: String {
        let vectors = ProcessInfo.processInfo.environment["BULKHEAD_VECTORS"]
        return vectors.map { "\($0)/agent-policy.yaml" }
            ?? URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Examples/Agent/policy.yaml")
            .path
    }

    deinit {
        try? removeAll()
        _ = try? end(SIGKILL)
        try? Cgroup.root().removeChild(root, timeout: .seconds(10))
    }

    /// A place whose agent runs a pod `one`.
    static func withPod() throws -> AgentPlace {
        let place = try AgentPlace()
        try place.start()
        try place.write("one.yaml", pod("one"))
        let isRunning = try eventually(.seconds(60)) { try place.phases() == ["one": "Running"] }
        try #require(isRunning, "\(place.scratch.text("log"))")
        return place
    }

    /// Starts the agent and waits until it serves. A host without the memory controller is enough.
    func start(_ options: String...) throws {
        let log = scratch.path("log")
        let before = (try? String(contentsOfFile: log, encoding: .utf8))?.utf8.count ?? 0
        var launch = Launch(
            try #require(agentProgram),
            arguments: [
                "--manifests", scratch.path("manifests"), "--state", scratch.path("state"), "--root", root,
                "--authz", scratch.path("policy"), "--tokens", scratch.path("tokens"), "--listen", "127.0.0.1:0",
                "--rescan", "1", "--best-effort",
            ] + options)
        launch.noNewPrivileges = false
        launch.environment = ProcessInfo.processInfo.environment
        launch.streams = Streams(input: .null, output: .null, error: try appendingFile(log))
        agent = try launch.start()
        let serves = try eventually(.seconds(60)) {
            let text = String(decoding: try Data(contentsOf: URL(filePath: log)).dropFirst(before), as: UTF8.self)
            guard let range = text.range(of: "address=127.0.0.1:") else { return false }
            port = Int(text[range.upperBound...].prefix(while: \.isNumber)) ?? 0
            return true
        }
        try #require(serves, "the agent does not serve: \(scratch.text("log"))")
    }

    private func appendingFile(_ path: String) throws -> Streams.Stream {
        .shared(SharedDescriptor(try Descriptor.open(FilePath(path), [.create, .writing, .append], mode: 0o644)))
    }

    /// Sends the agent a signal.
    func send(_ signal: Int32) throws { try agent?.send(signal: signal) }

    /// Ends the agent; how it ended.
    @discardableResult
    func end(_ signal: Int32 = SIGTERM) throws -> LinuxKernel.ExitStatus? {
        guard let child = agent.take() else { return nil }
        try child.send(signal: signal)
        return try child.wait().status
    }

    /// Puts a manifest in place, whole.
    func write(_ name: String, _ text: String) throws {
        try scratch.file("new", text)
        let result = unsafe rename(scratch.path("new"), scratch.path("manifests/\(name)"))
        try #require(result == 0)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: scratch.path("manifests/\(name)")) }

    /// Asks the agent by curl; the status code, and what it answered.
    func ask(_ path: String, token: String? = "operator-token", _ options: String = "") throws -> (
        code: Int, text: String
    ) {
        let authorization = token.map { "-H 'Authorization: Bearer \($0)'" } ?? ""
        let found = try shell(
            "curl -sS -m 30 -w '\\n%{http_code}' \(authorization) \(options) 'http://127.0.0.1:\(port)\(path)'")
        let lines = found.output.split(separator: "\n", omittingEmptySubsequences: false)
        return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
    }

    func json(_ path: String) throws -> Document {
        let (code, text) = try ask(path)
        try #require(code == 200, "\(path): \(code) \(text)")
        return Document(try JSONSerialization.jsonObject(with: Data(text.utf8)))
    }

    /// The phases of the pods by name.
    func phases() throws -> [String: String] {
        var phases: [String: String] = [:]
        for pod in try json("/pods")["items"].all {
            phases[pod["metadata"]["name"].text ?? ""] = pod["status"]["phase"].text
        }
        return phases
    }

    /// The process ids in a container's cgroup and those below.
    func processes() throws -> Set<Int> {
        let host = try #require(CgroupHost.probe().root)
        let found = try shell("find \(host)/\(root) -name cgroup.procs -exec cat {} + 2>/dev/null; true")
        return Set(found.output.split(separator: "\n").compactMap { Int($0) })
    }

    /// Ends all pods in the way of a user: no manifest is left.
    func removeAll() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: scratch.path("manifests")) { try remove(name) }
        if agent == nil {
            guard FileManager.default.fileExists(atPath: "\(try #require(CgroupHost.probe().root))/\(root)") else {
                return
            }
            try start()
        }
        let isEmpty = try eventually(.seconds(120)) { try processes().isEmpty && phases().isEmpty }
        try #require(isEmpty, "\(scratch.text("log"))")
    }

    /// A pod that says something and stays.
    static func pod(
        _ name: String, says: String = "hello", sleeps seconds: Int = 1_000_000, grace: Int = 1, more: String = ""
    ) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          hostUsers: false
          terminationGracePeriodSeconds: \(grace)
          containers:
            - name: app
              image: host
              command: ["/bin/sh", "-c", "echo \(says); exec sleep \(seconds)"]
        \(more)
        """
    }
}
