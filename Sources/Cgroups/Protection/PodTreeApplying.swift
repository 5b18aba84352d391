// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel

extension PodTree {
    /// What ``apply(_:on:policy:options:progress:)`` would do now. Reads only, and takes no lock.
    public borrowing func preview(
        _ pods: [Pod], on node: Node, policy: MemoryReservationPolicy, options: TreeOptions = .init()
    ) throws(PodTreeError) -> PodTreeOutcome {
        let change = try prepare(pods, on: node, policy, options)
        let plan = change.plan()
        return PodTreeOutcome(plan: plan, memoryPlan: change.memoryPlan, warnings: change.warnings(plan))
    }

    /// Makes the cgroups of these pods, and of their containers, and writes their values and what follows from them
    /// above. Other pods stay as they are, but for a new policy.
    ///
    /// Either all of it is done, or what was done is taken back. After a crash at any point the protections still cover
    /// each other, and the next call goes on from there.
    /// - Parameters:
    ///   - pods: the pods as they are to be.
    ///   - node: the machine, and where its pods are.
    ///   - policy: how requests are turned into protection.
    ///   - options: how it is to be done.
    ///   - progress: told before every step; what it throws stops the change, and what was done is taken back.
    public borrowing func apply(
        _ pods: [Pod], on node: Node, policy: MemoryReservationPolicy, options: TreeOptions = .init(),
        progress: (TreeProgress) throws(KernelError) -> Void = { _ in }
    ) throws(PodTreeError) -> PodTreeOutcome {
        let lock = try kernel { () throws(KernelError) in
            try TreeLock.take(root, beneath: live.mount, timeout: options.lockTimeout)
        }
        let change = try prepare(pods, on: node, policy, options, below: lock.top)
        if !options.force, !change.violations.isEmpty { throw .refused(change.violations) }
        let plan = change.plan()
        do { try live.apply(plan, progress: progress) } catch { throw .failed(error) }
        _ = consume lock
        return PodTreeOutcome(plan: plan, memoryPlan: change.memoryPlan, warnings: change.warnings(plan))
    }
}
