// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NodeModel

/// A tree in memory that does steps as the kernel does, and knows whether each parent covers its children.
struct ModelTree {
    var state: TreeState

    mutating func perform(_ step: TreeStep) {
        switch step {
        case .make(let path):
            let knobs = [ControlKnob.memoryMin, .memoryLow, .memoryMax]
            state.nodes[path] = TreeState.Node(
                values: Dictionary(uniqueKeysWithValues: knobs.map { ($0, $0.initialValue ?? "") }))
        case .remove(let path): state.nodes[path] = nil
        case .enable(let names, let path): state.nodes[path]?.enabled.formUnion(names)
        case .disable(let names, let path): state.nodes[path]?.enabled.subtract(names)
        case .record(let record, _, let path): state.nodes[path]?.record = record
        case .write(let knob, let value, _, let path):
            state.nodes[path]?.values[knob] = knob.kept(value, pageSize: state.pageSize)
        }
    }

    func amount(_ knob: ControlKnob, _ path: CgroupPath) -> ByteCount { knob.amount(state.value(knob, at: path)) }

    /// The control groups whose children claim more than they have.
    var uncovered: [CgroupPath] {
        var sums: [CgroupPath: [ControlKnob: ByteCount]] = [:]
        for (path, _) in state.nodes {
            guard let parent = path.parent else { continue }
            for knob in [ControlKnob.memoryMin, .memoryLow] {
                sums[parent, default: [:]][knob, default: .zero] += amount(knob, path)
            }
        }
        return sums.filter { path, claims in
            !path.isRoot && claims.contains { knob, claimed in amount(knob, path) < claimed }
        }.keys.sorted { "\($0)" < "\($1)" }
    }

    /// The control groups with a `memory.min` above their own `memory.max`.
    var overLimit: [CgroupPath] { state.nodes.keys.filter { amount(.memoryMin, $0) > amount(.memoryMax, $0) } }
}

