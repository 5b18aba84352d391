// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

extension LiveTree {
    /// Gives back what was taken in a tree, of which `everything` reads all that has a record of ours.
    borrowing func release(
        _ root: CgroupPath, _ options: TreeOptions, dryRun: Bool, everything: () throws(KernelError) -> TreeState
    ) throws(TreeError) -> TreeRelease {
        let seen = TreePlan(releasing: try asked(everything), tree: root)
        if dryRun { return TreeRelease(plan: seen) }
        // To who may not manage the tree its records are hidden: that is not the same as nothing to give back.
        let isThere = try asked { () throws(KernelError) in try childCount(root) } != nil
        if seen.steps.isEmpty, !isThere { return TreeRelease(plan: seen) }
        let lock = try asked { () throws(KernelError) in
            try TreeLock.take(root, beneath: mount, timeout: options.lockTimeout)
        }
        let state = try asked(everything)
        let plan = TreePlan(releasing: state, tree: root)
        // Values first, as one change: done or taken back. Whoever finds them cut off does not trust the books.
        var steps = plan.steps.filter(\.isValue)
        if let record = state.nodes[root]?.record, record.role?.isSettled != nil {
            var opened = record
            opened.role = record.role?.settled(false)
            steps.insert(.record(opened, replacing: record, root), at: 0)
        }
        do { try apply(TreePlan(steps: steps)) } catch { throw .failed(error) }
        var release = TreeRelease(plan: plan)
        // Then what may stay because somebody uses it.
        for step in plan.steps where !step.isValue {
            if case .record = step, release.kept.contains(where: { $0.step.path == step.path }) { continue }
            do throws(KernelError) {
                if case .disable(let names, let path) = step { try refuseTaking(names, of: path) }
                try perform(step)
            } catch {
                if error.errno == .noSuchFileOrDirectory || error.meansCgroupIsGone { continue }
                release.kept.append(.init(step: step, error: error))
                // It stays known as ours; its values are so no longer.
                if var rest = state.nodes[step.path]?.record {
                    rest.values = [:]
                    try? perform(.record(rest, replacing: nil, step.path))
                }
            }
        }
        _ = consume lock
        return release
    }

    /// The kernel takes a controller away with all values that others have set by it since: not without a word.
    private borrowing func refuseTaking(_ names: [String], of path: CgroupPath) throws(KernelError) {
        let knobs = Self.ordinary.filter { names.contains($0.controller ?? "") }
        for name in try children(path) {
            guard let child = try? path.appending(name),
                let node = try self.node(child, files: Set(knobs.map(\.file)), enabled: false)
            else { continue }
            guard let knob = knobs.first(where: { node.values[$0] ?? $0.initialValue != $0.initialValue }) else {
                continue
            }
            throw KernelError(
                "write", CgroupFile.subtreeControl.name, value: names.map { "-" + $0 }.joined(separator: " "),
                in: place(path), errno: .resourceBusy, hint: "\(name) has a \(knob) of its own by now")
        }
    }

    /// What is set in most cgroups where anything is.
    private static let ordinary =
        [
            "memory.min", "memory.low", "memory.high", "memory.max", "memory.oom.group", "cpu.weight", "cpu.max",
            "pids.max",
        ].map { ControlKnob($0) }

    /// Adds what giving back looks at of one cgroup.
    borrowing func add(
        _ path: CgroupPath, to state: inout TreeState, of root: CgroupPath, wasCutOff: Bool
    ) throws(KernelError) {
        guard let record = try record(path) else {
            guard wasCutOff, !path.isRoot, let record = try lostRecord(path) else { return }
            state.nodes[path] = TreeState.Node(record: record)
            return
        }
        let files = Set(record.values.keys.map(\.file))
        state.nodes[path] = try node(path, files: files, enabled: !record.enabled.isEmpty)
        // What is above is ours only as far as it stands above this tree.
        if path.contains(root), path != root, !record.trees.contains(root) { state.nodes[path] = nil }
    }
}

extension TreeStep {
    fileprivate var isValue: Bool {
        if case .write = self { true } else { false }
    }
}
