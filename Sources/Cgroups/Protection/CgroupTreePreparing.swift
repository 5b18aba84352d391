// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

/// A change of a tree of one's own that is worked out, and not yet made.
struct CgroupTreeChange: TreeChange {
    let root: CgroupPath
    var targets: [TreeTarget] = []
    var state: TreeState
    var retired: [CgroupPath] = []
    var violations: [TreeViolation] = []

    func closedRole(making made: [CgroupPath]) -> CgroupRecord.Role {
        let role = targets.first { $0.path == root }?.role ?? .tree(isSettled: true, named: [])
        return role.settled(true)
    }

    /// What comes of it, unless it is to be refused.
    func outcome(force: Bool) throws(TreeError) -> TreeOutcome {
        if !force, !violations.isEmpty { throw .refused(violations) }
        return TreeOutcome(plan: plan(), violations: violations)
    }
}

extension CgroupTree {
    /// Works out what is to be done. Above `top` nothing can be changed.
    borrowing func prepare(
        _ wanted: [TreeTarget], removing: [CgroupPath], _ options: TreeOptions, below top: CgroupPath = .root
    ) throws(TreeError) -> CgroupTreeChange {
        let named = wanted.map(\.path) + removing
        for (index, path) in named.enumerated() where !root.contains(path) || named[..<index].contains(path) {
            throw .misplaced(path)
        }
        for path in removing {
            if path == root { throw .misplaced(root) }
            if let below = wanted.first(where: { path.contains($0.path) }) { throw .misplaced(below.path) }
        }
        var change = CgroupTreeChange(root: root, state: TreeState(pageSize: live.pageSize))
        do throws(KernelError) {
            let wasCutOff = try wasCutOff()
            try retire(removing, &change, wasCutOff)
            // Whoever comes after one that was cut off brings all that follows up to date.
            let others = wasCutOff || options.rescans ? try members(root) : []
            try addLevels(wanted, others.filter { !change.retired.contains($0) }, &change, wasCutOff)
            let knobs = change.state.protections(change.targets)
            try noteOthers(&change, knobs)
            change.targets = change.state.following(change.targets, below: root, leaving: change.retired)
            try live.checkAbove(&change, knobs, reserved: .zero, options, top, wasCutOff: wasCutOff)
        } catch { throw .kernel(error) }
        for (path, node) in change.state.nodes where root.contains(path) {
            switch node.record?.role {
            case nil, .member: break
            case .tree where path == root: break
            default: throw .misplaced(path)
            }
        }
        change.violations += change.state.violations(of: change.targets).filter { !change.isOfAncestor($0) }
        change.violations += change.state.tightLimits(change.targets).filter { !change.violations.contains($0) }
        return change
    }

    /// What is to be removed, with all of ours below it.
    private borrowing func retire(
        _ paths: [CgroupPath], _ change: inout CgroupTreeChange, _ wasCutOff: Bool
    ) throws(KernelError) {
        for top in paths where try live.childCount(top) != nil {
            if try live.mount.open(top).read(.events)?.populated == true {
                throw busy(top, "processes are in it; end them first")
            }
            var open = [top]
            while let path = open.popLast(), !change.retired.contains(path) {
                guard var node = try live.node(path, files: Self.protections, enabled: false) else { continue }
                if wasCutOff, node.record == nil { node.record = try live.lostRecord(path) }
                guard node.record?.isMade == true else { throw busy(path, "this tree has not made it") }
                let claimed = node.values.filter { $0.value != $0.key.initialValue }.keys.sorted()
                let files = claimed.map { PlannedFile(name: $0.file, value: $0.text("0")) }
                change.targets.append(TreeTarget(path: path, files: files, role: nil, isWhole: false))
                change.state.nodes[path] = node
                change.retired.append(path)
                for name in try live.children(path) {
                    if let child = try? path.appending(name) { open.append(child) }
                }
            }
        }
        change.retired.sort { $0.components.count > $1.components.count }
    }

    private borrowing func busy(_ path: CgroupPath, _ hint: String) -> KernelError {
        KernelError("unlinkat", path.name ?? "", in: live.place(path.parent), errno: .resourceBusy, hint: hint)
    }

    private static let protections: Set<String> = ["memory.min", "memory.low", "dmem.min", "dmem.low"]

    /// What is named, and all that is between that and the root.
    private borrowing func addLevels(
        _ wanted: [TreeTarget], _ others: [CgroupPath], _ change: inout CgroupTreeChange, _ wasCutOff: Bool
    ) throws(KernelError) {
        let named = Dictionary(wanted.map { ($0.path, $0) }) { first, _ in first }
        var paths = Set(others + wanted.map(\.path))
        for start in [root] + paths + change.retired {
            var place: CgroupPath? = change.retired.contains(start) ? start.parent : start
            while let path = place, root.contains(path) {
                if !change.retired.contains(path) { paths.insert(path) }
                place = path.parent
            }
        }
        let hasDevices = wanted.contains { $0.values.contains { $0.knob.region != nil } }
        let devices: Set<String> = hasDevices ? ["dmem.min", "dmem.low", "dmem.max"] : []
        for path in paths.sorted(by: { $0.components.count < $1.components.count }) {
            let target = named[path] ?? TreeTarget(path: path, files: [], role: nil, isWhole: false)
            change.targets.append(target)
            change.state.nodes[path] = try live.node(
                of: target, reading: devices, enabled: true, isWhole: true, wasCutOff: wasCutOff)
        }
    }

    /// What is beside what the change is about claims, too.
    private borrowing func noteOthers(_ change: inout CgroupTreeChange, _ knobs: [ControlKnob]) throws(KernelError) {
        let files = Set(knobs.map(\.file))
        let known = Set(change.targets.map(\.path))
        for path in change.targets.map(\.path) where change.state.nodes[path] != nil && !change.retired.contains(path) {
            for name in try live.children(path) {
                guard let child = try? path.appending(name), !known.contains(child),
                    let node = try live.node(child, files: files, enabled: false)
                else { continue }
                for knob in knobs {
                    let claim = node.values[knob].flatMap { ByteCount(kernelText: $0[...]) } ?? .zero
                    change.state.nodes[path]?.otherClaims[knob, default: .zero] += claim
                }
            }
        }
    }

    /// What has a record of this tree, from the root down.
    borrowing func members(_ top: CgroupPath) throws(KernelError) -> [CgroupPath] {
        var found: [CgroupPath] = []
        var open = [top]
        while let path = open.popLast() {
            switch try live.record(path)?.role {
            case .member: found.append(path)
            case .tree where path == root: found.append(path)
            default: continue
            }
            for name in try live.children(path) {
                if let child = try? path.appending(name) { open.append(child) }
            }
        }
        return found
    }

    /// Cgroups without a record directly below ours: we may have been cut off between making one and writing that down.
    borrowing func unrecorded() throws(KernelError) -> [CgroupPath] {
        var found: [CgroupPath] = []
        for path in try members(root) {
            for name in try live.children(path) {
                guard let child = try? path.appending(name), try live.record(child) == nil else { continue }
                found.append(child)
            }
        }
        return found
    }
}
