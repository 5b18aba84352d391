// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxKernel
import NodeModel
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Cgroups

/// A tree of a test's own beneath the version 2 root.
private struct OwnTree {
    let root: CgroupPath
    let name: String

    init() throws {
        name = TestTree.newName()
        root = try CgroupPath(components: [name])
    }

    func tree() throws -> CgroupTree { try CgroupTree(root: root) }
    func path(_ text: String) throws -> CgroupPath { try CgroupPath(parsing: "\(root)/\(text)") }
    func isThere(_ text: String = "") throws -> Bool {
        try Cgroup.root().child(text.isEmpty ? name : "\(name)/\(text)") != nil
    }

    func min(_ text: String = "") throws -> ByteCount? {
        try Cgroup.root().openChild(text.isEmpty ? name : "\(name)/\(text)").read(.memoryMin)
    }

    func target(_ text: String, min: UInt64) throws -> TreeTarget {
        TreeTarget(try path(text)).setting(.memoryMin, to: .mebibytes(min))
    }

    func removeAll() throws {
        guard try isThere() else { return }
        _ = try Cgroup.root().openChild(name).killAndWait(timeout: .seconds(10))
        try Cgroup.root().removeChild(name, timeout: .seconds(10))
    }
}

@Suite("A tree of one's own", .serialized, .needs(.root), .needs(.memoryController))
struct CgroupTreeTests {
    @Test("As the author of a runtime writes it: start two containers, stop one, give everything back")
    func runtime() throws {
        let own = try OwnTree()
        defer { try? own.removeAll() }
        let controllers = try TestTree.controllersOfRoot()
        let tree = try CgroupTree(root: own.root)

        func start(_ name: String, protecting low: ByteCount) throws {
            let container = TreeTarget(try own.path("site/\(name)"))
                .setting(.memoryLow, to: low)
                .setting(.memoryMax, to: .mebibytes(64))
                .setting(.memoryOOMGroup, to: true)
            try tree.apply([container])
        }
        func stop(_ name: String) throws {
            _ = try Cgroup.root().openChild("\(own.name)/site/\(name)").killAndWait(timeout: .seconds(10))
            try tree.apply(removing: [own.path("site/\(name)")])
        }
        func low(_ path: String) throws -> ByteCount? { try Cgroup.root().openChild(own.name + path).read(.memoryLow) }

        try start("web", protecting: .mebibytes(8))
        try start("db", protecting: .mebibytes(16))
        #expect(try low("") == .mebibytes(24) && low("/site") == .mebibytes(24))
        let process = try Sleeper()
        try Cgroup.root().openChild("\(own.name)/site/web").move(process.pid)
        #expect(throws: TreeError.self) { try tree.apply(removing: [own.path("site/web")]) }
        #expect(try low("/site/web") == .mebibytes(8))
        try stop("web")
        #expect(process.waitForSignal() == SIGKILL)
        #expect(try low("") == .mebibytes(16) && !own.isThere("site/web"))
        // The same again is nothing to do.
        try start("db", protecting: .mebibytes(16))
        #expect(try tree.plan([], removing: [own.path("site/web")]).plan.steps == [])
        #expect(try SumObserver(own.root).violations() == [])
        #expect(try tree.release().kept == [])
        #expect(try !own.isThere() && TestTree.controllersOfRoot() == controllers)
    }

