// SPDX-License-Identifier: Apache-2.0

import NodeModel
import TestSupport
import Testing

/// One level of `effective-protection.json`, in pages of 4096 bytes.
private struct LevelTable: Decodable {
    struct Case: Decodable {
        var name: String
        var parentEffective: UInt64
        var parentUsage: UInt64
        var siblingsProtectedUsage: UInt64
        var children: [Child]
    }
    struct Child: Decodable {
        var setting: UInt64
        var usage: UInt64
        var effectiveNoRecursive: UInt64?
        var effectiveRecursive: UInt64?
    }
    var cases: [Case]
}

@Suite("Effective protection")
struct EffectiveProtectionTests {
    private func path(_ text: String) throws -> CgroupPath { try CgroupPath(parsing: text) }

    private func node(
        _ path: String, used: UInt64, min: UInt64 = 0, low: UInt64 = 0, _ children: [EffectiveProtection.Node] = []
    ) throws -> EffectiveProtection.Node {
        EffectiveProtection.Node(
            try self.path(path), usage: .mebibytes(used), min: .mebibytes(min), low: .mebibytes(low),
            children: children)
    }

    private func last(
        _ place: String, in tree: EffectiveProtection.Node, target: String? = "/", recursive: Bool = false
    ) throws -> EffectiveProtection.Level {
        let found = try EffectiveProtection(
            of: path(place), in: tree, target: target.map(path), recursive: recursive)
        return try #require(found.levels.last)
    }

    @Test("Every level of the vectors comes out as the kernel's rule says")
    func vectorLevels() throws {
        let table: LevelTable = try vectors("effective-protection.json")
        #expect(table.cases.count >= 140)
        for row in table.cases {
            let claimed = row.children.reduce(0) { $0 + min($1.setting, $1.usage) }
            #expect(claimed == row.siblingsProtectedUsage, "\(row.name)")
            for child in row.children {
                for (recursive, expected) in [(false, child.effectiveNoRecursive), (true, child.effectiveRecursive)] {
                    let found = EffectiveProtection.ofLevel(
                        setting: child.setting, usage: child.usage, parentEffective: row.parentEffective,
                        parentUsage: row.parentUsage, siblingsProtectedUsage: row.siblingsProtectedUsage,
                        recursive: recursive)
                    #expect(found == expected, "\(row.name): \(child), recursive: \(recursive)")
                }
            }
        }
    }

    @Test("The same rows as trees, the parent being the first level below the root")
    func vectorTrees() throws {
        let table: LevelTable = try vectors("effective-protection.json")
        for row in table.cases where row.parentUsage > 0 {
            let children = try row.children.enumerated().map { number, child in
                EffectiveProtection.Node(
                    try path("/p/c\(number)"), usage: .bytes(child.usage * 4096),
                    low: child.setting > 1 << 50 ? .max : .bytes(child.setting * 4096))
            }
            let parent = EffectiveProtection.Node(
                try path("/p"), usage: .bytes(row.parentUsage * 4096), low: .bytes(row.parentEffective * 4096),
                children: children)
            let tree = EffectiveProtection.Node(.root, children: [parent])
            for (number, child) in row.children.enumerated() {
                let found = try last("/p/c\(number)", in: tree, recursive: true)
                #expect(found.low.effective == child.effectiveRecursive.map { .bytes($0 * 4096) }, "\(row.name)")
                #expect(found.min.effective == (child.usage == 0 ? nil : .zero))
            }
        }
    }

    @Test("The first level below the target has what it asks for, capped by nothing")
    func firstLevel() throws {
        let tree = try node("/", used: 900, [node("/a", used: 10, min: 500, low: 700)])
        let found = try last("/a", in: tree)
        #expect(found.min.effective == .mebibytes(500))
        #expect(found.low.effective == .mebibytes(700))
        #expect(found.min.cut == nil && found.low.cut == nil)
    }

    @Test("A root without memory.low cuts everything below it, and is named: the layout of 1.36.0")
    func rootWithoutLow() throws {
        let pod = try node("/kubepods/burstable/pod1", used: 100, low: 80)
        let burstable = try node("/kubepods/burstable", used: 100, low: 80, [pod])
        let tree = try node("/", used: 200, [node("/kubepods", used: 120, min: 50, [burstable])])
        for recursive in [false, true] {
            let found = try last("/kubepods/burstable/pod1", in: tree, recursive: recursive)
            #expect(found.low.effective == .zero)
            #expect(found.low.assured == .zero)
            let cut = try #require(found.low.cut)
            #expect(cut.by == (try path("/kubepods")))
            #expect(cut.reason == .asksNothing)
            #expect(cut.claimed == .mebibytes(80))
            #expect(found.low.weakness?.by == cut.by)
        }
    }

