// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
public import NodeModel
internal import SystemPackage

/// A pod that is in a tree.
public struct PodTreeEntry: Sendable, Hashable {
    /// The pod's uid.
    public let uid: String
    /// Where it is.
    public let path: CgroupPath
    /// What it claims; nil when it is not ours.
    public let claim: PodClaim?
}

extension PodTree {
    /// The pods that are there, ours and others.
    public borrowing func pods() throws(PodTreeError) -> [PodTreeEntry] {
        var found: [PodTreeEntry] = []
        do throws(KernelError) {
            for parent in shared {
                for name in try live.children(parent) {
                    guard let path = try? parent.appending(name), let uid = layout.podUID(of: path),
                        let claim = try live.claims(path)
                    else { continue }
                    if case .pod(let pod)? = claim.record?.role {
                        found.append(PodTreeEntry(uid: uid, path: path, claim: pod))
                    } else {
                        found.append(PodTreeEntry(uid: uid, path: path, claim: nil))
                    }
                }
            }
        } catch { throw .kernel(error) }
        return found
    }

    /// Ends the processes of these pods, removes their cgroups, and lowers what they claimed above.
    ///
    /// The uids that are not there come back. What was cut off in the middle is completed by the same call again.
    /// - Parameters:
    ///   - uids: the pods.
    ///   - timeout: how long the processes of a pod may take to end after SIGKILL.
    ///   - options: how it is to be done.
    public borrowing func delete(
        _ uids: [String], timeout: Duration = .seconds(10), options: TreeOptions = .init()
    ) throws(PodTreeError) -> (outcome: PodTreeOutcome, missing: [String]) {
        let lock = try kernel { () throws(KernelError) in
            try TreeLock.take(root, beneath: live.mount, timeout: options.lockTimeout)
        }
        let books = try kernel { () throws(KernelError) in
            guard try live.childCount(root) != nil else {
                throw KernelError("openat2", "\(root)", in: live.mount.location, errno: .noSuchFileOrDirectory)
            }
            return try self.books(rescan: options.rescans)
        }
        var found: [CgroupPath] = []
        var missing: [String] = []
        for uid in uids {
            let before = found.count
            for qosClass in QoSClass.allCases {
                let path = try path(of: uid, qosClass)
                let count = try kernel { () throws(KernelError) in try live.childCount(path) }
                if count != nil { found.append(path) }
            }
            if found.count == before { missing.append(uid) }
        }
        let left = found.isEmpty ? books : try kernel { () throws(KernelError) in try end(found, books, timeout) }
        let outcome = try settle(options, left)
        _ = consume lock
        return (outcome, missing)
    }

    /// Ends the pods; the books without them, so that nobody has to look at all the others.
    private borrowing func end(
        _ paths: [CgroupPath], _ books: PodBooks, _ timeout: Duration
    ) throws(KernelError) -> PodBooks {
        var left = books
        left.record = try openBooks(books)
        var isKnown = true
        for path in paths {
            let claim = try live.claims(path)
            try end(path, timeout)
            guard let index = shared.firstIndex(where: { $0 == path.parent }), left.ledger.shared[index].children > 0,
                case .pod(let pod)? = claim?.record?.role, let claim
            else {
                isKnown = false
                continue
            }
            // Somebody has raised it beyond our books: what else they did is found out by looking.
            let expected = MemoryProtection(of: pod, policy: left.ledger.policy)
            if claim.min > expected.min ?? .zero || claim.low > expected.low ?? .zero { isKnown = false }
            left.ledger.totals = left.ledger.totals - pod.totals
            left.ledger.shared[index].children -= 1
        }
        if isKnown, try counts() == left.ledger.shared.map(\.children) { return left }
        return try self.books(rescan: true)
    }

    /// From here on, whoever finds the books after a crash looks for himself.
    private borrowing func openBooks(_ books: PodBooks) throws(KernelError) -> CgroupRecord? {
        guard var record = books.record, case .allPods(var ledger)? = record.role else { return books.record }
        ledger.isSettled = false
        record.role = .allPods(ledger)
        try live.perform(.record(record, replacing: books.record, root))
        return record
    }

    private borrowing func end(_ path: CgroupPath, _ timeout: Duration) throws(KernelError) {
        guard let parent = path.parent, let name = path.name else { return }
        do throws(KernelError) {
            let cgroup = try live.mount.open(path)
            guard try cgroup.killAndWait(timeout: timeout) else {
                throw KernelError(
                    "cgroup.kill", name, in: live.place(parent), errno: .resourceBusy,
                    hint: "its processes have not ended in \(timeout); they may be in an uninterruptible call")
            }
            try live.mount.open(parent).removeChild(name, timeout: timeout)
        } catch {
            guard error.meansCgroupIsGone || error.errno == .noSuchFileOrDirectory else { throw error }
        }
    }

    /// Brings the shared cgroups to what the pods that are left claim.
    private borrowing func settle(
        _ options: TreeOptions, _ books: PodBooks
    ) throws(PodTreeError) -> PodTreeOutcome {
        var node = Node(layout: layout)
        node.behaviour = books.ledger.behaviour
        var options = options
        options.force = true
        var change = try prepare([], on: node, books.ledger.policy, options, knowing: books)
        // Of the shared cgroups only what depends on the pods: the rest was not asked for here.
        change.targets = change.targets.map { target in
            let kept = target.values.filter { knob, _ in
                knob.kind == .protection || change.state.nodes[target.path]?.record?.values[knob] != nil
            }
            return TreeTarget(
                path: target.path, files: kept.map { PlannedFile(name: $0.knob.file, value: $0.value) },
                role: target.role, isWhole: false)
        }.filter { change.state.nodes[$0.path] != nil }
        let plan = change.plan()
        do { try live.apply(plan) } catch { throw .failed(error) }
        return PodTreeOutcome(plan: plan, memoryPlan: change.memoryPlan, warnings: change.warnings(plan))
    }
}

extension PodCgroupLayout {
    /// The uid of the pod whose cgroup is at a path directly below one of the places for pods.
    public func podUID(of path: CgroupPath) -> String? {
        guard let leaf = path.name else { return nil }
        let name: CgroupName? =
            switch driver {
            case .cgroupfs: try? CgroupName(path.components)
            case .systemd: leaf.hasSuffix(".slice") ? try? CgroupName(systemd: leaf) : nil
            }
        return name.flatMap { podUID(of: $0) }
    }
}
