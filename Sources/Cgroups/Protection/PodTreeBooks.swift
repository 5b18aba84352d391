// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel

/// What is known about the pods that are there.
struct PodBooks {
    var ledger: PodLedger
    /// The record of the root that the ledger was in.
    var record: CgroupRecord?
    /// Whether the last change was cut off.
    var wasCutOff = false
}

extension PodTree {
    /// The books, as they stand or made anew by looking through all pods: when there are none, when the last change was
    /// not completed, or when the number of cgroups is not what it was.
    borrowing func books(rescan: Bool) throws(KernelError) -> PodBooks {
        let record = try live.record(root)
        guard case .allPods(let ledger)? = record?.role else {
            return PodBooks(
                ledger: try scan(policy: nil, .fixed), record: record, wasCutOff: try live.wasBegun(root))
        }
        if !rescan, ledger.isSettled, try counts() == ledger.shared.map(\.children) {
            return PodBooks(ledger: ledger, record: record)
        }
        return PodBooks(
            ledger: try scan(policy: ledger.policy, ledger.behaviour), record: record, wasCutOff: !ledger.isSettled)
    }

    /// How many cgroups each shared one has.
    borrowing func counts() throws(KernelError) -> [UInt64] {
        var counts: [UInt64] = []
        for path in shared { counts.append(try live.childCount(path) ?? 0) }
        return counts
    }

    private borrowing func scan(
        policy: MemoryReservationPolicy?, _ behaviour: KubeletBehaviour
    ) throws(KernelError) -> PodLedger {
        var ledger = PodLedger(policy: policy ?? .none, behaviour: behaviour)
        for path in shared {
            var known = PodLedger.Shared(children: try live.childCount(path) ?? 0)
            for name in try live.children(path) {
                guard let child = try? path.appending(name), !isShared(child), let claim = try live.claims(child) else {
                    continue
                }
                var expected = MemoryProtection()
                if case .pod(let pod)? = claim.record?.role {
                    ledger.totals += pod.totals
                    expected = MemoryProtection(of: pod, policy: ledger.policy)
                }
                // What stands above our own books is somebody else's claim, and is covered all the same.
                known.foreignMin += claim.min - (expected.min ?? .zero)
                known.foreignLow += claim.low - (expected.low ?? .zero)
            }
            ledger.shared.append(known)
        }
        return ledger
    }

    /// Every pod and container of ours, with what it claims.
    borrowing func recorded() throws(KernelError) -> [(path: CgroupPath, record: CgroupRecord)] {
        var found: [(path: CgroupPath, record: CgroupRecord)] = []
        for path in shared {
            for name in try live.children(path) {
                guard let child = try? path.appending(name), !isShared(child),
                    let record = try live.record(child), case .pod? = record.role
                else { continue }
                found.append((child, record))
                for name in try live.children(child) {
                    guard let container = try? child.appending(name), let record = try live.record(container) else {
                        continue
                    }
                    found.append((container, record))
                }
            }
        }
        return found
    }
}

extension MemoryProtection {
    /// The protection that a pod's claim stands for.
    init(of claim: PodClaim, policy: MemoryReservationPolicy) {
        self.init(claim.request, claim.qosClass, policy)
    }
}