/// Numbers that look random and are the same in each run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite("A change of a tree") struct TreePlanTests {
    static func path(_ text: String) throws -> CgroupPath { try CgroupPath(parsing: text) }

    /// Targets of a random tree of three levels in which every parent covers its children.
    static func randomTargets(_ random: inout SplitMix) throws -> [TreeTarget] {
        var targets: [TreeTarget] = []
        var top = [UInt64](repeating: 0, count: 2)
        for group in 0..<Int.random(in: 1...3, using: &random) {
            var sums = [UInt64](repeating: 0, count: 2)
            for leaf in 0..<Int.random(in: 0...4, using: &random) {
                let min = UInt64.random(in: 0...8, using: &random) * 4096
                let low = UInt64.random(in: 0...8, using: &random) * 4096
                sums[0] += min
                sums[1] += low
                let max =
                    Bool.random(using: &random) ? "\(min + 4096 * UInt64.random(in: 1...4, using: &random))" : "max"
                targets.append(
                    TreeTarget(path: try path("/top/g\(group)/l\(leaf)"), files: files(min, low, max), role: nil))
            }
            let spare = UInt64.random(in: 0...2, using: &random) * 4096
            sums = sums.map { $0 + spare }
            top = zip(top, sums).map(+)
            targets.append(
                TreeTarget(path: try path("/top/g\(group)"), files: files(sums[0], sums[1], "max"), role: nil))
        }
        targets.append(TreeTarget(path: try path("/top"), files: files(top[0], top[1], "max"), role: nil))
        return targets.shuffled(using: &random)
    }

    private static func files(_ min: UInt64, _ low: UInt64, _ max: String) -> [PlannedFile] {
        [
            PlannedFile(name: "memory.min", value: "\(min)"), PlannedFile(name: "memory.low", value: "\(low)"),
            PlannedFile(name: "memory.max", value: max),
        ]
    }

    @Test("Each parent covers its children after every step, forth and back, from any tree to any other")
    func invariantAtEveryStep() throws {
        var random = SplitMix(state: 3)
        var steps = 0
        for _ in 0..<60 {
            var tree = ModelTree(state: TreeState())
            for _ in 0..<4 {
                let targets = try Self.randomTargets(&random)
                // What is there and not spoken of goes first, as a pod that is deleted.
                let gone = tree.state.nodes.keys.filter { path in !targets.contains { $0.path == path } }
                for path in gone.sorted(by: { $0.components.count > $1.components.count }) {
                    tree.perform(.remove(path))
                }
                #expect(tree.state.violations(of: targets).isEmpty)
                let plan = TreePlan(from: tree.state, to: targets)
                var there = tree
                for step in plan.steps {
                    there.perform(step)
                    let broken = there.uncovered + there.overLimit
                    if !broken.isEmpty { Issue.record("\(broken) after \(step)") }
                    steps += 1
                }
                var back = there
                for step in plan.reversed.steps {
                    back.perform(step)
                    let broken = back.uncovered
                    if !broken.isEmpty { Issue.record("\(broken) back by \(step)") }
                }
                #expect(back.state == tree.state)
                for target in targets {
                    for (knob, value) in target.values { #expect(there.state.value(knob, at: target.path) == value) }
                }
                // Minimal: nothing is left to do, and no value was written twice.
                #expect(TreePlan(from: there.state, to: targets).isEmpty)
                let written = plan.steps.compactMap { step in
                    if case .write(let knob, _, _, let path) = step { "\(path) \(knob)" } else { nil }
                }
                #expect(Set(written).count == written.count)
                tree = there
            }
        }
        #expect(steps > 2000)
    }

    @Test("A change cut off at any step is completed by the next one, and every state between is covered")
    func cutOff() throws {
        var random = SplitMix(state: 11)
        for _ in 0..<25 {
            let first = try Self.randomTargets(&random)
            var tree = ModelTree(state: TreeState())
            for step in TreePlan(from: tree.state, to: first).steps { tree.perform(step) }
            let second = try Self.randomTargets(&random)
            for path in Set(first.map(\.path)).subtracting(second.map(\.path)) { tree.perform(.remove(path)) }
            let plan = TreePlan(from: tree.state, to: second)
            for cut in 0...plan.steps.count {
                var cutOff = tree
                for step in plan.steps.prefix(cut) { cutOff.perform(step) }
                for step in TreePlan(from: cutOff.state, to: second).steps {
                    cutOff.perform(step)
                    let broken = cutOff.uncovered
                    if !broken.isEmpty { Issue.record("\(broken) after \(step)") }
                }
                for target in second {
                    for (knob, value) in target.values { #expect(cutOff.state.value(knob, at: target.path) == value) }
                }
            }
        }
    }

    @Test("Giving back restores the values of before, also after a crash, and leaves what others wrote")
    func release() throws {
        let top = try Self.path("/top")
        let ours = try Self.path("/top/ours")
        var tree = ModelTree(
            state: TreeState(nodes: [top: .init(values: [.memoryMin: "4096", .memoryLow: "0", .memoryMax: "max"])]))
        let before = tree.state
        let targets = [
            TreeTarget(path: top, files: Self.files(16384, 8192, "65536"), role: nil),
            TreeTarget(path: ours, files: Self.files(8192, 4096, "32768"), role: nil),
        ]
        let plan = TreePlan(from: tree.state, to: targets)
        for cut in 0...plan.steps.count {
            var cutOff = ModelTree(state: before)
            for step in plan.steps.prefix(cut) { cutOff.perform(step) }
            for step in TreePlan(releasing: cutOff.state).steps { cutOff.perform(step) }
            // Between making and writing that down a crash leaves an empty control group, and no more.
            if let left = cutOff.state.nodes[ours] {
                #expect(left.record == nil && left.values.allSatisfy { $0.key.initialValue == $0.value })
                cutOff.perform(.remove(ours))
            }
            #expect(cutOff.state == before, "cut off after \(cut)")
        }
        for step in plan.steps { tree.perform(step) }
        tree.state.nodes[top]?.values[.memoryMax] = "131072"
        let release = TreePlan(releasing: tree.state)
        #expect(
            release.foreignEdits.map(\.description) == ["memory.max in /top is 131072, and was 65536 when we left it"])
        for step in release.steps { tree.perform(step) }
        #expect(tree.state.nodes.keys.map(\.description) == ["/top"])
        #expect(tree.state.nodes[top]?.values == [.memoryMin: "4096", .memoryLow: "0", .memoryMax: "131072"])
    }

    @Test("A value of ours that somebody has put back to what it was before is told, but not after a crash")
    func resetByOthers() throws {
        let root = try Self.path("/pods")
        let pod = try Self.path("/pods/a")
        func edits(isSettled: Bool) -> [String] {
            let ledger = PodLedger(policy: .tieredReservation, isSettled: isSettled)
            var (books, claim) = (CgroupRecord(), CgroupRecord())
            books.role = .allPods(ledger)
            claim.values = [.memoryLow: .init(before: "0", ours: "4096")]
            let state = TreeState(nodes: [
                root: .init(values: [.memoryMin: "0", .memoryLow: "4096", .memoryMax: "max"], record: books),
                pod: .init(values: [.memoryMin: "0", .memoryLow: "0", .memoryMax: "max"], record: claim),
            ])
            let target = TreeTarget(path: pod, files: Self.files(0, 4096, "max"), role: nil)
            let top = TreeTarget(path: root, files: Self.files(0, 4096, "max"), role: .allPods(ledger))
            return TreePlan(from: state, to: [top, target]).foreignEdits.map(\.description)
        }
        #expect(edits(isSettled: true) == ["memory.low in /pods/a is 0, and was 4096 when we left it"])
        #expect(edits(isSettled: false) == [])
    }

    @Test("Giving back that is cut off at any step is completed by the same once more, and forgets nothing before")
    func releaseCutOff() throws {
        let root = try Self.path("/pods")
        let before = TreeState(nodes: [.root: .init()])
        var tree = ModelTree(state: before)
        let targets = [
            TreeTarget(path: .root, files: [], role: nil, isWhole: false, tree: root),
            TreeTarget(path: root, files: Self.files(8192, 0, "max"), role: .pods),
            TreeTarget(
                path: try root.appending("a"), files: Self.files(8192, 0, "max"), role: .container(request: .zero)),
        ]
        for step in TreePlan(from: tree.state, to: targets).steps { tree.perform(step) }
        let plan = TreePlan(releasing: tree.state, tree: root)
        #expect(plan.steps.count > 5)
        for cut in 0...plan.steps.count {
            var cutOff = tree
            for step in plan.steps.prefix(cut) { cutOff.perform(step) }
            for step in TreePlan(releasing: cutOff.state, tree: root).steps { cutOff.perform(step) }
            #expect(cutOff.state == before, "cut off after \(cut)")
        }
    }

    @Test("What stands above two trees is given back with the last, and what is another tree's is left to that")
    func releaseOfOneOfTwo() throws {
        let roots = try [Self.path("/a"), Self.path("/b")]
        var record = CgroupRecord()
        record.enabled = ["memory"]
        record.trees = roots
        var tree = ModelTree(state: TreeState(nodes: [.root: .init(record: record, enabled: ["memory"])]))
        for step in TreePlan(releasing: tree.state, tree: roots[0]).steps { tree.perform(step) }
        #expect(tree.state.nodes[.root]?.enabled == ["memory"] && tree.state.nodes[.root]?.record?.trees == [roots[1]])
        for step in TreePlan(releasing: tree.state, tree: roots[1]).steps { tree.perform(step) }
        #expect(tree.state == TreeState(nodes: [.root: .init()]))
        // A tree inside another one takes nothing of it along.
        let outer = try Self.path("/a")
        var pods = CgroupRecord()
        (pods.isMade, pods.role, pods.trees) = (true, .pods, [try outer.appending("inner")])
        let plan = TreePlan(releasing: TreeState(nodes: [outer: .init(record: pods)]), tree: pods.trees[0])
        #expect(plan.steps.count == 1 && plan.isEmpty)
    }

    @Test("What cannot hold is named with its numbers") func violations() throws {
        let pod = try Self.path("/top/pod")
        let state = TreeState(nodes: [
            pod: .init(
                values: [.memoryMax: "max"], otherClaims: [.memoryMin: ByteCount(4096)], usage: ByteCount(50000))
        ])
        let targets = [
            TreeTarget(path: pod, files: Self.files(8192, 0, "6144"), role: nil),
            TreeTarget(path: try Self.path("/top/pod/app"), files: Self.files(8192, 100, "max"), role: nil),
        ]
        let found = state.violations(of: targets)
        #expect(
            Set(found.map(\.id)) == [
                "over-parent", "no-room-under-limit", "over-limit", "limit-below-usage", "below-one-page",
            ])
        #expect(
            found.contains(.overParent(.memoryMin, pod, has: ByteCount(8192), claimed: ByteCount(12288))))
        #expect(found.contains(.noRoom(pod, max: ByteCount(4096), claimed: ByteCount(12288))))
        #expect(found.contains(.belowUsage(.memoryMax, pod, value: ByteCount(4096), usage: ByteCount(50000))))
    }

    @Test("Device memory keeps the sums for each region by itself") func regions() throws {
        let top = try Self.path("/top")
        func target(_ path: CgroupPath, _ lines: [String]) -> TreeTarget {
            TreeTarget(path: path, files: lines.map { PlannedFile(name: "dmem.min", value: $0) }, role: nil)
        }
        let targets = [
            target(top, ["drm/0000:03:00.0/vram0 8192", "drm/0000:03:00.0/stolen 0"]),
            target(try Self.path("/top/a"), ["drm/0000:03:00.0/vram0 4096", "drm/0000:03:00.0/stolen 4096"]),
        ]
        let stolen = ControlKnob("dmem.min", region: "drm/0000:03:00.0/stolen")
        #expect(
            TreeState(nodes: [top: .init()]).violations(of: targets)
                == [.overParent(stolen, top, has: .zero, claimed: ByteCount(4096))])
        let steps = TreePlan(from: TreeState(nodes: [top: .init()]), to: targets).visibleSteps
        #expect(steps.contains { "\($0)" == "dmem.min <- drm/0000:03:00.0/vram0 8192 in /top (was 0)" })
    }
}

