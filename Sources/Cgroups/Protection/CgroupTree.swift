// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel

/// A tree of cgroups of one's own, such as a container runtime's, and the one way to change it: several writers take
/// turns, at every instant each parent's protection covers its children's, and a change is done whole or taken back.
///
/// Say what the cgroups are to have; what is not spoken of stays. A protection that nobody has set by name follows: it is
/// exactly what the children claim together.
///
/// ```swift
/// let tree = try CgroupTree(root: CgroupPath(parsing: "/runtime"))
/// let web = try CgroupPath(parsing: "/runtime/site/web")
/// try tree.apply([TreeTarget(web).setting(.memoryLow, to: .mebibytes(64)).setting(.memoryMax, to: .mebibytes(256))])
/// try tree.apply(removing: [web])
/// try tree.release()
/// ```
///
/// `memory.min`, `memory.low` and, for each region, `dmem.min` and `dmem.low` are held to the same sums. Values are those of
/// the files with one value, and of `dmem`; other files with a line for each device are written by ``Cgroup``.
///
/// What is written, and what was there before, is written down on each cgroup as ``PodTree`` does it. A change writes the
/// cgroups that it names and those above them. It reads what is beside them, too, for somebody else may claim
/// something there: with a thousand containers in one cgroup that is a few thousand reads.
public struct CgroupTree: ~Copyable, Sendable {
    let live: LiveTree
    /// The topmost cgroup. It is made where it is not there yet.
    public let root: CgroupPath

    /// The tree at a place beneath the root of the mounted hierarchy.
    /// - Throws: ``TreeError`` when cgroup v2 is not mounted, or the place is the root of the hierarchy, which has no
    ///   values.
    public init(root: CgroupPath) throws(TreeError) {
        try self.init(root: root, mount: try asked { () throws(KernelError) in try Cgroup.root() })
    }

    init(root: CgroupPath, mount: consuming Cgroup) throws(TreeError) {
        live = LiveTree(mount: mount, pageSize: ByteCount(ProcessCall.pageSize))
        self.root = root
        if root.isRoot { throw .misplaced(root) }
    }

    /// What ``apply(_:removing:options:progress:)`` would do now. Reads only, and takes no lock.
    public borrowing func plan(
        _ targets: [TreeTarget], removing: [CgroupPath] = [], options: TreeOptions = .init()
    ) throws(TreeError) -> TreeOutcome {
        try prepare(targets, removing: removing, options).outcome(force: options.force)
    }

    /// Makes the cgroups that are not there, writes the values and what follows from them above, and removes others.
    ///
    /// Of a cgroup that is named, values of ours that are named no more become what they were before. Either all of it
    /// is done, or what was done is taken back. After a crash at any point the protections still cover each other, and the
    /// next call goes on from there.
    /// - Parameters:
    ///   - targets: cgroups as they are to be.
    ///   - removing: cgroups that this tree has made, with all of ours below. No process may be in them any more
    ///     (``Cgroup/killAndWait(timeout:)``). One that is gone already is none to remove.
    ///   - options: how it is to be done.
    ///   - progress: told before every step; what it throws stops the change, and what was done is taken back.
    @discardableResult
    public borrowing func apply(
        _ targets: [TreeTarget] = [], removing: [CgroupPath] = [], options: TreeOptions = .init(),
        progress: (TreeProgress) throws(KernelError) -> Void = { _ in }
    ) throws(TreeError) -> TreeOutcome {
        let lock = try asked { () throws(KernelError) in
            try TreeLock.take(root, beneath: live.mount, timeout: options.lockTimeout)
        }
        let outcome = try prepare(targets, removing: removing, options, below: lock.top).outcome(force: options.force)
        do { try live.apply(outcome.plan, progress: progress) } catch { throw .failed(error) }
        _ = consume lock
        return outcome
    }

    /// Gives back exactly what was taken: values of before, controllers, cgroups. Processes are left alone, and the
    /// cgroups that they are in stay. What others have written since stays, too, and is named.
    @discardableResult
    public borrowing func release(options: TreeOptions = .init(), dryRun: Bool = false) throws(TreeError) -> TreeRelease
    {
        let role = try asked { () throws(KernelError) in try live.record(root)?.role }
        if let role, !Self.isRoot(role) { throw .misplaced(root) }
        return try live.release(root, options, dryRun: dryRun) { () throws(KernelError) in try everything() }
    }

    static func isRoot(_ role: CgroupRecord.Role) -> Bool { if case .tree = role { true } else { false } }

    /// Whether the last change was cut off.
    borrowing func wasCutOff() throws(KernelError) -> Bool {
        if let isSettled = try live.record(root)?.role?.isSettled { return !isSettled }
        return try live.wasBegun(root)
    }

    private borrowing func everything() throws(KernelError) -> TreeState {
        var state = TreeState(pageSize: live.pageSize)
        let wasCutOff = try wasCutOff()
        var above = root.parent
        while let path = above {
            try live.add(path, to: &state, of: root, wasCutOff: false)
            above = path.parent
        }
        // Of a root that we were cut off at making nothing is written down.
        let members = try members(root)
        for path in (members.isEmpty ? [root] : members) + (wasCutOff ? try unrecorded() : []) {
            try live.add(path, to: &state, of: root, wasCutOff: wasCutOff)
        }
        return state
    }
}
