// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NodeModel
import Synchronization
import SystemPackage
import Testing

@testable import NodeAgent

/// Time that passes when a test says so.
final class ManualClock: NodeClock {
    private struct State {
        var now = Timestamp(seconds: 1_800_000_000)
        var sleepers: [UInt64: (time: Timestamp, continuation: CheckedContinuation<Void, Never>)] = [:]
        var last: UInt64 = 0
        var cancelled: Set<UInt64> = []
        var bootID = "first"
    }
    private let state = Mutex(State())

    var now: Timestamp { state.withLock { $0.now } }
    var bootID: String? { state.withLock { $0.bootID } }

    /// The machine is started again.
    func reboot() { state.withLock { $0.bootID += " again" } }

    func sleep(until time: Timestamp) async {
        let id = state.withLock { state in
            state.last += 1
            return state.last
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.now >= time || state.cancelled.remove(id) != nil { return true }
                    state.sleepers[id] = (time, continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { state in
                if let sleeper = state.sleepers.removeValue(forKey: id) { return Optional(sleeper.continuation) }
                state.cancelled.insert(id)
                return nil
            }?.resume()
        }
    }

    func advance(_ duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now + duration
            let due = state.sleepers.filter { $0.value.time <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in due { continuation.resume() }
    }
}

/// A node whose kernel and disk outlast its agents, with a folder of manifests.
final class TestNode: Sendable {
    let kernel = FakeKernel()
    let clock = ManualClock()
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "bulkhead-agent-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(at: folder) }

    static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    /// Writes a manifest as an editor does.
    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: name), options: .atomic)
    }
    func remove(_ name: String) throws { try FileManager.default.removeItem(at: folder.appending(path: name)) }

    func agent(_ life: AgentLife = AgentLife(), starts: Int = 8, endLimit: Duration = .seconds(60)) -> NodeAgent {
        let configuration = NodeAgentConfiguration(
            manifests: FilePath(folder.path), state: "/nowhere", quietInterval: .milliseconds(1), startsAtATime: starts,
            endLimit: endLimit)
        return NodeAgent(
            configuration: configuration, runtime: FakeRuntime(kernel, life), logger: Self.silent, clock: clock
        ) { [kernel] () throws(StateError) in FakeFiles(kernel: kernel, life: life) }
    }

    /// Runs an agent as long as the body takes, and then ends it as SIGTERM does.
    func withAgent<Value: Sendable>(
        _ life: AgentLife = AgentLife(), starts: Int = 8, _ body: (NodeAgent) async throws -> Value
    ) async throws -> Value {
        let agent = agent(life, starts: starts)
        let task = Task { try await agent.run() }
        do {
            let value = try await body(agent)
            task.cancel()
            _ = await task.result
            return value
        } catch {
            task.cancel()
            _ = await task.result
            throw error
        }
    }
}

struct NeverHappened: Error, CustomStringConvertible {
    let description: String
}

/// Waits until something is so. The limit is for a machine that is busy with ten other things.
func eventually(
    _ what: String, within limit: Duration = .seconds(60), _ isSo: () async -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while !(await isSo()) {
        if ContinuousClock.now > end { throw NeverHappened(description: "it never happened: \(what)") }
        try await Task.sleep(for: .milliseconds(2))
    }
}

extension TestNode {
    /// Waits until something is so, while time passes.
    func eventually(
        _ what: String, passing step: Duration = .milliseconds(5), _ isSo: () async -> Bool
    ) async throws {
        try await NodeAgentTests.eventually(what) {
            clock.advance(step)
            return await isSo()
        }
    }
}

/// Manifests.
enum Manifest {
    static func pod(
        _ name: String, _ containers: [String] = ["app"], command: String = "a", more: String = ""
    ) -> String {
        let list = containers.map { "{name: \($0), image: host, command: [\"\(command)\"]}" }.joined(separator: ", ")
        return """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name)}
            spec:
              containers: [\(list)]
            \(more.isEmpty ? "" : "  " + more)
            """
    }

    static func job(
        _ name: String, _ fields: String = "", container: String = "app", memory: String = "64Mi",
        image: String = "host"
    ) -> String {
        """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: \(name)}
        spec:
        \(fields.split(separator: "\n").map { "  \($0)\n" }.joined())  template:
            spec:
              restartPolicy: Never
              containers:
              - {name: \(container), image: \(image), command: [run], resources: {limits: {memory: \(memory)}}}
        """
    }
}
