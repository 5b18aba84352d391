// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NodeModel

@Suite("A tree of one's own") struct TreeFollowingTests {
    private static let root = CgroupPath.of("/top")

    private static func target(_ path: CgroupPath, _ values: [(knob: ControlKnob, value: String)]) -> TreeTarget {
        TreeTarget(path).adding(values)
    }

    /// The change as it is worked out beneath the root: what is named, and what is on the way.
    private static func targets(
        _ tree: inout ModelTree, _ wanted: [TreeTarget], removing gone: [CgroupPath] = []
    ) -> [TreeTarget] {
        let named = wanted.map(\.path)
        var levels = Set([root])
        for path in named + gone.compactMap(\.parent) {
            var place: CgroupPath? = path
            while let level = place, root.contains(level) {
                levels.insert(level)
                place = level.parent
            }
        }
        let onTheWay = levels.subtracting(named).map {
            TreeTarget(path: $0, files: [], role: nil, isWhole: false)
        }
        let files = ["memory.min", "memory.low"].map { PlannedFile(name: $0, value: "0") }
        let retired = gone.map { TreeTarget(path: $0, files: files, role: nil, isWhole: false) }
        let all = wanted + onTheWay + retired
        let known = Set(all.map(\.path))
        for path in tree.state.nodes.keys {
            var claims: [ControlKnob: ByteCount] = [:]
            for child in tree.state.nodes.keys where child.parent == path && !known.contains(child) {
                for knob in tree.state.protections(all) { claims[knob, default: .zero] += tree.amount(knob, child) }
            }
            tree.state.nodes[path]?.otherClaims = claims
        }
        return tree.state.following(all, below: root, leaving: gone)
    }

    private static func apply(_ tree: inout ModelTree, _ wanted: [TreeTarget], removing gone: [CgroupPath] = []) {
        let targets = targets(&tree, wanted, removing: gone)
        #expect(tree.state.violations(of: targets) == [])
        for step in TreePlan(from: tree.state, to: targets).steps { tree.perform(step) }
        for path in gone { tree.perform(.remove(path)) }
    }

    @Test("What nobody has set by name is the sum of the children, up and down") func following() {
        var tree = ModelTree(state: TreeState())
        let (a, b) = (CgroupPath.of("/top/site/a"), CgroupPath.of("/top/site/b"))
        Self.apply(&tree, [Self.target(a, [(.memoryMin, "8192"), (.memoryLow, "4096")])])
        #expect(tree.amount(.memoryMin, Self.root) == ByteCount(8192))
        // One more, by somebody who knows nothing of the first.
        Self.apply(&tree, [Self.target(b, [(.memoryMin, "4096")])])
        #expect(tree.amount(.memoryMin, .of("/top/site")) == ByteCount(12288))
        #expect(tree.amount(.memoryLow, Self.root) == ByteCount(4096))
        Self.apply(&tree, [], removing: [a])
        #expect(tree.amount(.memoryMin, Self.root) == ByteCount(4096))
        #expect(tree.amount(.memoryLow, Self.root) == .zero)
    }

    @Test("What is set by name stays until it is named no more, and less than the children claim is a violation")
    func named() {
        var tree = ModelTree(state: TreeState())
        let (site, a) = (CgroupPath.of("/top/site"), CgroupPath.of("/top/site/a"))
        Self.apply(&tree, [Self.target(site, [(.memoryMin, "16384")]), Self.target(a, [(.memoryMin, "4096")])])
        #expect(tree.amount(.memoryMin, Self.root) == ByteCount(16384))
        Self.apply(&tree, [Self.target(a, [(.memoryMin, "8192")])])
        #expect(tree.amount(.memoryMin, site) == ByteCount(16384))
        let tooMuch = Self.targets(&tree, [Self.target(a, [(.memoryMin, "20480")])])
        #expect(tree.state.violations(of: tooMuch).map(\.id) == ["over-parent"])
        Self.apply(&tree, [TreeTarget(site)])
        #expect(tree.amount(.memoryMin, site) == ByteCount(8192))
    }

    @Test("What was there before is the least, and what somebody else has written is left to them") func floor() {
        let site = CgroupPath.of("/top/site")
        var tree = ModelTree(state: TreeState(nodes: [Self.root: .init(values: [.memoryMin: "12288"])]))
        Self.apply(&tree, [Self.target(site, [(.memoryMin, "4096")])])
        #expect(tree.amount(.memoryMin, Self.root) == ByteCount(12288))
        Self.apply(&tree, [Self.target(site, [(.memoryMin, "20480")])])
        Self.apply(&tree, [Self.target(site, [(.memoryMin, "4096")])])
        #expect(tree.amount(.memoryMin, Self.root) == ByteCount(12288))
        tree.perform(.write(.memoryMin, "40960", replacing: "12288", Self.root))
        let edited = Self.targets(&tree, [Self.target(site, [(.memoryMin, "8192")])])
        #expect(TreePlan(from: tree.state, to: edited).foreignEdits.map(\.found) == ["40960"])
        for _ in 0..<2 {
            Self.apply(&tree, [Self.target(site, [(.memoryMin, "8192")])])
            #expect(tree.amount(.memoryMin, Self.root) == ByteCount(40960))
        }
    }

