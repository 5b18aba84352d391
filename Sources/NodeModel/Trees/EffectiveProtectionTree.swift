// SPDX-License-Identifier: Apache-2.0

extension EffectiveProtection {
    /// A cgroup as far as its protection is concerned. Only the children of those on the way down matter.
    public struct Node: Sendable, Hashable {
        /// Where it is.
        public var path: CgroupPath
        /// What it uses, with all below it: `memory.current`.
        public var usage: ByteCount
        /// Its `memory.min`.
        public var min: ByteCount
        /// Its `memory.low`.
        public var low: ByteCount
        /// Its `memory.high`.
        public var high: ByteCount
        /// Its `memory.max`.
        public var max: ByteCount
        /// The cgroups directly below.
        public var children: [Node]

        /// A cgroup; without values it asks for nothing and has no limit.
        public init(
            _ path: CgroupPath, usage: ByteCount = .zero, min: ByteCount = .zero, low: ByteCount = .zero,
            high: ByteCount = .max, max: ByteCount = .max, children: [Node] = []
        ) {
            self.path = path
            self.usage = usage
            self.min = min
            self.low = low
            self.high = high
            self.max = max
            self.children = children
        }

        /// What one of the two files says.
        public subscript(_ knob: Knob) -> ByteCount { knob == .min ? min : low }

        /// The nodes from this one down to a place, both included; nil when it is not in this tree.
        public func chain(to place: CgroupPath) -> [Node]? {
            if path == place { return [self] }
            guard let next = children.first(where: { $0.path.contains(place) }), let rest = next.chain(to: place)
            else { return nil }
            return [self] + rest
        }
    }

    /// Computes the levels down to `path`.
    ///
    /// - Parameters:
    ///   - path: the cgroup in question.
    ///   - tree: what there is; of the nodes on the way down, all children.
    ///   - target: where reclaim starts, the root for a machine that is short of memory; nil for somewhere above `tree`,
    ///     whose top then is the first level.
    ///   - recursive: whether cgroup2 is mounted with `memory_recursiveprot`.
    ///   - pageSize: the kernel's; 1 for `dmem`, which counts bytes.
    public init(
        of path: CgroupPath, in tree: Node, target: CgroupPath?, recursive: Bool, pageSize: ByteCount = .kibibytes(4)
    ) throws(EffectiveProtectionError) {
        guard let chain = tree.chain(to: path) else { throw .noSuchCgroup(path) }
        var below = chain[...]
        if let target {
            guard target != path, let start = chain.firstIndex(where: { $0.path == target }) else {
                throw .notBelow(path, target: target)
            }
            below = chain[(start + 1)...]
        }
        let min = Chain(.min, below, recursive, pageSize).shares
        let low = Chain(.low, below, recursive, pageSize).shares
        self.target = target
        self.recursive = recursive
        levels = zip(below, zip(min, low)).map { node, shares in
            Level(
                path: node.path, usage: node.usage, high: node.high, max: node.max, min: shares.0, low: shares.1)
        }
    }
}

/// One of the two files, down the levels.
private struct Chain {
    private let knob: EffectiveProtection.Knob
    private let recursive: Bool
    private let pageSize: UInt64
    private(set) var shares: [EffectiveProtection.Share] = []
    /// Of the last level: what it has, in pages.
    private var effective: UInt64 = 0
    /// The narrowest place so far: what a parent asks for, and what its children ask for together.
    private var narrowest: (cut: EffectiveProtection.Cut, asked: UInt64, claimed: UInt64)?
    /// By what a claim shrinks at each level passed so far, for what is assured.
    private var factors: [(asked: UInt64, claimed: UInt64)] = []

    init(
        _ knob: EffectiveProtection.Knob, _ nodes: ArraySlice<EffectiveProtection.Node>, _ recursive: Bool,
        _ pageSize: ByteCount
    ) {
        self.knob = knob
        self.recursive = recursive
        self.pageSize = Swift.max(1, pageSize.bytes)
        var parent: EffectiveProtection.Node?
        for node in nodes {
            if let parent { descend(from: parent, to: node) } else { begin(at: node) }
            parent = node
        }
    }

