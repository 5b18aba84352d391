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
    public borrowing func release(
        options: PodTreeOptions = .init(), dryRun: Bool = false
    ) throws(PodTreeError) -> PodTreeRelease {
        do throws(KernelError) {
            guard try live.childCount(root) != nil else { return PodTreeRelease(plan: TreePlan()) }
        } catch { throw .kernel(error) }
        if dryRun {
            return PodTreeRelease(plan: TreePlan(releasing: try kernel { () throws(KernelError) in try everything() }))
        }
        let lock = try kernel { () throws(KernelError) in
            try TreeLock.take(root, beneath: live.mount, timeout: options.lockTimeout)
        }
        let plan = TreePlan(releasing: try kernel { () throws(KernelError) in try everything() })
        // Values first, as one change: done or taken back. Then what may stay because somebody uses it.
        let values = TreePlan(steps: plan.steps.filter { !$0.isRemoval }, foreignEdits: plan.foreignEdits)
        do { try live.apply(values) } catch { throw .failed(error) }
        var release = PodTreeRelease(plan: plan)
        for step in plan.steps where step.isRemoval {
            do { try live.perform(step) } catch {
                if error.errno == .noSuchFileOrDirectory || error.meansCgroupIsGone { continue }
                release.kept.append(.init(step: step, error: error))
            }
        }
        _ = consume lock
        return release
    }

    /// Every cgroup with a record of ours, from the root of the hierarchy down.
    private borrowing func everything() throws(KernelError) -> TreeState {
        var state = TreeState(pageSize: live.pageSize)
        var paths: [CgroupPath] = shared
        var above = root.parent
        while let path = above {
            paths.append(path)
            above = path.parent
        }
        paths += try live.record(root)?.elsewhere ?? []
        paths += try recorded().map(\.path)
        for path in paths {
            guard let record = try live.record(path) else { continue }
            let files = Set(record.values.keys.map(\.file))
            state.nodes[path] = try live.node(path, files: files, enabled: !record.enabled.isEmpty)
        }
        return state
    }
}

extension TreeStep {
    var isRemoval: Bool {
        switch self {
        case .remove, .disable: true
        default: false
        }
    }
}
