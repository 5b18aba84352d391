// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

@testable import Cgroups

/// What a process leaves that is killed between two of its writes is what its first writes have done: the kernel does
/// each of them whole. So the steps of a change are done here one by one, and looked at from outside after each one.
/// `ApplyCrashTests` really kills. `EVERY_CRASH=1` takes 50 pods.
@Suite("Cut off after any write", .serialized, .needs(.root), .needs(.memoryController), .needs(.controller("cpu")))
struct PodTreeCutOffTests {
    private static let isLarge = ProcessInfo.processInfo.environment["EVERY_CRASH"] != nil

    private func pods(_ pods: TestPods) throws -> [Pod] {
        try (0..<(Self.isLarge ? 50 : 4)).map { number in
            switch number % 3 {
            case 0: try pods.pod("g\(number)", request: 2, limit: 2, cpu: "10m")
            case 1: try pods.pod("b\(number)", request: 1, limit: 4, containers: 2)
            default: try pods.pod("e\(number)", request: 0)
            }
        }
    }

    /// The sums at the place of a step: of what was written, and of what is above it.
    private func uncovered(_ step: TreeStep, _ tree: borrowing PodTree, _ root: CgroupPath) throws -> [String] {
        try [step.path, step.path.parent].compactMap(\.self).filter { !$0.isRoot && root.contains($0) }.flatMap {
            path in
            guard let own = try tree.live.claims(path) else { return [String]() }
            var sum = (min: ByteCount.zero, low: ByteCount.zero)
            for name in try tree.live.children(path) {
                guard let claim = try tree.live.claims(path.appending(name)) else { continue }
                sum = (sum.min + claim.min, sum.low + claim.low)
            }
            return own.min < sum.min || own.low < sum.low ? ["\(path) after \(step)"] : []
        }
    }

    @Test("Every write of apply and of a change of policy leaves the sums whole, and the next apply completes it")
    func everyWrite() throws {
        let place = try TestPods()
        defer { try? place.removeAll() }
        let all = try pods(place)
        let observer = try SumObserver(place.root)
        var looked = 0
        var completed = 0
        for policy in [MemoryReservationPolicy.tieredReservation, .none, .tieredReservation] {
            let steps = try place.tree().prepare(all, on: place.node, policy, .init()).plan().steps
            let before = policy == .none ? MemoryReservationPolicy.tieredReservation : .none
            // Cut off here and there, completed by another, and taken back for the next time.
            for cut in stride(from: 1, to: steps.count, by: max(1, steps.count / (Self.isLarge ? 12 : 3))) {
                let isFirst = try Cgroup.root().child(place.root.components[0]) == nil
                let tree = try place.tree()
                for step in steps[..<cut] { try tree.live.perform(step) }
                #expect(observer.violations() == [], "cut off after \(cut) of \(steps.count)")
                _ = try place.tree().apply(all, on: place.node, policy: policy)
                #expect(try place.tree().prepare(all, on: place.node, policy, .init()).plan().steps == [])
                #expect(observer.violations() == [])
                if isFirst {
                    _ = try place.tree().release()
                    #expect(try Cgroup.root().child(place.root.components[0]) == nil)
                } else {
                    _ = try place.tree().apply(all, on: place.node, policy: before)
                }
                completed += 1
            }
            // And every single one, looked at from outside.
            let tree = try place.tree()
            for step in steps {
                try tree.live.perform(step)
                let broken = try uncovered(step, tree, place.root)
                if !broken.isEmpty { Issue.record("\(broken)") }
                looked += 1
            }
            #expect(try place.tree().prepare(all, on: place.node, policy, .init()).plan().steps == [])
        }
        #expect(looked > (Self.isLarge ? 1000 : 80) && completed > 8)
        print("\(all.count) pods: \(looked) writes looked at, \(completed) cut off and completed")
        _ = try place.tree().delete(all.map(\.uid))
        #expect(observer.violations() == [])
        let release = try place.tree().release()
        #expect(release.kept == [])
        #expect(try Cgroup.root().child(place.root.components[0]) == nil)
    }
}
