// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
public import NodeModel
internal import SystemPackage

extension PodTree {
    /// What ``apply(_:on:policy:options:)`` would do now. Reads only, and takes no lock.
    public borrowing func preview(
        _ pods: [Pod], on node: Node, policy: MemoryReservationPolicy, options: PodTreeOptions = .init()
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
    public borrowing func apply(
        _ pods: [Pod], on node: Node, policy: MemoryReservationPolicy, options: PodTreeOptions = .init()
    ) throws(PodTreeError) -> PodTreeOutcome {
        let made = try kernel { () throws(KernelError) in try makeRoot() }
        do throws(PodTreeError) {
            let lock = try kernel { () throws(KernelError) in try self.lock(options) }
            let change = try prepare(pods, on: node, policy, options)
            if !options.force, !change.violations.isEmpty { throw .refused(change.violations) }
            let plan = change.plan()
            do { try live.apply(plan) } catch { throw .failed(error) }
            _ = consume lock
            return PodTreeOutcome(plan: plan, memoryPlan: change.memoryPlan, warnings: change.warnings(plan))
        } catch {
            // Others may have put something into it meanwhile; then it stays.
            for path in made.reversed() { try? live.perform(.remove(path)) }
            throw error
        }
    }

    /// Waits for the other writers. The root may go meanwhile, by one that gave everything back.
    borrowing func lock(_ options: PodTreeOptions) throws(KernelError) -> TreeLock {
        var attempts = 16
        while true {
            do { return try TreeLock.take(root, beneath: live.mount, timeout: options.lockTimeout) } catch {
                attempts -= 1
                guard attempts > 0, error.errno == .noSuchFileOrDirectory || error.meansCgroupIsGone else {
                    throw error
                }
                _ = try makeRoot()
            }
        }
    }

    /// The lock is a file of the root of all pods, so that comes first; the places that were made.
    private borrowing func makeRoot() throws(KernelError) -> [CgroupPath] {
        var made: [CgroupPath] = []
        var path = CgroupPath.root
        for name in root.components {
            guard let next = try? path.appending(name) else { break }
            path = next
            if try live.childCount(path) != nil { continue }
            do { try live.perform(.make(path)) } catch {
                if error.errno == .fileExists { continue }
                throw error
            }
            var record = CgroupRecord()
            record.isMade = true
            try live.perform(.record(record, replacing: nil, path))
            made.append(path)
        }
        return made
    }
}
