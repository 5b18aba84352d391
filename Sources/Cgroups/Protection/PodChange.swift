// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// A change of a pod tree that is worked out, and not yet made.
struct PodChange: TreeChange {
    var root: CgroupPath { shared[0] }
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

    func closedRole(making made: [CgroupPath]) -> CgroupRecord.Role {
        var closed = ledger
        closed.isSettled = true
        for (index, path) in shared.enumerated() where index < closed.shared.count {
            closed.shared[index].children += UInt64(made.count { $0.parent == path })
        }
        return .allPods(closed)
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
