// SPDX-License-Identifier: Apache-2.0

extension TreePlan {
    /// Gives back what was taken: every value that is still ours becomes what it was before, the records go, and so do
    /// the cgroups that we made, the deepest first. What somebody else has written since stays.
    public init(releasing state: TreeState) {
        var decreases: [TreeStep] = []
        var increases: [TreeStep] = []
        var forgetting: [TreeStep] = []
        var removing: [TreeStep] = []
        var edits: [ForeignEdit] = []
        for (path, node) in state.nodes.sorted(by: { $0.key.components.count < $1.key.components.count }) {
            guard let record = node.record else { continue }
            var writes: [TreeStep] = []
            for (knob, taken) in record.values.sorted(by: { $0.key < $1.key }) {
                guard let found = node.values[knob], found != taken.before else { continue }
                if found == taken.ours {
                    writes.append(.write(knob, taken.before, replacing: found, path))
                } else {
                    edits.append(ForeignEdit(path: path, knob: knob, ours: taken.ours, found: found))
                }
            }
            decreases = writes.filter(\.isDecrease).sorted(by: TreeStep.protectionFirst) + decreases
            increases += writes.filter { !$0.isDecrease }.sorted { TreeStep.protectionFirst($1, $0) }
            forgetting.insert(.record(nil, replacing: record, path), at: 0)
            let enabled = record.enabled.filter(node.enabled.contains)
            if record.isMade {
                removing.insert(.remove(path), at: 0)
            } else if !enabled.isEmpty {
                removing.append(.disable(enabled, path))
            }
        }
        self.init(steps: decreases + increases + forgetting + removing, foreignEdits: edits)
    }
}
