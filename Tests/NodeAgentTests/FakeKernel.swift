// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Synchronization

@testable import NodeAgent

/// What outlasts an agent: what runs, what the kernel shows of it, and the disk.
final class FakeKernel: Sendable {
    struct Process: Hashable {
        var pod: String
        var uid: String
        var container: String
        var attempt: Int
        /// What tells versions of a pod apart.
        var command: [String]
        var memory: Quantity?
    }
    struct Group {
        var attempt: Int
        var process: Process?
        var hasRun = false
        var code: Int32?
    }
    struct State {
        var groups: [String: [String: Group]] = [:]
        var starts: [Process] = []
        var violations: [String] = []
        var disk: [String: [UInt8]] = [:]
        var isDiskFull = false
        var aside: [String] = []
        var removed: [String] = []
        var operations: [String: Int] = [:]
        /// What fails, by `operation uid` or `operation container`.
        var failures: [String: PodRuntimeError] = [:]
        /// Answers of probes by container; nil for none yet.
        var answers: [String: Bool] = [:]
        var watcher: (ends: AsyncStream<ContainerEnd>.Continuation, watched: Set<String>)?
        /// Containers that end by themselves at once, with a code.
        var shortLived: [String: Int32] = ["init": 0, "work": 0]
        /// Containers whose start never returns.
        var hanging: Set<String> = []
        /// Containers that the signal to stop does not end.
        var stubborn: Set<String> = []
    }
    let state = Mutex(State())

    var running: [Process] {
        state.withLock { $0.groups.values.flatMap { $0.values.compactMap(\.process) } }
            .sorted { ($0.uid, $0.container) < ($1.uid, $1.container) }
    }
    var starts: [Process] { state.withLock { $0.starts } }
    var violations: [String] { state.withLock { $0.violations } }
    var pods: Set<String> { state.withLock { Set($0.groups.keys) } }

    /// A container ends.
    func end(_ uid: String, _ container: String, code: Int32) {
        state.withLock { Self.end(&$0, uid, container, code) }
    }

    static func end(_ state: inout State, _ uid: String, _ container: String, _ code: Int32) {
        guard let process = state.groups[uid]?[container]?.process else { return }
        state.groups[uid]?[container]?.process = nil
        state.groups[uid]?[container]?.code = code
        guard let watcher = state.watcher, watcher.watched.contains(uid) else { return }
        watcher.ends.yield(
            ContainerEnd(uid: uid, container: container, attempt: process.attempt, code: code))
    }
}

/// One life of an agent: it ends before or after its n-th act that lasts, or not at all.
final class AgentLife: Sendable {
    struct Killed: Error {}
    private let left: Mutex<Int?>
    private let dead = Mutex(false)

    init(acts: Int? = nil) { left = Mutex(acts) }

    var isDead: Bool { dead.withLock { $0 } }
    func kill() { dead.withLock { $0 = true } }

    func act() throws(Killed) {
        let isOver = left.withLock { left in
            guard let count = left else { return false }
            left = count - 1
            return count <= 0
        }
        if isOver { kill() }
        if isDead { throw Killed() }
    }
}

/// The disk of a fake kernel in the hands of one agent.
struct FakeFiles: RecordFiles {
    let kernel: FakeKernel
    let life: AgentLife

    private func perform<Value: Sendable>(
        _ body: @Sendable (inout FakeKernel.State) throws(StateError) -> Value
    ) throws(StateError) -> Value {
        do { try life.act() } catch { throw StateError("killed") }
        let value = try kernel.state.withLock { (state) throws(StateError) in try body(&state) }
        do { try life.act() } catch { throw StateError("killed") }
        return value
    }

    func names() throws(StateError) -> [String] { kernel.state.withLock { $0.disk.keys.sorted() } }
    func read(_ name: String) throws(StateError) -> [UInt8] {
        guard let bytes = kernel.state.withLock({ $0.disk[name] }) else { throw StateError("no record \(name)") }
        return bytes
    }
    func write(_ name: String, _ bytes: [UInt8]) throws(StateError) {
        try perform { (state) throws(StateError) in
            if state.isDiskFull { throw StateError("No space left on device") }
            state.disk[name] = bytes
        }
    }
    func remove(_ name: String) throws(StateError) {
        try perform { (state) throws(StateError) in state.disk[name] = nil }
    }
    func setAside(_ name: String) throws(StateError) {
        try perform { (state) throws(StateError) in
            state.disk[name] = nil
            state.aside.append(name)
        }
    }
}
