// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite("A tree of pods", .serialized, .needs(.root), .needs(.memoryController), .needs(.controller("cpu")))
struct PodTreeTests {
    private let mebibyte: UInt64 = 1 << 20

    @Test("Pods are added and deleted; those above follow, and the end is as the beginning")
    func life() throws {
        let pods = try TestPods()
        defer { try? pods.removeAll() }
        let tree = try pods.tree()
        let before = try TestTree.controllersOfRoot()
        func above() throws -> [String?] {
            [
                try pods.text("", "memory.min"), try pods.text("", "memory.low"),
                try pods.text("burstable", "memory.min"), try pods.text("burstable", "memory.low"),
            ]
        }
        func mebibytes(_ numbers: UInt64...) -> [String?] { numbers.map { "\($0 * mebibyte)" } }

        let first = try tree.apply(
            [pods.pod("g", request: 32, limit: 32, cpu: "1")], on: pods.node, policy: .tieredReservation)
        #expect(first.memoryPlan.pods.map(\.qosClass) == [.guaranteed])
        #expect(try above() == mebibytes(32, 0, 0, 0))
        #expect(try pods.text("podg/c0", "memory.min") == "\(32 * mebibyte)")
        _ = try tree.apply(
            [pods.pod("b", request: 16, limit: 64, containers: 2)], on: pods.node, policy: .tieredReservation)
        #expect(try above() == mebibytes(64, 32, 0, 32))
        // Once more changes nothing, a change of one pod only what follows from it.
        let again = try tree.apply(
            [pods.pod("b", request: 16, limit: 64, containers: 2)], on: pods.node, policy: .tieredReservation)
        #expect(again.plan.steps.isEmpty)
        _ = try tree.apply(
            [pods.pod("b", request: 8, limit: 64)], on: pods.node, policy: .tieredReservation)
        #expect(try above() == mebibytes(40, 8, 0, 8))
        #expect(try pods.text("burstable/podb/c0", "memory.low") == "\(8 * mebibyte)")
        #expect(try Cgroup.root().openChild(pods.root.components[0] + "/burstable/podb").child("c1") == nil)

        let entries = try tree.pods()
        #expect(Set(entries.map(\.uid)) == ["g", "b"])
        #expect(entries.first { $0.uid == "b" }?.claim?.request == .mebibytes(8))
        let deleted = try tree.delete(["b", "nobody"])
        #expect(deleted.missing == ["nobody"])
        #expect(try above() == mebibytes(32, 0, 0, 0))
        #expect(try SumObserver(pods.root).violations() == [])

        let release = try tree.release()
        #expect(release.kept == [] && release.plan.foreignEdits == [])
        #expect(try Cgroup.root().child(pods.root.components[0]) == nil)
        #expect(try TestTree.controllersOfRoot() == before)
    }

    @Test("A policy switched off leaves no stale value in any pod, and switched on again brings all back")
    func policy() throws {
        let pods = try TestPods()
        defer { try? pods.removeAll() }
        let tree = try pods.tree()
        let all = try [
            pods.pod("g", request: 32, limit: 32, containers: 2, cpu: "1"), pods.pod("b", request: 16, limit: 64),
            pods.pod("e", request: 0),
        ]
        _ = try tree.apply(all, on: pods.node, policy: .tieredReservation)
        let places = [
            "", "podg", "podg/c0", "podg/c1", "burstable", "burstable/podb", "burstable/podb/c0", "besteffort",
        ]
        func values() throws -> [String?] {
            try places.flatMap { [try pods.text($0, "memory.min"), try pods.text($0, "memory.low")] }
        }
        let tiered = try values()
        #expect(tiered.contains("\(64 * mebibyte)"))
        // One pod is spoken of, all are changed.
        _ = try tree.apply([all[2]], on: pods.node, policy: .none)
        #expect(try values().allSatisfy { $0 == "0" })
        _ = try tree.apply([all[2]], on: pods.node, policy: .tieredReservation)
        #expect(try values() == tiered)
        _ = try tree.release()
    }

