// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import NodeModel
import TestSupport
import Testing

@Suite(
    "What one more pod costs", .needs(.root), .needs(.memoryController), .needs(.controller("cpu")), .serialized)
struct PodTreeBudgetTests {
    @Test("One more pod is the same steps and the same number of reads and writes beside 10 pods as beside 300")
    func flat() throws {
        let pods = try TestPods()
        defer { try? pods.removeAll() }
        let tree = try pods.tree()
        func apply(_ numbers: Range<Int>) throws {
            let some = try numbers.map { try pods.pod("n\($0)", request: 1, limit: 4) }
            _ = try tree.apply(some, on: pods.node, policy: .tieredReservation)
        }
        func more(_ uid: String) throws -> (steps: [String], calls: IOCalls) {
            let pod = try pods.pod(uid, request: 1, limit: 4)
            let before = try IOCalls.now()
            let outcome = try tree.apply([pod], on: pods.node, policy: .tieredReservation)
            let calls = try IOCalls.now() - before
            // Which step it is, without the sums in it.
            return (outcome.plan.steps.map { "\($0)".prefix { $0 != " " } + " " + ($0.path.name ?? "/") }, calls)
        }
        // The first apply enables controllers, and the class's limits are settled with the second.
        try apply(0..<10)
        let few = try more("one")
        try apply(10..<300)
        let many = try more("two")
        #expect(few.steps.map { $0.replacing("one", with: "two") } == many.steps)
        #expect(few.calls == many.calls)
        #expect(many.calls.writes > 5 && many.calls.writes <= 16, "\(many.calls)")
        #expect(many.calls.reads <= 80, "\(many.calls)")
    }
}

/// The calls of `read` and `write` of this thread, as the kernel counts them.
private struct IOCalls: Equatable {
    var reads = 0
    var writes = 0

    static func now() throws -> IOCalls {
        let text = try String(contentsOfFile: "/proc/thread-self/io", encoding: .utf8)
        func number(_ key: String) throws -> Int {
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(key) })
            return try #require(Int(line.split(separator: " ")[1]))
        }
        return IOCalls(reads: try number("syscr:"), writes: try number("syscw:"))
    }

    static func - (left: IOCalls, right: IOCalls) -> IOCalls {
        IOCalls(reads: left.reads - right.reads, writes: left.writes - right.writes)
    }
}