@Suite("The record on a control group") struct CgroupRecordTests {
    @Test("It is read back as it was written") func roundTrip() throws {
        var record = CgroupRecord()
        record.isMade = true
        record.enabled = ["cpu", "memory"]
        record.elsewhere = [try TreePlanTests.path("/system.slice")]
        record.trees = [try TreePlanTests.path("/kubepods"), try TreePlanTests.path("/a/b")]
        record.values = [
            .memoryMin: .init(before: "0", ours: "4096"),
            ControlKnob("cpu.max"): .init(before: "max 100000", ours: "1000 100000"),
            ControlKnob("dmem.low", region: "drm/card0/vram0"): .init(before: "0", ours: "max"),
        ]
        let ledger = PodLedger(
            policy: .tieredReservation, behaviour: .kubelet136, isSettled: true,
            totals: PodTotals(guaranteed: ByteCount(1), burstable: .max, burstableMilliCPU: 250, pods: 3),
            shared: [.init(children: 4, foreignMin: ByteCount(5), foreignLow: .max), .init(), .init()])
        let claim = PodClaim(
            namespace: "a", name: "b", qosClass: .burstable, request: ByteCount(7), milliCPU: -1)
        for role in [
            nil, CgroupRecord.Role.allPods(ledger), .pods, .pod(claim), .container(request: .mebibytes(3)),
        ] {
            record.role = role
            #expect(try CgroupRecord(parsing: record.text) == record)
        }
        #expect(try CgroupRecord(parsing: CgroupRecord().text) == CgroupRecord())
    }