    @Test("What others change is told, covered, and left to them in the end")
    func foreignEdits() throws {
        let pods = try TestPods()
        defer { try? pods.removeAll() }
        let tree = try pods.tree()
        _ = try tree.apply([pods.pod("b", request: 16, limit: 64)], on: pods.node, policy: .tieredReservation)
        let top = try Cgroup.root().openChild(pods.root.components[0])
        // Somebody makes a cgroup beside the pods that claims something, and changes a limit of ours.
        try top.write(.mebibytes(48), to: .memoryMin)
        let foreign = try top.createChild("foreign")
        try foreign.write(.mebibytes(24), to: .memoryMin)
        try top.openChild("burstable/podb/c0").write(.mebibytes(48), to: .memoryHigh)
        // Also what is put back to the kernel's own value is somebody's edit.
        try top.openChild("burstable/podb/c0").write(.max, to: .memoryMax)
        let outcome = try tree.apply([pods.pod("b", request: 16, limit: 64)], on: pods.node, policy: .tieredReservation)
        #expect(try pods.text("", "memory.min") == "\(40 * mebibyte)")
        #expect(outcome.warnings.filter { $0.id == "foreign-edit" }.count == 3)
        #expect(try SumObserver(pods.root).violations() == [])
        try top.openChild("burstable/podb/c0").write(.mebibytes(40), to: .memoryHigh)
        let release = try tree.release()
        #expect(release.plan.foreignEdits.map(\.found) == ["\(40 * mebibyte)"])
        // It is not ours to remove what has somebody's cgroup in it, and the values of before are back there.
        #expect(release.kept.first?.step == .remove(pods.root))
        #expect(try pods.text("", "memory.low") == "0")
        #expect(try foreign.read(.memoryMin) == .mebibytes(24))
        #expect(
            try pods.text("", "memory.min") == "\(40 * mebibyte)" || pods.text("", "memory.min") == "\(48 * mebibyte)")
    }

    @Test("What cannot hold is refused before the first write, and nothing is there afterwards")
    func refusals() throws {
        let pods = try TestPods()
        defer { try? pods.removeAll() }
        let tree = try pods.tree()
        let tooMuch = try pods.pod("g", request: 1 << 20, limit: 1 << 20, cpu: "1")
        let error = #expect(throws: PodTreeError.self) {
            try tree.apply([tooMuch], on: pods.node, policy: .tieredReservation)
        }
        guard case .refused(let violations)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(violations.contains { $0.id == "over-memory" })
        #expect(violations.contains { $0.id == "no-room-under-limit" })
        #expect(try Cgroup.root().child(pods.root.components[0]) == nil)

        // A limit below what is in use would kill: not without being told to.
        _ = try tree.apply([pods.pod("b", request: 1, limit: 64)], on: pods.node, policy: .none)
        let container = try Cgroup.root().openChild(pods.root.components[0] + "/burstable/podb/c0")
        let load = try Workload.holding(24, in: container)
        while try container.read(.memoryCurrent) ?? .zero < .mebibytes(20) { usleep(20_000) }
        let lower = #expect(throws: PodTreeError.self) {
            try tree.apply([pods.pod("b", request: 1, limit: 8)], on: pods.node, policy: .none)
        }
        #expect(lower.map { "\($0)" }?.contains("are in use") == true)
        #expect(try container.read(.memoryMax) == .mebibytes(64))
        // A pod's class does not change.
        #expect(throws: PodTreeError.self) {
            try tree.apply([pods.pod("b", request: 0)], on: pods.node, policy: .none)
        }
        // Deleting ends the process.
        _ = try tree.delete(["b"])
        #expect(load.waitUntilExit() == SIGKILL)
        _ = try tree.release()
    }

    @Test("A cgroup above that is not ours and lacks the protection is named, raised where asked, and given back")
    func ancestors() throws {
        let above = TestTree.newName()
        let slice = try Cgroup.root().createChild(above, enabling: [.memory, .cpu])
        defer { try? Cgroup.root().removeChild(above, timeout: .seconds(5)) }
        var node = try TestPods().node
        node.layout = PodCgroupLayout(root: try CgroupName([above, "pods"]))
        let tree = try PodTree(layout: node.layout)
        let pod = try TestPods().pod("g", request: 32, limit: 32, cpu: "1")
        let error = #expect(throws: PodTreeError.self) { try tree.apply([pod], on: node, policy: .tieredReservation) }
        #expect(
            error
                == .refused([
                    .ancestor(
                        .memoryMin, try CgroupPath(components: [above]), has: .zero, claimed: .mebibytes(32))
                ]), "\(String(describing: error))")
        #expect(try slice.children() == [])
        var options = TreeOptions()
        options.raisesAncestors = true
        _ = try tree.apply([pod], on: node, policy: .tieredReservation, options: options)
        #expect(try slice.read(.memoryMin) == .mebibytes(32))
        _ = try tree.release()
        #expect(try slice.read(.memoryMin) == .zero)
        #expect(try slice.children() == [])
    }

    @Test("What the owner of a delegated cgroup writes as a record of ours is not believed")
    func forgedRecord() throws {
        let pods = try TestPods()
        defer { try? pods.removeAll() }
        let tree = try pods.tree()
        _ = try tree.apply([pods.pod("b", request: 16, limit: 64)], on: pods.node, policy: .tieredReservation)
        let container = try Cgroup.root().openChild(pods.root.components[0] + "/burstable/podb/c0")
        let user = try container.createChild("theirs")
        var forged = CgroupRecord()
        forged.isMade = true
        forged.values = [.memoryMax: .init(before: "max", ours: "\(64 * mebibyte)")]
        // To any user who owns the directory this attribute is open; the trusted one is not.
        let directory = try container.directory.open(".", [.directory, .reading])
        try directory.setAttribute("user.bulkhead", to: forged.text)
        try user.directory.open(".", [.directory, .reading]).setAttribute("user.bulkhead", to: "nonsense")
        #expect(try directory.attribute("trusted.bulkhead")?.contains("container\t") == true)
        let again = try tree.apply([pods.pod("b", request: 16, limit: 64)], on: pods.node, policy: .tieredReservation)
        #expect(again.plan.steps.isEmpty && again.warnings.allSatisfy { $0.id != "foreign-edit" })
        #expect(try container.read(.memoryMax) == .mebibytes(64))
        try container.removeChild("theirs")
        #expect(try tree.release().kept == [])
    }

    @Test("Sixteen writers at once: every sum holds all the while, and no update is lost")
    func writers() async throws {
        let pods = try TestPods()
        defer { try? pods.removeAll() }
        let seconds = ProcessInfo.processInfo.environment["WRITER_SECONDS"].flatMap(Double.init) ?? 3
        let begin = ContinuousClock.now
        let observer = try SumObserver(pods.root)
        let looks = Atomic<Int>(0)
        let changes = Atomic<Int>(0)
        /// On a machine with other work it takes longer until there was something to see.
        @Sendable func isOver() -> Bool {
            let time = ContinuousClock.now - begin
            let hasSeen = changes.load(ordering: .relaxed) > 16 && looks.load(ordering: .relaxed) > 2
            return time > .seconds(seconds) && hasSeen || time > .seconds(seconds + 60)
        }
        let broken = Mutex<[String]>([])
        let threads = (0..<16).map { writer in
            Runner {
                do {
                    let tree = try pods.tree()
                    var random = SystemRandomNumberGenerator()
                    while !isOver() {
                        let uid = "w\(writer)n\(Int.random(in: 0..<3, using: &random))"
                        let limit = UInt64.random(in: 1...4, using: &random)
                        if Bool.random(using: &random) {
                            _ = try? tree.delete([uid])
                        }
                        let isGuaranteed = uid.hasSuffix("1")
                        _ = try tree.apply(
                            [
                                pods.pod(
                                    uid, request: isGuaranteed ? limit : 1, limit: isGuaranteed ? limit : 5,
                                    cpu: isGuaranteed ? "100m" : nil)
                            ],
                            on: pods.node, policy: .tieredReservation)
                        changes.add(1, ordering: .relaxed)
                    }
                } catch { broken.withLock { $0.append("\(error)") } }
            }
        }
        let watcher = Runner {
            while !isOver() {
                let found = observer.violations()
                if !found.isEmpty { broken.withLock { $0 += found } }
                looks.add(1, ordering: .relaxed)
            }
        }
        for thread in threads { thread.wait() }
        watcher.wait()
        #expect(broken.withLock { $0 } == [])
        #expect(changes.load(ordering: .relaxed) > 16 && looks.load(ordering: .relaxed) > 2)
        // The books are what a look at every pod finds.
        let entries = try pods.tree().pods()
        let guaranteed = entries.compactMap(\.claim).filter { $0.qosClass == .guaranteed }.map(\.request).total()
        let burstable = entries.compactMap(\.claim).filter { $0.qosClass == .burstable }.map(\.request).total()
        #expect(try pods.text("", "memory.min") == "\(guaranteed + burstable)")
        #expect(try pods.text("", "memory.low") == "\(burstable)")
        #expect(try pods.text("burstable", "memory.low") == "\(burstable)")
        _ = try pods.tree().delete(entries.map(\.uid))
        #expect(try pods.text("", "memory.min") == "0")
        _ = try pods.tree().release()
    }
}
