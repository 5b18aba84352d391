// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
public import SystemPackage

/// Keeps the ancestors of a protected cgroup worth at least what their children claim together.
///
/// The kernel bounds a cgroup's effective `memory.min` and `memory.low` by its parent's: below a parent at zero a value
/// protects nothing from reclaim that starts above (Documentation/admin-guide/cgroup-v2.rst). So ancestors are raised
/// from the top down before a child gets its value, and settle from the bottom up after it has gone: at every instant a
/// parent has at least the sum of its children. The ancestors are changed under the locks of all who change such trees.
public struct ProtectionCover: Sendable {
    private let root: FilePath
    private let groups: [String]

    /// Covers the groups, paths beneath `root` from the top down, each the parent of the next.
    public init(groups: [String], beneath root: FilePath) {
        self.root = root
        self.groups = groups
    }

    /// Raises the groups for a child that is about to claim so much, beneath the last of them. When a write fails, those
    /// before it are taken back.
    public func raise(forChild name: String, min: ByteCount, low: ByteCount) throws(KernelError) {
        let tree = try tree()
        let lock = try locked(tree)
        try apply(tree, plan(tree, claiming: Claim(min: min, low: low), by: name) { $0 < $1 })
        _ = consume lock
    }

    /// Lowers the groups to what their children still claim; groups that are gone are none to lower.
    public func settle() throws(KernelError) {
        let tree = try tree()
        for attempt in 1... {
            do {
                let lock = try locked(tree)
                try apply(tree, plan(tree, claiming: Claim(), by: nil) { $0 > $1 })
                _ = consume lock
                return
            } catch {
                // Groups are removed by whoever ends last. What is left above them is still to be lowered.
                guard error.errno == .noSuchFileOrDirectory || error.meansCgroupIsGone else { throw error }
                if attempt > groups.count { return }
            }
        }
    }

    private struct Claim {
        var min = ByteCount.zero
        var low = ByteCount.zero

        static func + (one: Claim, other: Claim) -> Claim {
            Claim(min: one.min + other.min, low: one.low + other.low)
        }
    }

    /// The writes to groups that hold something else than their children will claim, in the direction that is asked for:
    /// increases from the top down, decreases from the bottom up.
    private func plan(
        _ tree: borrowing LiveTree, claiming extra: Claim, by child: String?,
        where differs: (ByteCount, ByteCount) -> Bool
    ) throws(KernelError) -> TreePlan {
        var upwards: [TreeStep] = []
        var (claimed, claimant) = (extra, child)
        for group in try paths().reversed() {
            let now: Claim
            do {
                claimed = claimed + (try claims(in: group, of: tree, without: claimant))
                now = try own(tree.mount.open(group))
            } catch {
                // Of a group that is gone its parent has nothing to cover. One that is to be raised must be there.
                guard child == nil, error.errno == .noSuchFileOrDirectory || error.meansCgroupIsGone else {
                    throw error
                }
                (claimed, claimant) = (Claim(), group.name)
                continue
            }
            var kept = now
            for (knob, had, wanted) in [
                (ControlKnob.memoryMin, now.min, claimed.min), (.memoryLow, now.low, claimed.low),
            ] where differs(had, wanted) {
                upwards.append(.write(knob, wanted.kernelText, replacing: had.kernelText, group))
                if knob == .memoryMin { kept.min = wanted } else { kept.low = wanted }
            }
            // What a group keeps is what it claims of the one above, be it more than its children do.
            (claimed, claimant) = (kept, group.name)
        }
        return TreePlan(steps: child == nil ? upwards : upwards.reversed())
    }

    private func apply(_ tree: borrowing LiveTree, _ plan: TreePlan) throws(KernelError) {
        do { try tree.apply(plan) } catch {
            throw error.stuck.isEmpty ? error.error : error.error.hinting("\(error)")
        }
    }

    /// What the children of a group claim together.
    private func claims(
        in group: CgroupPath, of tree: borrowing LiveTree, without child: String?
    ) throws(KernelError) -> Claim {
        let cgroup = try tree.mount.open(group)
        var sum = Claim()
        for name in try cgroup.children() where name != child {
            // A child that ends while we look claims nothing.
            guard let other = try cgroup.child(name), let value = try? own(other) else { continue }
            sum = sum + value
        }
        return sum
    }

    private func own(_ cgroup: borrowing Cgroup) throws(KernelError) -> Claim {
        Claim(min: try cgroup.read(.memoryMin) ?? .zero, low: try cgroup.read(.memoryLow) ?? .zero)
    }

    private func tree() throws(KernelError) -> LiveTree {
        LiveTree(mount: try Cgroup.open(root), pageSize: ByteCount(ProcessCall.pageSize))
    }

    private func paths() throws(KernelError) -> [CgroupPath] {
        var paths: [CgroupPath] = []
        for group in groups {
            do { paths.append(try CgroupPath(parsing: group)) } catch {
                throw KernelError("openat2", group, in: root.string, errno: .invalidArgument, hint: "\(error)")
            }
        }
        return paths
    }

    /// Who raises, who settles and who manages a tree that the groups are in take turns. Groups that are gone need no lock.
    private func locked(_ tree: borrowing LiveTree) throws(KernelError) -> TreeLock {
        var path = try paths().last ?? .root
        while true {
            do { return try TreeLock.take(path, beneath: tree.mount, timeout: .seconds(60)) } catch {
                guard error.errno == .noSuchFileOrDirectory || error.meansCgroupIsGone, let parent = path.parent,
                    !parent.isRoot
                else { throw error }
                path = parent
            }
        }
    }
}
