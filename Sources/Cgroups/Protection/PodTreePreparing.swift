// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel

extension PodTree {
    /// Works out what is to be done so that these pods are as wanted, beside those that are there. Above `top` nothing
    /// can be changed.
    borrowing func prepare(
        _ pods: [Pod], on node: Node, _ policy: MemoryReservationPolicy, _ options: TreeOptions,
        below top: CgroupPath = .root, knowing known: PodBooks? = nil
    ) throws(PodTreeError) -> PodChange {
        let books: PodBooks
        if let known {
            books = known
        } else {
            books = try kernel { () throws(KernelError) in try self.books(rescan: options.rescans) }
        }
        if case .tree? = books.record?.role { throw .misplaced(root) }
        var ledger = books.ledger
        let policy = node.memoryQoS ? policy : .none
        let isNewPolicy = books.record != nil && ledger.policy != policy
        for pod in pods where pod.isActive { try leaveOut(pod, of: &ledger) }
        let plan: MemoryPlan
        do { plan = try MemoryPlan(node: node, pods: pods, policy: policy, present: ledger.totals) } catch {
            throw .planning(error)
        }
        let others = isNewPolicy ? PodTotals() : ledger.totals
        ledger.totals += PodTotals(of: plan.pods)
        ledger.policy = policy
        ledger.behaviour = node.behaviour
        ledger.isSettled = false

        var change = PodChange(
            shared: shared, memoryPlan: plan, ledger: ledger, state: TreeState(pageSize: live.pageSize))
        change.targets = targets(plan, ledger)
        do throws(KernelError) {
            if isNewPolicy { change.targets += try targetsOfOthers(than: change.targets, policy) }
            try read(&change, wasCutOff: books.wasCutOff)
            noteOthers(&change, others, policy)
            try retireContainers(&change)
            // The kernel itself needs something, also where nobody has said how much.
            let reserved = (node.systemReserved.memory ?? .zero) + (node.kubeReserved.memory ?? .zero)
            try live.checkAbove(
                &change, [.memoryMin, .memoryLow], reserved: reserved, options, top, wasCutOff: books.wasCutOff)
        } catch { throw .kernel(error) }
        change.violations += change.state.violations(of: change.targets).filter { !change.isOfAncestor($0) }
        return change
    }

    /// Takes a pod that is there already out of the sums, so that the plan can put it in as it will be.
    private borrowing func leaveOut(_ pod: Pod, of ledger: inout PodLedger) throws(PodTreeError) {
        for qosClass in QoSClass.allCases {
            let path = try path(of: pod.uid, qosClass)
            guard let claim = try kernel({ () throws(KernelError) in try live.claims(path) }) else { continue }
            guard qosClass == pod.qosClass else { throw .otherClass(uid: pod.uid, path) }
            if case .pod(let old)? = claim.record?.role {
                ledger.totals = ledger.totals - old.totals
            } else if let parent = path.parent, let index = shared.firstIndex(of: parent) {
                ledger.shared[index].foreignMin = ledger.shared[index].foreignMin - claim.min
                ledger.shared[index].foreignLow = ledger.shared[index].foreignLow - claim.low
            }
        }
    }

    private borrowing func targets(_ plan: MemoryPlan, _ ledger: PodLedger) -> [TreeTarget] {
        let pods = Dictionary(plan.pods.map { ($0.uid, $0) }) { first, _ in first }
        return plan.cgroups.map { cgroup in
            let role: CgroupRecord.Role? =
                switch cgroup.role {
                case .allPods: .allPods(ledger)
                case .pods: .pods
                case .pod(let uid): pods[uid].map { .pod(PodClaim($0)) }
                case .container: .container(request: cgroup.request)
                case .reserved: nil
                }
            let isReserved = if case .reserved = cgroup.role { true } else { false }
            return TreeTarget(
                path: cgroup.path, files: covering(cgroup, ledger), role: role, isWhole: !isReserved,
                mustExist: isReserved)
        }
    }

