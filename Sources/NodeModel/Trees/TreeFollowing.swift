// SPDX-License-Identifier: Apache-2.0

extension TreeState {
    /// The protections that a change of these control groups is about: of memory, and of each region of device memory
    /// that somebody names or that is ours already.
    package func protections(_ targets: [TreeTarget]) -> [ControlKnob] {
        let named = targets.flatMap { $0.values.map(\.knob) }
        let ours = nodes.values.flatMap { $0.record.map { Array($0.values.keys) } ?? [] }
        return Set([.memoryMin, .memoryLow] + (named + ours).filter { $0.kind == .protection }).sorted()
    }

    /// Completes the change of a tree of somebody's own: a protection that nobody has set by name is exactly what the
    /// children claim together, or what it was before we came where that is more.
    ///
    /// A control group that is only on the way has a target without values that is not whole. What is to be removed is
    /// left as it is said.
    package func following(
        _ targets: [TreeTarget], below root: CgroupPath, leaving retired: [CgroupPath]
    ) -> [TreeTarget] {
        let knobs = protections(targets)
        let retired = Set(retired)
        var claims: [CgroupPath: [ControlKnob: ByteCount]] = [:]
        return targets.sorted { $0.path.components.count > $1.path.components.count }.map { target in
            var result = target
            if !retired.contains(target.path) {
                let named = self.named(target)
                let left = knobs.filter { !named.contains($0) && target.value($0) == nil }
                result = target.adding(left.compactMap { follow($0, target.path, claims[target.path] ?? [:]) })
                    .with(target.path == root ? .tree(isSettled: false, named: named) : .member(named: named))
            }
            guard let parent = target.path.parent else { return result }
            for knob in knobs {
                let value = result.value(knob).map { knob.kept($0, pageSize: pageSize) }
                claims[parent, default: [:]][knob, default: .zero] += knob.amount(
                    value ?? self.value(knob, at: target.path))
            }
            return result
        }
    }

    /// The protections that are set by name: now, or before and not spoken of.
    private func named(_ target: TreeTarget) -> [ControlKnob] {
        let before = target.isWhole ? [] : nodes[target.path]?.record?.role?.named ?? []
        return Set(before + target.values.map(\.knob).filter { $0.kind == .protection }).sorted()
    }

    private func follow(
        _ knob: ControlKnob, _ path: CgroupPath, _ claims: [ControlKnob: ByteCount]
    ) -> (knob: ControlKnob, value: String)? {
        let node = nodes[path]
        let found = value(knob, at: path)
        let taken = node?.record?.values[knob]
        // What somebody else has written is left to them, as far as it covers the children.
        let floor = if let taken, let found, taken.knows(found) { taken.before } else { found }
        let wanted = Swift.max(
            knob.amount(floor), (claims[knob] ?? .zero) + (node?.otherClaims[knob] ?? .zero))
        return taken == nil && wanted == knob.amount(found) ? nil : (knob, "\(wanted)")
    }
}