    @Test("What cannot hold is refused before the first write, and done where it is told to")
    func refusals() throws {
        let own = try OwnTree()
        defer { try? own.removeAll() }
        let tree = try own.tree()
        func ids(_ targets: [TreeTarget]) -> [String] {
            do { try tree.apply(targets) } catch {
                if case .refused(let violations) = error { return violations.map(\.id) }
                return ["\(error)"]
            }
            return []
        }
        #expect(try ids([own.target("site", min: 4), own.target("site/a", min: 8)]) == ["over-parent"])
        let full = TreeTarget(try own.path("site")).setting(.memoryMax, to: .mebibytes(8))
        #expect(try ids([full, own.target("site/a", min: 8)]) == ["no-room-under-limit"])
        #expect(try ids([own.target("a", min: 8).setting(.memoryMax, to: .mebibytes(4))]) == ["over-limit"])
        #expect(try ids([own.target("a", min: 1 << 30)]) == ["over-memory"])
        #expect(try !own.isThere())
        #expect(throws: TreeError.misplaced(.root)) { try tree.apply([TreeTarget(.root)]) }
        #expect(throws: TreeError.misplaced(.root)) { _ = try CgroupTree(root: .root) }
        let twice = try own.target("a", min: 1)
        #expect(throws: TreeError.misplaced(twice.path)) { try tree.apply([twice, twice]) }
        var options = TreeOptions()
        options.force = true
        let forced = try tree.apply([full, own.target("site/a", min: 8)], options: options)
        #expect(try forced.violations.map(\.id) == ["no-room-under-limit"] && own.min("site/a") == .mebibytes(8))
        // A tree of pods is none of these, and the other way round.
        let pods = try PodTree(layout: PodCgroupLayout(root: CgroupName([own.name])))
        #expect(throws: PodTreeError.misplaced(own.root)) { _ = try pods.release() }
        #expect(throws: PodTreeError.misplaced(own.root)) {
            _ = try pods.apply([], on: Node(layout: PodCgroupLayout(root: CgroupName([own.name]))), policy: .none)
        }
        try tree.release()
        #expect(try !own.isThere())
    }

    @Test("A root that was there gets its values back, and what others write is told and left to them")
    func foreign() throws {
        let own = try OwnTree()
        defer { try? own.removeAll() }
        try Cgroup.root().enable([.memory])
        let top = try Cgroup.root().createChild(own.name)
        try top.write(.mebibytes(4), to: .memoryMin)
        let tree = try own.tree()
        try tree.apply([own.target("a", min: 8), own.target("b", min: 8)])
        // Beside ours, somebody claims something; and a value of ours is changed.
        let theirs = try top.createChild("theirs")
        try top.write(.mebibytes(32), to: .memoryMin)
        try theirs.write(.mebibytes(12), to: .memoryMin)
        try top.openChild("b").write(.mebibytes(2), to: .memoryMin)
        let outcome = try tree.apply([own.target("a", min: 4), own.target("b", min: 8)])
        #expect(outcome.plan.foreignEdits.map(\.found).sorted() == ["\(2 << 20)", "\(32 << 20)"])
        #expect(try own.min() == .mebibytes(32) && own.min("b") == .mebibytes(8))
        try top.write(.zero, to: .memoryMin)
        try tree.apply()
        #expect(try own.min() == .mebibytes(24))
        try theirs.write(.zero, to: .memoryMin)
        try tree.apply(removing: [own.path("a")])
        try top.removeChild("theirs")
        #expect(throws: TreeError.self) { try tree.apply(removing: [own.path("c"), own.root]) }
        #expect(try tree.release().kept == [])
        // The value of before is the last that was not ours: the zero.
        #expect(try own.isThere() && own.min() == .zero && !own.isThere("b"))
    }

    @Test("Cut off after any write the sums hold, the next change goes on, and nothing is left behind")
    func cutOff() throws {
        let own = try OwnTree()
        defer { try? own.removeAll() }
        let observer = try SumObserver(own.root)
        let changes: [(targets: [TreeTarget], removing: [CgroupPath])] = try [
            ([own.target("s/a", min: 8), own.target("s/b", min: 4)], []),
            ([own.target("s/a", min: 2), own.target("t/c", min: 8)], []),
            ([own.target("t/c", min: 1)], [own.path("s/a")]),
        ]
        var looked = 0
        for number in changes.indices {
            let (targets, removing) = changes[number]
            var cut = 0
            while true {
                for earlier in changes[..<number] { try own.tree().apply(earlier.targets, removing: earlier.removing) }
                let tree = try own.tree()
                let steps = try tree.plan(targets, removing: removing).plan.steps
                guard cut < steps.count else { break }
                for step in steps[...cut] {
                    try tree.live.perform(step)
                    looked += 1
                    #expect(observer.violations() == [], "after \(step)")
                }
                // Half of them are gone on with, half are given back as they are.
                if cut.isMultiple(of: 2) { try own.tree().apply(targets, removing: removing) }
                if cut.isMultiple(of: 2) {
                    #expect(try own.tree().plan(targets, removing: removing).plan.steps == [])
                }
                #expect(try own.tree().release().kept == [])
                #expect(try !own.isThere(), "cut off after \(cut) of \(steps.count) of change \(number)")
                cut += 1
            }
            #expect(try own.tree().release().kept == [])
        }
        #expect(looked > 100)
    }

    @Test("Writers that know nothing of each other lose nothing") func writers() throws {
        let own = try OwnTree()
        defer { try? own.removeAll() }
        let observer = try SumObserver(own.root)
        let broken = Mutex<[String]>([])
        let threads = (0..<8).map { writer in
            Runner {
                do {
                    let tree = try own.tree()
                    for round in 1...3 {
                        try tree.apply([own.target("g\(writer % 2)/w\(writer)", min: UInt64(round))])
                        if round == 2 { try tree.apply(removing: [own.path("g\(writer % 2)/w\(writer)")]) }
                        let found = observer.violations()
                        broken.withLock { $0 += found }
                    }
                } catch { broken.withLock { $0.append("\(error)") } }
            }
        }
        for thread in threads { thread.wait() }
        #expect(broken.withLock { $0 } == [])
        #expect(try own.min() == .mebibytes(24) && own.min("g1") == .mebibytes(12))
        #expect(try own.tree().release().kept == [])
    }
}
