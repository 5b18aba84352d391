// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
public import SystemPackage

/// Keeps the ancestors of a protected cgroup worth at least what their children claim together.
///
/// The kernel bounds a cgroup's effective `memory.min` and `memory.low` by its parent's: below a parent at zero a value
/// protects nothing from reclaim that starts above (Documentation/admin-guide/cgroup-v2.rst). So ancestors are raised
/// from the top down before a child gets its value, and settle from the bottom up after it has gone: at every instant a
/// parent has at least the sum of its children.
public struct ProtectionCover: Sendable {
    private let root: FilePath
    private let groups: [String]

    /// Covers the groups, paths beneath `root` from the top down, each the parent of the next.
    public init(groups: [String], beneath root: FilePath) {
        self.root = root
        self.groups = groups
    }

    /// Raises the groups for a child that is about to claim so much, beneath the last of them.
    public func raise(forChild name: String, min: ByteCount, low: ByteCount) throws(KernelError) {
        let lock = try locked()
        try raiseLocked(name, min, low)
        _ = consume lock
    }

    private func raiseLocked(_ name: String, _ min: ByteCount, _ low: ByteCount) throws(KernelError) {
        var need = (min: min, low: low)
        var targets: [(group: String, min: ByteCount, low: ByteCount)] = []
        var child = name
        for group in groups.reversed() {
            let sum = try claims(in: group, without: child)
            need = (sum.min + need.min, sum.low + need.low)
            targets.append((group, need.min, need.low))
            child = FilePath(group).lastComponent?.string ?? group
        }
        for target in targets.reversed() {
            let cgroup = try open(target.group)
            let current = try own(cgroup)
            if current.min < target.min { try cgroup.write(target.min, to: .memoryMin) }
            if current.low < target.low { try cgroup.write(target.low, to: .memoryLow) }
        }
    }

    /// Lowers the groups to what their children still claim; groups that are gone are none to lower.
    public func settle() throws(KernelError) {
        do {
            let lock = try locked()
            try settleLocked()
            _ = consume lock
        } catch {
            guard error.errno == .noSuchFileOrDirectory || error.meansCgroupIsGone else { throw error }
        }
    }

    private func settleLocked() throws(KernelError) {
        for group in groups.reversed() {
            do throws(KernelError) {
                let sum = try claims(in: group, without: nil)
                let cgroup = try open(group)
                let current = try own(cgroup)
                if current.min > sum.min { try cgroup.write(sum.min, to: .memoryMin) }
                if current.low > sum.low { try cgroup.write(sum.low, to: .memoryLow) }
            } catch {
                guard error.errno == .noSuchFileOrDirectory || error.meansCgroupIsGone else { throw error }
            }
        }
    }

    /// What the children of a group claim together.
    private func claims(
        in group: String, without child: String?
    ) throws(KernelError) -> (min: ByteCount, low: ByteCount) {
        let cgroup = try open(group)
        var sum = (min: ByteCount.zero, low: ByteCount.zero)
        for name in try cgroup.children() where name != child {
            // A child that ends while we look claims nothing.
            guard let other = try cgroup.child(name), let value = try? own(other) else { continue }
            sum = (sum.min + value.min, sum.low + value.low)
        }
        return sum
    }

    private func own(_ cgroup: borrowing Cgroup) throws(KernelError) -> (min: ByteCount, low: ByteCount) {
        (try cgroup.read(.memoryMin) ?? .zero, try cgroup.read(.memoryLow) ?? .zero)
    }

    private func open(_ group: String) throws(KernelError) -> Cgroup { try Cgroup.open(root).openChild(group) }

    /// Who raises and who settles take turns, by a lock on a file of the topmost group that only its managers can write.
    private func locked() throws(KernelError) -> Descriptor {
        let file = try open(groups.first ?? "").directory.open("cgroup.subtree_control", .writing)
        var milliseconds = 1
        while try !file.lock(from: 0, length: 1) {
            // The holder writes a few files; there is no blocking form that a signal handler's absence would not hang.
            _ = try poll([-1], timeoutMilliseconds: Int32(milliseconds))
            milliseconds = Swift.min(milliseconds * 2, 16)
        }
        return file
    }
}