    @Test("Reclaim that the root of the pods starts itself sees the same pod protected in full")
    func targetBelowTheRoot() throws {
        let pod = try node("/kubepods/burstable/pod1", used: 100, low: 80)
        let burstable = try node("/kubepods/burstable", used: 100, low: 80, [pod])
        let tree = try node("/", used: 200, [node("/kubepods", used: 120, min: 50, [burstable])])
        let found = try EffectiveProtection(
            of: path("/kubepods/burstable/pod1"), in: tree, target: path("/kubepods"), recursive: true)
        #expect(found.levels.map(\.path.description) == ["/kubepods/burstable", "/kubepods/burstable/pod1"])
        #expect(found.levels.last?.low.effective == .mebibytes(80))
        #expect(found.levels.last?.low.cut == nil)
    }

    @Test("A parent that asks for less than one child claims is told from siblings that share")
    func reasons() throws {
        let tree = try node(
            "/", used: 400,
            [
                node("/less", used: 200, min: 50, [node("/less/a", used: 100, min: 100)]),
                node(
                    "/shared", used: 200, min: 100,
                    [node("/shared/a", used: 90, min: 80), node("/shared/b", used: 90, min: 80)]),
            ])
        let less = try last("/less/a", in: tree)
        #expect(less.min.effective == .mebibytes(50))
        #expect(less.min.cut?.reason == .asksLess)
        let shared = try last("/shared/a", in: tree)
        #expect(shared.min.effective == .mebibytes(50))
        #expect(shared.min.cut?.reason == .shared)
        #expect(shared.min.cut?.has == .mebibytes(100))
        #expect(shared.min.cut?.claimed == .mebibytes(160))
    }

    @Test("A cut far above is inherited, not blamed on the parent that asks for enough")
    func inherited() throws {
        let leaf = try node("/a/b/c", used: 100, min: 100)
        let tree = try node(
            "/", used: 400, [node("/a", used: 100, min: 40, [node("/a/b", used: 100, min: 100, [leaf])])])
        let found = try last("/a/b/c", in: tree)
        #expect(found.min.effective == .mebibytes(40))
        #expect(found.min.cut?.by == (try path("/a")))
        #expect(found.min.cut?.child == (try path("/a/b")))
        #expect(found.min.assured == .mebibytes(40))
    }

    @Test("An idle sibling hides a broken sum: nothing is cut now, and less is assured")
    func idleSibling() throws {
        let tree = try node(
            "/", used: 100,
            [node("/a", used: 60, min: 100, [node("/a/b", used: 60, min: 100), node("/a/c", used: 0, min: 300)])])
        let found = try last("/a/b", in: tree)
        #expect(found.min.effective == .mebibytes(60))
        #expect(found.min.cut == nil)
        #expect(found.min.assured == .mebibytes(25))
        #expect(found.min.weakness?.reason == .shared)
        let idle = try last("/a/c", in: tree)
        #expect(idle.min.effective == nil)
        #expect(idle.min.weakness?.reason == .asksLess)
    }

