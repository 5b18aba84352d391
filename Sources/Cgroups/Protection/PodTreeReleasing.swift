// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
public import NodeModel
internal import SystemPackage

/// What giving back has left.
public struct PodTreeRelease: Sendable, Hashable {
    /// The steps that were done.
    public var plan: TreePlan
    /// Cgroups that we made and that stay, for somebody uses them, and controllers that others need by now.
    public var kept: [TreeFailure.Stuck] = []
}

extension PodTree {
    /// Gives back exactly what was taken: values of before, controllers, cgroups. Processes are left alone, and the
    /// cgroups that they are in stay. What others have written since stays, too, and is named.
    ///
    /// What was cut off is completed by the same call again, and so is what stayed, once it is not used any more.
    public borrowing func release(
        options: PodTreeOptions = .init(), dryRun: Bool = false
    ) throws(PodTreeError) -> PodTreeRelease {
        let seen = TreePlan(releasing: try kernel { () throws(KernelError) in try everything() }, tree: root)
        if dryRun { return PodTreeRelease(plan: seen) }
        // To who may not manage the tree its records are hidden: that is not the same as nothing to give back.
        let isThere = try kernel { () throws(KernelError) in try live.childCount(root) } != nil
        if seen.steps.isEmpty, !isThere { return PodTreeRelease(plan: seen) }
        let lock = try kernel { () throws(KernelError) in
            try TreeLock.take(root, beneath: live.mount, timeout: options.lockTimeout)
        }
        let state = try kernel { () throws(KernelError) in try everything() }
        let plan = TreePlan(releasing: state, tree: root)
        // Values first, as one change: done or taken back. Whoever finds them cut off does not trust the books.
        var steps = plan.steps.filter(\.isValue)
        if let record = state.nodes[root]?.record, case .allPods(var ledger)? = record.role {
            var opened = record
            ledger.isSettled = false
            opened.role = .allPods(ledger)
            steps.insert(.record(opened, replacing: record, root), at: 0)
        }
        do { try live.apply(TreePlan(steps: steps)) } catch { throw .failed(error) }
        var release = PodTreeRelease(plan: plan)
        // Then what may stay because somebody uses it.
        for step in plan.steps where !step.isValue {
            if case .record = step, release.kept.contains(where: { $0.step.path == step.path }) { continue }
            do throws(KernelError) {
                if case .disable(let names, let path) = step { try refuseTaking(names, of: path) }
                try live.perform(step)
            } catch {
                if error.errno == .noSuchFileOrDirectory || error.meansCgroupIsGone { continue }
                release.kept.append(.init(step: step, error: error))
                // It stays known as ours; its values are so no longer.
                if var rest = state.nodes[step.path]?.record {
                    rest.values = [:]
                    try? live.perform(.record(rest, replacing: nil, step.path))
                }
            }
        }
        _ = consume lock
        return release
    }

    /// The kernel takes a controller away with all values that others have set by it since: not without a word.
    private borrowing func refuseTaking(_ names: [String], of path: CgroupPath) throws(KernelError) {
        let knobs = Self.ordinary.filter { names.contains($0.controller ?? "") }
        for name in try live.children(path) {
            guard let child = try? path.appending(name),
                let node = try live.node(child, files: Set(knobs.map(\.file)), enabled: false)
            else { continue }
            guard let knob = knobs.first(where: { node.values[$0] ?? $0.initialValue != $0.initialValue }) else {
                continue
            }
            throw KernelError(
                "write", CgroupFile.subtreeControl.name, value: names.map { "-" + $0 }.joined(separator: " "),
                in: live.place(path), errno: .resourceBusy, hint: "\(name) has a \(knob) of its own by now")
        }
    }

    /// What is set in most cgroups where anything is.
    private static let ordinary =
        [
            "memory.min", "memory.low", "memory.high", "memory.max", "memory.oom.group", "cpu.weight", "cpu.max",
            "pids.max",
        ].map { ControlKnob($0) }

    /// Every cgroup with a record of ours, from the root of the hierarchy down.
    private borrowing func everything() throws(KernelError) -> TreeState {
        var state = TreeState(pageSize: live.pageSize)
        let top = try live.record(root)
        let wasCutOff =
            if case .allPods(let ledger)? = top?.role { !ledger.isSettled } else { try wasBegun() }
        var paths: [CgroupPath] = shared
        var above = root.parent
        while let path = above {
            paths.append(path)
            above = path.parent
        }
        for path in paths + (top?.elsewhere ?? []) { try add(path, to: &state, wasCutOff: wasCutOff) }
        for parent in shared {
            for name in try live.children(parent) {
                guard let path = try? parent.appending(name), !isShared(path) else { continue }
                // Others may have cgroups beside the pods.
                try add(path, to: &state, wasCutOff: wasCutOff && layout.podUID(of: path) != nil)
                guard case .pod? = state.nodes[path]?.record?.role else { continue }
                for name in try live.children(path) {
                    guard let container = try? path.appending(name) else { continue }
                    try add(container, to: &state, wasCutOff: wasCutOff)
                }
            }
        }
        return state
    }

    private borrowing func add(_ path: CgroupPath, to state: inout TreeState, wasCutOff: Bool) throws(KernelError) {
        guard let record = try live.record(path) else {
            guard wasCutOff, !path.isRoot, let record = try lostRecord(path) else { return }
            state.nodes[path] = TreeState.Node(record: record)
            return
        }
        let files = Set(record.values.keys.map(\.file))
        state.nodes[path] = try live.node(path, files: files, enabled: !record.enabled.isEmpty)
        // What is above is ours only as far as it stands above this tree.
        if path.contains(root), path != root, !record.trees.contains(root) { state.nodes[path] = nil }
    }
}

extension TreeStep {
    fileprivate var isValue: Bool {
        if case .write = self { true } else { false }
    }
}
