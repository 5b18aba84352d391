// SPDX-License-Identifier: Apache-2.0

extension TreePlan {
    /// Gives back what was taken: every value that is still ours becomes what it was before, then the cgroups that we
    /// made go, the deepest first, and last what was taken from those above. What somebody else has written since stays.
    ///
    /// A record goes with what it is about and never before it, so what is cut off is completed by the same once more.
    /// What stands above another tree of pods as well is left to the last of them.
    public init(releasing state: TreeState, tree: CgroupPath? = nil) {
        var decreases: [TreeStep] = []
        var increases: [TreeStep] = []
        var leaving: [TreeStep] = []
        var elsewhere: [TreeStep] = []
        var edits: [ForeignEdit] = []
        for (path, node) in state.nodes.sorted(by: { $0.key.isAbove($1.key) }) {
            guard let record = node.record else { continue }
            let others = record.trees.filter { $0 != tree }
            let isOfAnother = tree.map { path.contains($0) && path != $0 && record.role != nil } ?? false
            if !others.isEmpty || isOfAnother {
                var rest = record
                rest.trees = others
                if rest != record { leaving.insert(.record(rest, replacing: record, path), at: 0) }
                continue
            }
            var writes: [TreeStep] = []
            for (knob, taken) in record.values.sorted(by: { $0.key < $1.key }) {
                guard let found = node.values[knob], found != taken.before else { continue }
                if taken.knows(found) {
                    writes.append(.write(knob, taken.before, replacing: found, path))
                } else {
                    edits.append(ForeignEdit(path: path, knob: knob, ours: taken.ours, found: found))
                }
            }
            decreases = writes.filter(\.isDecrease).sorted(by: TreeStep.protectionFirst) + decreases
            increases += writes.filter { !$0.isDecrease }.sorted { TreeStep.protectionFirst($1, $0) }
            if record.isMade {
                leaving.insert(.remove(path), at: 0)
                continue
            }
            let enabled = record.enabled.filter(node.enabled.contains)
            let forgetting = TreeStep.record(nil, replacing: record, path)
            // The root of the tree knows of these: they are forgotten while it is there.
            if let tree, !tree.contains(path), !path.contains(tree) {
                elsewhere.append(forgetting)
            } else {
                leaving.insert(contentsOf: (enabled.isEmpty ? [] : [.disable(enabled, path)]) + [forgetting], at: 0)
            }
        }
        self.init(steps: decreases + increases + elsewhere + leaving, foreignEdits: edits)
    }
}

extension CgroupPath {
    fileprivate func isAbove(_ other: CgroupPath) -> Bool {
        components.count == other.components.count
            ? components.lexicographicallyPrecedes(other.components) : components.count < other.components.count
    }
}
