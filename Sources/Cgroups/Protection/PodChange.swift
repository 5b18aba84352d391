// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// A change of a pod tree that is worked out, and not yet made.
struct PodChange {
    /// The root of all pods and the classes, in the ledger's order.
    let shared: [CgroupPath]
    let memoryPlan: MemoryPlan
    /// The books as they will be, still open, with the counts of before.
    let ledger: PodLedger
    var targets: [TreeTarget] = []
    var state: TreeState
    /// Containers that their pod's manifest no longer has.
    var retired: [CgroupPath] = []
    /// What would not hold.
    var violations: [TreeViolation] = []

    /// The steps. The last but for what is removed closes the books.
    func plan() -> TreePlan {
        var plan = TreePlan(from: state, to: targets)
        let root = shared[0]
        if plan.isEmpty, retired.isEmpty, state.nodes[root]?.record?.role == .allPods(closed(making: [])) {
            return TreePlan(foreignEdits: plan.foreignEdits)
        }
        var made: [CgroupPath] = []
        var opened = state.nodes[root]?.record
        for step in plan.steps {
            if case .make(let path) = step { made.append(path) }
            if case .record(let record, _, root) = step { opened = record }
        }
        var record = opened ?? CgroupRecord()
        record.role = .allPods(closed(making: made))
        plan.append(.record(record, replacing: opened, root))
        // Last, for a cgroup that is removed cannot be taken back with all that was in it.
        for path in retired { plan.append(.remove(path)) }
        return plan
    }

    private func closed(making made: [CgroupPath]) -> PodLedger {
        var closed = ledger
        closed.isSettled = true
        for (index, path) in shared.enumerated() where index < closed.shared.count {
            closed.shared[index].children += UInt64(made.count { $0.parent == path })
        }
        return closed
    }

    /// The warnings, those of the plan first.
    func warnings(_ plan: TreePlan) -> [PlanWarning] {
        var warnings = memoryPlan.warnings
        for edit in plan.foreignEdits { warnings.append(PlanWarning(id: "foreign-edit", text: "\(edit)")) }
        for violation in violations + state.tightLimits(targets).filter(isOfShared) {
            warnings.append(PlanWarning(id: violation.id, text: "\(violation)"))
        }
        return warnings
    }

    private func isOfShared(_ violation: TreeViolation) -> Bool {
        if case .noRoom(let path, _, _) = violation { shared.contains(path) } else { false }
    }
}