    @Test("Regions of device memory are summed each by itself") func regions() {
        var tree = ModelTree(state: TreeState())
        let (one, other) = (
            ControlKnob("dmem.min", region: "drm/0/vram0"), ControlKnob("dmem.min", region: "drm/1/vram0")
        )
        let (a, b) = (CgroupPath.of("/top/a"), CgroupPath.of("/top/b"))
        Self.apply(&tree, [Self.target(a, [(one, "4096"), (other, "512")]), Self.target(b, [(one, "100")])])
        #expect(tree.amount(one, Self.root) == ByteCount(4196) && tree.amount(other, Self.root) == ByteCount(512))
        Self.apply(&tree, [TreeTarget(a)])
        #expect(tree.amount(one, Self.root) == ByteCount(100) && tree.amount(other, Self.root) == .zero)
        // More than its own limit.
        let limit = ControlKnob("dmem.max", region: "drm/0/vram0")
        let over = Self.targets(&tree, [Self.target(b, [(one, "100"), (limit, "50")])])
        #expect(tree.state.violations(of: over).map(\.id) == ["over-limit"])
    }

    @Test("Each parent covers its children after every step, and cut off anywhere the next change makes it exact")
    func everyStep() throws {
        var random = SplitMix(state: 11)
        var tree = ModelTree(state: TreeState())
        for _ in 0..<200 {
            let path = CgroupPath.of(
                "/top/g\(Int.random(in: 0...2, using: &random))/l\(Int.random(in: 0...3, using: &random))")
            let values = [ControlKnob.memoryMin, .memoryLow].map {
                (knob: $0, value: "\(UInt64.random(in: 0...8, using: &random) * 4096)")
            }
            let removes = tree.state.nodes[path] != nil && Bool.random(using: &random)
            let targets = Self.targets(
                &tree, removes ? [] : [Self.target(path, values)], removing: removes ? [path] : [])
            let steps = TreePlan(from: tree.state, to: targets).steps + (removes ? [.remove(path)] : [])
            let cut = Bool.random(using: &random) ? steps.count : Int.random(in: 0...steps.count, using: &random)
            for step in steps[..<cut] {
                tree.perform(step)
                if !tree.uncovered.isEmpty { Issue.record("\(tree.uncovered) after \(step)") }
            }
            // Whoever comes next looks at all that is there.
            let all = tree.state.nodes.keys.filter { $0 != Self.root }.map {
                TreeTarget(path: $0, files: [], role: nil, isWhole: false)
            }
            for step in TreePlan(from: tree.state, to: Self.targets(&tree, all)).steps { tree.perform(step) }
            for path in tree.state.nodes.keys where path.components.count < 3 {
                let sum = tree.state.nodes.keys.filter { $0.parent == path }.map { tree.amount(.memoryMin, $0) }.total()
                #expect(path.isRoot || tree.amount(.memoryMin, path) == sum)
            }
        }
    }

    @Test("Cut off before a second write, the first is still known as ours, and is given back") func earlier() throws {
        var state = TreeState(nodes: [Self.root: .init(values: [.memoryMin: "4096"])])
        for value in ["8192", "12288"] {
            let target = Self.target(Self.root, [(.memoryMin, value)]).with(
                .tree(isSettled: false, named: [.memoryMin]))
            var tree = ModelTree(state: state)
            // The second time only what is written down first.
            for step in TreePlan(from: state, to: [target]).steps where value == "8192" || !step.isVisible {
                tree.perform(step)
            }
            state = tree.state
        }
        let record = try #require(state.nodes[Self.root]?.record)
        #expect(record.values[.memoryMin] == .init(before: "4096", ours: "12288", earlier: "8192"))
        #expect(try CgroupRecord(parsing: record.text) == record)
        let release = TreePlan(releasing: state, tree: Self.root)
        #expect(release.visibleSteps == [.write(.memoryMin, "4096", replacing: "8192", Self.root)])
        #expect(release.foreignEdits == [])
    }

    @Test("Records of such trees are read as they were written") func records() throws {
        for role in [
            CgroupRecord.Role.tree(isSettled: true, named: []), .member(named: []),
            .tree(isSettled: false, named: [ControlKnob("dmem.low", region: "drm/0000:03:00.0/vram0"), .memoryMin]),
        ] {
            var record = CgroupRecord()
            record.role = role
            #expect(try CgroupRecord(parsing: record.text) == record)
        }
        #expect(throws: CgroupRecordError.self) { try CgroupRecord(parsing: "bulkhead-record\t1\nown\tperhaps") }
    }
}

extension CgroupPath {
    fileprivate static func of(_ text: String) -> CgroupPath { (try? CgroupPath(parsing: text)) ?? .root }
}
