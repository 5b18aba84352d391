// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// A change of a tree that is worked out, and not yet made.
protocol TreeChange {
    /// The topmost cgroup, which has the books.
    var root: CgroupPath { get }
    var targets: [TreeTarget] { get set }
    var state: TreeState { get set }
    /// Cgroups that are removed at the end, the deepest first.
    var retired: [CgroupPath] { get }
    /// What would not hold.
    var violations: [TreeViolation] { get set }

    /// What the root's record says once the change is completed and these have been made.
    func closedRole(making made: [CgroupPath]) -> CgroupRecord.Role
}

extension TreeChange {
    /// The steps. The last but for what is removed closes the books.
    func plan() -> TreePlan {
        var plan = TreePlan(from: state, to: targets)
        var made: [CgroupPath] = []
        var opened = state.nodes[root]?.record
        var isNoted = true
        for step in plan.steps {
            if case .make(let path) = step { made.append(path) }
            guard case .record(let record, _, let path) = step else { continue }
            if path == root { opened = record } else { isNoted = false }
        }
        if plan.isEmpty, isNoted, retired.isEmpty, state.nodes[root]?.record?.role == closedRole(making: []) {
            return TreePlan(foreignEdits: plan.foreignEdits)
        }
        var record = opened ?? CgroupRecord()
        record.role = closedRole(making: made)
        plan.append(.record(record, replacing: opened, root))
        // Last, for a cgroup that is removed cannot be taken back with all that was in it.
        for path in retired { plan.append(.remove(path)) }
        return plan
    }

    /// Of those above the root something else is known: who is beside it.
    func isOfAncestor(_ violation: TreeViolation) -> Bool {
        guard case .overParent(_, let path, _, _) = violation else { return false }
        return path != root && path.contains(root)
    }
}