    /// A shared control group covers also what is below it and not ours.
    private borrowing func covering(_ cgroup: PlannedCgroup, _ ledger: PodLedger) -> [PlannedFile] {
        guard let index = shared.firstIndex(of: cgroup.path), !cgroup.path.isRoot else { return cgroup.files }
        let below = index == 0 ? ledger.shared : [ledger.shared[index]]
        var files = cgroup.files
        for (knob, foreign) in [
            (ControlKnob.memoryMin, below.map(\.foreignMin).total()),
            (ControlKnob.memoryLow, below.map(\.foreignLow).total()),
        ] where foreign > .zero {
            let planned = cgroup[knob.file].flatMap { try? ByteCount(parsing: $0) } ?? .zero
            files.removeAll { $0.name == knob.file }
            files.insert(PlannedFile(name: knob.file, value: "\(planned + foreign)"), at: 0)
        }
        return files
    }

    /// Under another policy the pods that are not spoken of change as well: no stale value stays behind.
    private borrowing func targetsOfOthers(
        than targets: [TreeTarget], _ policy: MemoryReservationPolicy
    ) throws(KernelError) -> [TreeTarget] {
        let spoken = Set(targets.map(\.path))
        var pod: PodClaim?
        return try recorded().compactMap { path, record in
            let request: ByteCount
            switch record.role {
            case .pod(let claim): (pod, request) = (claim, claim.request)
            case .container(let own): request = own
            default: return nil
            }
            guard let pod, !spoken.contains(path) else { return nil }
            let protection = MemoryProtection(request, pod.qosClass, policy)
            return TreeTarget(
                path: path,
                files: [
                    PlannedFile(name: "memory.min", value: "\(protection.min ?? .zero)"),
                    PlannedFile(name: "memory.low", value: "\(protection.low ?? .zero)"),
                ], role: record.role, isWhole: false)
        }
    }

    /// Reads what is there, under the lock.
    private borrowing func read(_ change: inout PodChange, wasCutOff: Bool) throws(KernelError) {
        let parents = Set(change.targets.compactMap(\.path.parent))
        for target in change.targets where !target.path.isRoot || parents.contains(target.path) {
            guard
                let node = try live.node(
                    of: target, enabled: parents.contains(target.path), isWhole: target.isWhole, wasCutOff: wasCutOff)
            else { continue }
            change.state.nodes[target.path] = node
        }
    }

    /// What the pods claim that the change does not touch.
    private borrowing func noteOthers(
        _ change: inout PodChange, _ totals: PodTotals, _ policy: MemoryReservationPolicy
    ) {
        let protects = policy == .tieredReservation
        for (path, known) in zip(shared, change.ledger.shared) {
            let min = protects && path == shared[0] ? totals.guaranteed : .zero
            let low = protects && path == shared[1] ? totals.burstable : .zero
            change.state.nodes[path]?.otherClaims = [
                .memoryMin: min + known.foreignMin, .memoryLow: low + known.foreignLow,
            ]
        }
    }

    /// Containers of a pod that its manifest no longer has: ours go, others count.
    private borrowing func retireContainers(_ change: inout PodChange) throws(KernelError) {
        let known = Set(change.targets.map(\.path))
        for target in change.targets {
            guard case .pod? = target.role, change.state.nodes[target.path] != nil else { continue }
            for name in try live.children(target.path) {
                guard let path = try? target.path.appending(name), !known.contains(path),
                    let node = try live.node(path, files: ["memory.min", "memory.low"], enabled: false)
                else { continue }
                if node.record?.isMade == true, case .container? = node.record?.role {
                    let none = ["memory.min", "memory.low"].map { PlannedFile(name: $0, value: "0") }
                    change.targets.append(TreeTarget(path: path, files: none, role: node.record?.role, isWhole: false))
                    change.state.nodes[path] = node
                    change.retired.append(path)
                } else {
                    for knob in [ControlKnob.memoryMin, .memoryLow] {
                        let claim = node.values[knob].flatMap { ByteCount(kernelText: $0[...]) } ?? .zero
                        change.state.nodes[target.path]?.otherClaims[knob, default: .zero] += claim
                    }
                }
            }
        }
    }
}

extension PodClaim {
    init(_ pod: PlannedPod) {
        self.init(
            namespace: pod.namespace, name: pod.name, qosClass: pod.qosClass, request: pod.request,
            milliCPU: pod.milliCPU)
    }
}
