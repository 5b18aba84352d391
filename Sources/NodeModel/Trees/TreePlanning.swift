// SPDX-License-Identifier: Apache-2.0

extension TreePlan {
    /// The shortest way from what is there to what is wanted.
    ///
    /// First every record, so that after a crash each value is known as ours or as the one before. New control groups
    /// next: they claim nothing yet, and a failure there has touched no value. Then all decreases, the deepest control
    /// group first, then all increases, the shallowest first. Inside one control group protection falls before limits
    /// do and rises after them. So at every instant each parent has at least the sum of its children, and no protection
    /// stands above its own limit, if it was so before; KEP-1287 has the same order for limits.
    public init(from state: TreeState, to targets: [TreeTarget]) {
        self.init()
        let targets = targets.map(state.completed).sorted { $0.path.components.count < $1.path.components.count }
        var decreases: [TreeStep] = []
        var increases: [TreeStep] = []
        var making: [TreeStep] = []
        let controllers = Self.controllers(targets)
        for target in targets where !target.mustExist || state.nodes[target.path] != nil {
            let writes = Self.writes(target, state)
            var record = state.nodes[target.path]?.record ?? CgroupRecord()
            foreignEdits += Self.foreignEdits(record, state, target.path)
            if state.nodes[target.path] == nil {
                making.append(.make(target.path))
                record.isMade = true
            }
            record.role = target.role ?? record.role
            if case .allPods? = target.role { record.elsewhere = Self.elsewhere(record, targets, state) }
            if let tree = target.tree, !record.trees.contains(tree) { record.trees.append(tree) }
            for write in writes { record.take(write) }
            let enabled = state.nodes[target.path]?.enabled ?? []
            let missing = (controllers[target.path] ?? []).subtracting(enabled).sorted()
            record.enabled = Set(record.enabled).union(missing).sorted()
            if record != state.nodes[target.path]?.record, record != CgroupRecord() {
                let step = TreeStep.record(record, replacing: state.nodes[target.path]?.record, target.path)
                if state.nodes[target.path] == nil { making.append(step) } else { steps.append(step) }
            }
            if !missing.isEmpty { making.append(.enable(missing, target.path)) }
            decreases = writes.filter(\.isDecrease).sorted(by: TreeStep.protectionFirst) + decreases
            increases += writes.filter { !$0.isDecrease }.sorted { TreeStep.protectionFirst($1, $0) }
        }
        steps += making + decreases + increases
    }

    /// The controllers that a control group has to give to its children: those of every file somewhere below.
    private static func controllers(_ targets: [TreeTarget]) -> [CgroupPath: Set<String>] {
        var needed: [CgroupPath: Set<String>] = [:]
        // The deepest first: what a child gives on, it must be given.
        for target in targets.reversed() {
            guard let parent = target.path.parent else { continue }
            let own = target.values.compactMap(\.knob.controller)
            needed[parent, default: []].formUnion(own + (needed[target.path] ?? []))
        }
        return needed
    }

    private static func writes(_ target: TreeTarget, _ state: TreeState) -> [TreeStep] {
        target.values.compactMap { knob, value in
            let wanted = knob.kept(value, pageSize: state.pageSize)
            // A file that the kernel does not have cannot be compared; the write will say what is the matter.
            let current = state.value(knob, at: target.path) ?? "?"
            return current == wanted ? nil : .write(knob, wanted, replacing: current, target.path)
        }
    }

    /// The reserved control groups that this change or one before it is about.
    private static func elsewhere(_ record: CgroupRecord, _ targets: [TreeTarget], _ state: TreeState) -> [CgroupPath] {
        let now = targets.filter { $0.mustExist && state.nodes[$0.path] != nil }.map(\.path)
        return record.elsewhere + now.filter { !record.elsewhere.contains($0) }
    }

    /// A value of before is somebody's edit too, unless we were cut off between writing down a change and making it.
    private static func foreignEdits(
        _ record: CgroupRecord, _ state: TreeState, _ path: CgroupPath
    ) -> [ForeignEdit] {
        let isSettled = state.isSettled(path)
        return record.values.sorted { $0.key < $1.key }.compactMap { knob, taken in
            guard let found = state.nodes[path]?.values[knob], found != taken.ours,
                isSettled || !taken.knows(found)
            else { return nil }
            return ForeignEdit(path: path, knob: knob, ours: taken.ours, found: found)
        }
    }
}

extension CgroupRecord {
    /// Notes that a value becomes ours. Given back is the last value that was not: what somebody else wrote over ours
    /// counts.
    mutating func take(_ write: TreeStep) {
        guard case .write(let knob, let value, let found, _) = write else { return }
        if let taken = values[knob], taken.knows(found) {
            values[knob] = Taken(before: taken.before, ours: value, earlier: found == taken.before ? nil : found)
        } else {
            values[knob] = Taken(before: found, ours: value)
        }
    }
}

extension TreeStep {
    /// Whether the write makes a protection or a ceiling smaller.
    var isDecrease: Bool {
        guard case .write(let knob, let new, let old, _) = self, knob.kind != .free else { return false }
        return knob.amount(new) < knob.amount(old)
    }

    /// Protection before ceilings, `memory.high` before `memory.max`, the rest as it was.
    static func protectionFirst(_ one: TreeStep, _ other: TreeStep) -> Bool { one.rank < other.rank }

    private var rank: Int {
        guard case .write(let knob, _, _, _) = self else { return 0 }
        switch knob.kind {
        case .protection: return 0
        case .ceiling: return knob == .memoryMax ? 2 : 1
        case .free: return 3
        }
    }
}
