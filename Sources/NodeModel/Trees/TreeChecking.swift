// SPDX-License-Identifier: Apache-2.0

extension TreeState {
    /// What would not hold after a change: of the invariants, for `memory.min`, `memory.low` and the `dmem` ones each,
    ///
    /// - A: a control group has at least the sum of its children;
    /// - B: the children's `memory.min` leave room under a finite `memory.max`.
    ///
    /// Exactly the limit, which is what Kubernetes gives to Guaranteed pods, is for ``tightLimits(_:)`` to tell.
    public func violations(of targets: [TreeTarget]) -> [TreeViolation] {
        let targets = targets.map(completed)
        let after = After(self, targets)
        var found: [TreeViolation] = []
        for target in targets {
            if target.mustExist, nodes[target.path] == nil { found.append(.missing(target.path)) }
            for (knob, value) in target.values where knob.kind != .free && knob.file.hasPrefix("memory.") {
                let value = knob.amount(value)
                if value > .zero, value < pageSize {
                    found.append(.belowPage(knob, target.path, value: value, page: pageSize))
                }
            }
            let max = after.amount(.memoryMax, target.path)
            for knob in after.protections where !target.path.isRoot {
                let own = after.amount(knob, target.path)
                let claimed = after.claimed(knob, target.path)
                if own < claimed { found.append(.overParent(knob, target.path, has: own, claimed: claimed)) }
                if knob == .memoryMin, claimed > max { found.append(.noRoom(target.path, max: max, claimed: claimed)) }
                if let limit = knob.limit.map({ after.amount($0, target.path) }), own > limit {
                    found.append(.overLimit(knob, target.path, value: own, max: limit))
                }
            }
            if let usage = nodes[target.path]?.usage, max < after.before(.memoryMax, target.path), max < usage {
                found.append(.belowUsage(.memoryMax, target.path, value: max, usage: usage))
            }
        }
        return found
    }

    /// The control groups whose children's `memory.min` takes all of a finite `memory.max`.
    public func tightLimits(_ targets: [TreeTarget]) -> [TreeViolation] {
        let targets = targets.map(completed)
        let after = After(self, targets)
        return targets.compactMap { target in
            let max = after.amount(.memoryMax, target.path)
            let claimed = after.claimed(.memoryMin, target.path)
            return max < .max && claimed == max && max > .zero
                ? .noRoom(target.path, max: max, claimed: claimed) : nil
        }
    }

    /// The values as they will be.
    private struct After {
        private let state: TreeState
        private let targets: [CgroupPath: TreeTarget]
        private var sums: [CgroupPath: [ControlKnob: ByteCount]] = [:]
        let protections: [ControlKnob]

        init(_ state: TreeState, _ targets: [TreeTarget]) {
            self.state = state
            self.targets = Dictionary(targets.map { ($0.path, $0) }) { $1 }
            let regions = Set(targets.flatMap { $0.values.map(\.knob) }.filter { $0.kind == .protection })
            protections = regions.union([.memoryMin, .memoryLow]).sorted()
            for target in targets {
                guard let parent = target.path.parent else { continue }
                for knob in protections {
                    sums[parent, default: [:]][knob, default: .zero] += amount(knob, target.path)
                }
            }
        }

        func amount(_ knob: ControlKnob, _ path: CgroupPath) -> ByteCount {
            knob.amount(
                targets[path]?.value(knob).map { knob.kept($0, pageSize: state.pageSize) }
                    ?? state.value(knob, at: path))
        }

        func before(_ knob: ControlKnob, _ path: CgroupPath) -> ByteCount { knob.amount(state.value(knob, at: path)) }

        func claimed(_ knob: ControlKnob, _ path: CgroupPath) -> ByteCount {
            (sums[path]?[knob] ?? .zero) + (state.nodes[path]?.otherClaims[knob] ?? .zero)
        }
    }
}