    @Test("Where no parent asks for less than its children, every level is assured and has what it uses")
    func invariantHolds() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            // Sums are made from the leaves up, usages are free.
            var tops: [EffectiveProtection.Node] = []
            for top in 0..<3 {
                var middles: [EffectiveProtection.Node] = []
                for middle in 0..<3 {
                    let leaves = try (0..<3).map {
                        try node(
                            "/t\(top)/m\(middle)/l\($0)", used: .random(in: 0...64, using: &generator),
                            min: .random(in: 0...64, using: &generator))
                    }
                    middles.append(try Self.parent("/t\(top)/m\(middle)", leaves, &generator))
                }
                tops.append(try Self.parent("/t\(top)", middles, &generator))
            }
            let tree = EffectiveProtection.Node(.root, usage: tops.map(\.usage).total(), children: tops)
            for recursive in [false, true] {
                for leaf in tops.flatMap(\.children).flatMap(\.children) {
                    let found = try last(leaf.path.description, in: tree, recursive: recursive)
                    #expect(found.min.assured == leaf.min)
                    #expect(found.min.cut == nil && found.min.weakness == nil)
                    if let effective = found.min.effective { #expect(effective >= min(leaf.min, leaf.usage)) }
                }
            }
        }
    }

    private static func parent(
        _ place: String, _ children: [EffectiveProtection.Node], _ generator: inout SystemRandomNumberGenerator
    ) throws -> EffectiveProtection.Node {
        let extra = ByteCount.mebibytes(.random(in: 0...16, using: &generator))
        return EffectiveProtection.Node(
            try CgroupPath(parsing: place), usage: children.map(\.usage).total(),
            min: children.map(\.min).total() + extra, children: children)
    }

    @Test("Whatever the siblings use, no less than the assured part of what is used is spared")
    func assuredIsABound() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            func some() -> UInt64 { .random(in: 0...100, using: &generator) }
            let mine = UInt64.random(in: 1...100, using: &generator)
            let leaves = try [node("/a/b/c", used: mine, min: mine), node("/a/b/d", used: some(), min: some())]
            let middles = try [
                EffectiveProtection.Node(
                    path("/a/b"), usage: leaves.map(\.usage).total(), min: .mebibytes(some()), children: leaves),
                node("/a/e", used: some(), min: some()),
            ]
            let top = try EffectiveProtection.Node(
                path("/a"), usage: middles.map(\.usage).total(), min: .mebibytes(some()), children: middles)
            let found = try last("/a/b/c", in: EffectiveProtection.Node(.root, children: [top]))
            let effective = try #require(found.min.effective)
            // Each of two divisions may round a page away.
            #expect(effective + .kibibytes(8) >= found.min.assured, "\(top)")
        }
    }

    @Test("Products over 64 bits neither wrap round nor trap")
    func largeValues() {
        let huge = EffectiveProtection.ofLevel(
            setting: 1 << 40, usage: 1 << 41, parentEffective: 1 << 51, parentUsage: 1 << 42,
            siblingsProtectedUsage: 1 << 41, recursive: true)
        #expect(huge == UInt64(1 << 40) + UInt64((1 << 51) - (1 << 41)) / 2)
        #expect(
            EffectiveProtection.ofLevel(
                setting: .max, usage: .max, parentEffective: .max - 1, parentUsage: .max,
                siblingsProtectedUsage: .max, recursive: true) == UInt64.max - 1)
        #expect(
            EffectiveProtection.ofLevel(
                setting: 1, usage: .max, parentEffective: .max, parentUsage: 2, siblingsProtectedUsage: 1,
                recursive: true) == UInt64.max)
    }

    @Test("Reclaim that does not come to the cgroup is refused, and so is a cgroup that is not there")
    func refusals() throws {
        let tree = try node("/", used: 1, [node("/a", used: 1), node("/b", used: 1)])
        #expect(throws: EffectiveProtectionError.notBelow(try path("/a"), target: try path("/b"))) {
            try EffectiveProtection(of: path("/a"), in: tree, target: path("/b"), recursive: true)
        }
        let itself = #expect(throws: EffectiveProtectionError.self) {
            try EffectiveProtection(of: path("/a"), in: tree, target: path("/a"), recursive: true)
        }
        #expect(itself?.description.contains("its own protection does not count") == true)
        #expect(throws: EffectiveProtectionError.noSuchCgroup(try path("/a/x"))) {
            try EffectiveProtection(of: path("/a/x"), in: tree, target: .root, recursive: true)
        }
    }

    @Test("Settings are kept in whole pages, rounded down, whatever the page size")
    func pageSizes() throws {
        let tree = EffectiveProtection.Node(
            .root, usage: .mebibytes(1), min: .mebibytes(1),
            children: [EffectiveProtection.Node(try path("/a"), usage: .mebibytes(1), min: .bytes(100_000))])
        let small = try EffectiveProtection(of: path("/a"), in: tree, target: .root, recursive: true)
        #expect(small.levels.first?.min.effective == .bytes(98_304))
        let large = try EffectiveProtection(
            of: path("/a"), in: tree, target: .root, recursive: true, pageSize: .kibibytes(64))
        #expect(large.levels.first?.min.effective == .bytes(65_536))
        let bytes = try EffectiveProtection(
            of: path("/a"), in: tree, target: nil, recursive: false, pageSize: .bytes(1))
        #expect(bytes.levels.last?.min.effective == .bytes(100_000))
    }
}
