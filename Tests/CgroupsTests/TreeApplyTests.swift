// SPDX-License-Identifier: Apache-2.0

import LinuxKernel
import NodeModel
import Synchronization
import SystemPackage
import Testing

@testable import Cgroups

/// A tree in memory, whose acts can be told to fail.
private final class FailingTree: TreeBackend, Sendable {
    struct State {
        var paths: Set<CgroupPath> = [.root]
        var values: [String: String] = [:]
        var records: [CgroupPath: CgroupRecord] = [:]
        var enabled: [CgroupPath: Set<String>] = [:]
        var acts = 0
        var log: [TreeStep] = []
    }
    let state = Mutex(State())
    /// Which acts fail, counted from 0.
    let failing: Set<Int>
    let errno: Errno
    /// Whether a write that fails has taken effect all the same, as one that is cut short by a signal can.
    let takesEffect: Bool

    init(failing: Set<Int> = [], errno: Errno = .ioError, takesEffect: Bool = false) {
        self.failing = failing
        self.errno = errno
        self.takesEffect = takesEffect
    }

    func perform(_ step: TreeStep) throws(KernelError) {
        let fails = state.withLock { state in
            state.acts += 1
            state.log.append(step)
            return failing.contains(state.acts - 1)
        }
        if fails {
            if takesEffect, case .write = step { change(step) }
            throw KernelError("write", "\(step)", errno: errno)
        }
        change(step)
    }

    private func change(_ step: TreeStep) {
        state.withLock { state in
            switch step {
            case .make(let path): state.paths.insert(path)
            case .remove(let path): state.paths.remove(path)
            case .enable(let names, let path): state.enabled[path, default: []].formUnion(names)
            case .disable(let names, let path): state.enabled[path, default: []].subtract(names)
            case .record(let record, _, let path): state.records[path] = record
            case .write(let knob, let value, _, let path): state.values["\(path) \(knob)"] = value
            }
        }
    }

    /// All that can be seen, but for values that are the kernel's own.
    var content: [String] {
        state.withLock { state in
            state.paths.map { "\($0)" } + state.values.filter { $0.value != "0" && $0.value != "max" }.map { "\($0)" }
                + state.records.map { "\($0)" }
                + state.enabled.filter { !$0.value.isEmpty }.map { "\($0.key) \($0.value.sorted())" }
        }.sorted()
    }
}

@Suite("Doing a change") struct TreeApplyTests {
    private static func plan() throws -> TreePlan {
        let top = try CgroupPath(parsing: "/top")
        let files = [PlannedFile(name: "memory.min", value: "8192"), PlannedFile(name: "memory.max", value: "65536")]
        return TreePlan(
            from: TreeState(nodes: [.root: .init()]),
            to: [
                TreeTarget(path: .root, files: [], role: nil),
                TreeTarget(path: top, files: files, role: .pods),
                TreeTarget(path: try top.appending("a"), files: files, role: .container(request: ByteCount(8192))),
            ])
    }

    @Test("A step that fails stops it, and what was done before is taken back", arguments: [false, true])
    func everyStepFails(takesEffect: Bool) throws {
        let plan = try Self.plan()
        let untouched = FailingTree().content
        #expect(plan.steps.count > 8)
        for index in plan.steps.indices {
            let tree = FailingTree(failing: [index], errno: .noSpace, takesEffect: takesEffect)
            let failure = #expect(throws: TreeFailure.self) { try tree.apply(plan) }
            #expect(failure?.step == plan.steps[index])
            #expect(failure?.error.errno == .noSpace)
            #expect(failure?.undone == index)
            #expect(failure?.stuck == [])
            #expect(tree.content == untouched, "failed at \(index)")
            // In reverse order, each once.
            let back = tree.state.withLock { $0.log }.dropFirst(index + 1).filter { $0 != plan.steps[index].reversed }
            #expect(Array(back) == plan.steps[..<index].reversed().map(\.reversed))
        }
        let tree = FailingTree()
        try tree.apply(plan)
        #expect(tree.content != untouched)
    }

    @Test("A step that cannot be taken back is named, and the others are taken back all the same")
    func undoFails() throws {
        let plan = try Self.plan()
        let last = plan.steps.count - 1
        guard case .write = plan.steps[last] else {
            Issue.record("the last step is \(plan.steps[last])")
            return
        }
        // The failing step's own reversal comes first, then the others.
        let tree = FailingTree(failing: [last, last + 3])
        let failure = #expect(throws: TreeFailure.self) { try tree.apply(plan) }
        #expect(failure?.stuck.map(\.step) == [plan.steps[last - 2].reversed])
        #expect(failure.map { "\($0)".contains("not taken back: \(plan.steps[last - 2].reversed)") } == true)
        #expect(tree.state.withLock { $0.acts } == last + 1 + 1 + last)
    }

    @Test("What covers a cgroup that cannot be lowered again is not lowered either")
    func undoKeepsSums() throws {
        let top = try CgroupPath(parsing: "/top")
        let child = try top.appending("a")
        let plan = TreePlan(steps: [
            .write(.memoryMin, "8192", replacing: "0", top), .write(.memoryMin, "8192", replacing: "0", child),
            .write(.memoryMax, "65536", replacing: "max", child),
        ])
        // The last write fails and is taken back; then the child's own.
        let tree = FailingTree(failing: [2, 4])
        let failure = #expect(throws: TreeFailure.self) { try tree.apply(plan) }
        #expect(failure?.stuck.map(\.step) == [plan.steps[1].reversed, plan.steps[0].reversed])
        #expect(tree.state.withLock { $0.values["\(top) memory.min"] } == "8192")
    }

    @Test(
        "A cgroup that has gone meanwhile is no step that could not be taken back",
        arguments: [Errno.noSuchFileOrDirectory, Errno(rawValue: 19)])
    func goneMeanwhile(errno: Errno) throws {
        let plan = try Self.plan()
        let last = plan.steps.count - 1
        let tree = FailingTree(failing: Set(last...(2 * last)), errno: errno)
        let failure = #expect(throws: TreeFailure.self) { try tree.apply(plan) }
        #expect(failure?.stuck == [])
    }
}