    @Test("A name cannot smuggle in a line or a word") func hostileName() throws {
        var record = CgroupRecord()
        record.role = .pod(
            PodClaim(
                namespace: "a\tb", name: "x\nmade\nvalue\tmemory.min\t\t0\t1", qosClass: .guaranteed,
                request: .zero, milliCPU: 0))
        let read = try CgroupRecord(parsing: record.text)
        #expect(!read.isMade && read.values.isEmpty)
        guard case .pod(let claim)? = read.role else {
            Issue.record("the role is lost")
            return
        }
        #expect(claim.namespace == "a?b" && claim.name == "x?made?value?memory.min??0?1")
    }

    @Test(
        "What is not understood is refused, not dropped",
        arguments: [
            "", "bulkhead-record\t2", "bulkhead-record\t1\nnews", "bulkhead-record\t1\nvalue\tmemory.min\t0\t1",
            "bulkhead-record\t1\npod\tGold\t1\t1\ta\tb", "bulkhead-record\t1\nledger\tNone\tfixed\tajar\t0\t0\t0\t0",
            "bulkhead-record\t1\nledger\tNone\tfixed\topen\t0\t0\t0\t0\t1", "bulkhead-record\t1\ncontainer\t-1",
        ])
    func notUnderstood(_ text: String) { #expect(throws: CgroupRecordError.self) { try CgroupRecord(parsing: text) } }
}