    /// The first level below the target: nothing bounds it.
    private mutating func begin(at node: EffectiveProtection.Node) {
        let isUsed = pages(node.usage) > 0
        effective = isUsed ? pages(node[knob]) : 0
        shares.append(
            .init(
                asked: node[knob], effective: isUsed ? bytes(effective) : nil, assured: bytes(pages(node[knob])),
                cut: nil, weakness: nil))
    }

    private mutating func descend(from parent: EffectiveProtection.Node, to node: EffectiveProtection.Node) {
        let setting = pages(node[knob])
        let usage = pages(node.usage)
        let available = effective
        let claimed = parent.children.reduce(UInt64(0)) { adding($0, Swift.min(pages($1[knob]), pages($1.usage))) }
        let own = EffectiveProtection.ofLevel(
            setting: setting, usage: usage, parentEffective: available, parentUsage: pages(parent.usage),
            siblingsProtectedUsage: claimed, recursive: recursive)

        var cut: EffectiveProtection.Cut?
        if let own, own < Swift.min(setting, usage) {
            // A parent that asks for enough has itself been cut, and there is the cause.
            let inherited = pages(parent[knob]) >= claimed ? shares.last?.cut : nil
            cut =
                inherited
                ?? makeCut(parent, node.path, claim: Swift.min(setting, usage), has: available, claimed: claimed)
        }
        let weakness = weakness(below: parent, at: node.path, setting: setting)
        shares.append(
            .init(
                asked: node[knob], effective: own.map(bytes), assured: bytes(assured(setting)), cut: cut,
                weakness: setting > 0 ? weakness : nil))
        effective = own ?? 0
    }

    /// Notes by what claims shrink below this parent at worst; the narrowest place on the way.
    ///
    /// With every cgroup on the way cut to at least asked / claimed of what it uses of its claim, a claim is cut to the
    /// product of these at worst.
    private mutating func weakness(
        below parent: EffectiveProtection.Node, at child: CgroupPath, setting: UInt64
    ) -> EffectiveProtection.Cut? {
        let asked = pages(parent[knob])
        let claimed = parent.children.reduce(UInt64(0)) { adding($0, pages($1[knob])) }
        guard claimed > asked else { return narrowest?.cut }
        factors.append((asked, claimed))
        // The earliest among equals: what it lacks is to be given there first.
        if let narrowest, UInt128(asked) * UInt128(narrowest.claimed) >= UInt128(narrowest.asked) * UInt128(claimed) {
            return narrowest.cut
        }
        let cut = makeCut(parent, child, claim: setting, has: asked, claimed: claimed)
        narrowest = (cut, asked, claimed)
        return cut
    }

    private func assured(_ setting: UInt64) -> UInt64 {
        factors.reduce(setting) { EffectiveProtection.scaled($0, by: $1.asked, over: $1.claimed) }
    }

    private func makeCut(
        _ parent: EffectiveProtection.Node, _ child: CgroupPath, claim: UInt64, has: UInt64, claimed: UInt64
    ) -> EffectiveProtection.Cut {
        let asked = pages(parent[knob])
        return .init(
            by: parent.path, child: child, reason: asked == 0 ? .asksNothing : claim > asked ? .asksLess : .shared,
            asked: bytes(asked),
            has: bytes(has), claimed: bytes(claimed))
    }

    /// `PAGE_COUNTER_MAX`: what the kernel keeps for `max`.
    private var limit: UInt64 { UInt64(Int64.max) / pageSize }

    private func pages(_ count: ByteCount) -> UInt64 { Swift.min(count.bytes / pageSize, limit) }

    private func bytes(_ pages: UInt64) -> ByteCount { pages >= limit ? .max : ByteCount(pages * pageSize) }

    private func adding(_ one: UInt64, _ other: UInt64) -> UInt64 {
        let (sum, overflow) = one.addingReportingOverflow(other)
        return overflow ? UInt64.max : sum
    }
}
