// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel

extension PodTree {
    /// Gives back exactly what was taken: values of before, controllers, cgroups. Processes are left alone, and the
    /// cgroups that they are in stay. What others have written since stays, too, and is named.
    ///
    /// What was cut off is completed by the same call again, and so is what stayed, once it is not used any more.
    public borrowing func release(
        options: TreeOptions = .init(), dryRun: Bool = false
    ) throws(PodTreeError) -> TreeRelease {
        if case .tree? = try kernel({ () throws(KernelError) in try live.record(root) })?.role {
            throw .misplaced(root)
        }
        do {
            return try live.release(root, options, dryRun: dryRun) { () throws(KernelError) in try everything() }
        } catch {
            switch error {
            case .failed(let failure): throw .failed(failure)
            case .kernel(let error): throw .kernel(error)
            case .refused(let violations): throw .refused(violations)
            case .misplaced(let path): throw .misplaced(path)
            }
        }
    }

    /// Every cgroup with a record of ours, from the root of the hierarchy down.
    private borrowing func everything() throws(KernelError) -> TreeState {
        var state = TreeState(pageSize: live.pageSize)
        let top = try live.record(root)
        let wasCutOff =
            if let isSettled = top?.role?.isSettled { !isSettled } else { try live.wasBegun(root) }
        var paths: [CgroupPath] = shared
        var above = root.parent
        while let path = above {
            paths.append(path)
            above = path.parent
        }
        for path in paths + (top?.elsewhere ?? []) { try live.add(path, to: &state, of: root, wasCutOff: wasCutOff) }
        for parent in shared {
            for name in try live.children(parent) {
                guard let path = try? parent.appending(name), !isShared(path) else { continue }
                // Others may have cgroups beside the pods.
                try live.add(path, to: &state, of: root, wasCutOff: wasCutOff && layout.podUID(of: path) != nil)
                guard case .pod? = state.nodes[path]?.record?.role else { continue }
                for name in try live.children(path) {
                    guard let container = try? path.appending(name) else { continue }
                    try live.add(container, to: &state, of: root, wasCutOff: wasCutOff)
                }
            }
        }
        return state
    }
}
