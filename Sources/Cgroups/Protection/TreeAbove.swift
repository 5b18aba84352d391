// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel

extension LiveTree {
    /// Looks above the root of a tree: a cgroup there that is not ours and has less than what is below it claims makes
    /// that protection worth as little, and the top of the tree may not claim more than the machine has (invariant C).
    borrowing func checkAbove(
        _ change: inout some TreeChange, _ knobs: [ControlKnob], reserved: ByteCount, _ options: TreeOptions,
        _ top: CgroupPath, wasCutOff: Bool
    ) throws(KernelError) {
        var need = Dictionary(uniqueKeysWithValues: knobs.map { ($0, amount($0, of: change.root, change)) })
        var child = change.root
        while let path = child.parent {
            need.merge(try siblings(of: child, knobs, change), uniquingKeysWith: +)
            if path.isRoot {
                change.state.nodes[path] = try node(path, files: [], enabled: true)
                try checkMachine(&change, need, reserved, options)
            } else {
                try cover(path, &need, &change, options, wasCutOff)
            }
            change.targets.append(target(above: path, need, change, top))
            child = path
        }
    }

    private func amount(_ knob: ControlKnob, of path: CgroupPath, _ change: some TreeChange) -> ByteCount {
        let planned = change.targets.first { $0.path == path }?.values.first { $0.knob == knob }?.value
        let value = planned ?? change.state.nodes[path]?.values[knob]
        return value.flatMap { ByteCount(kernelText: $0[...]) } ?? .zero
    }

    /// What those beside a cgroup claim: as it will be where the change is about them, else as it is.
    private borrowing func siblings(
        of path: CgroupPath, _ knobs: [ControlKnob], _ change: some TreeChange
    ) throws(KernelError) -> [ControlKnob: ByteCount] {
        guard let parent = path.parent else { return [:] }
        var sums: [ControlKnob: ByteCount] = [:]
        for name in try children(parent) where name != path.name {
            guard let other = try? parent.appending(name),
                let node = try self.node(other, files: Set(knobs.map(\.file)), enabled: false)
            else { continue }
            let target = change.targets.first { $0.path == other }
            for knob in knobs {
                let value = target?.value(knob) ?? node.values[knob]
                sums[knob, default: .zero] += value.flatMap { ByteCount(kernelText: $0[...]) } ?? .zero
            }
        }
        return sums
    }

    private borrowing func cover(
        _ path: CgroupPath, _ need: inout [ControlKnob: ByteCount], _ change: inout some TreeChange,
        _ options: TreeOptions, _ wasCutOff: Bool
    ) throws(KernelError) {
        var node = try self.node(path, files: Set(need.keys.map(\.file)).union(["memory.max"]), enabled: true)
        if wasCutOff, node != nil, node?.record == nil { node?.record = try lostRecord(path) }
        change.state.nodes[path] = node
        // What we make is ours to raise.
        let isOurs = node?.record?.isMade ?? (node == nil)
        let raises = isOurs || options.raisesAncestors
        for (knob, claimed) in need.sorted(by: { $0.key < $1.key }) {
            let has = amount(knob, of: path, change)
            if has < claimed, !raises {
                change.violations.append(.ancestor(knob, path, has: has, claimed: claimed))
            }
            need[knob] = raises ? max(has, claimed) : has
        }
    }

    /// Above the root only what lacks is touched: controllers, and the protection that is to be raised.
    private borrowing func target(
        above path: CgroupPath, _ need: [ControlKnob: ByteCount], _ change: some TreeChange, _ top: CgroupPath
    ) -> TreeTarget {
        let raised =
            path.isRoot ? [] : need.sorted { $0.key < $1.key }.filter { $0.value > amount($0.key, of: path, change) }
        return TreeTarget(
            path: path, files: raised.map { PlannedFile(name: $0.key.file, value: $0.key.text("\($0.value)")) },
            role: nil,
            isWhole: false, tree: top.contains(path) ? change.root : nil)
    }

    private borrowing func checkMachine(
        _ change: inout some TreeChange, _ claims: [ControlKnob: ByteCount], _ reserved: ByteCount,
        _ options: TreeOptions
    ) throws(KernelError) {
        let memory = machineMemory().map { ByteCount($0) }
        let regions = Set(claims.keys.map(\.file)).contains { $0.hasPrefix("dmem.") }
        let devices = regions ? try node(.root, files: ["dmem.capacity"], enabled: false)?.values ?? [:] : [:]
        for (knob, claimed) in claims.sorted(by: { $0.key < $1.key }) {
            let available: ByteCount?
            if let region = knob.region {
                available = devices[ControlKnob("dmem.capacity", region: region)].flatMap {
                    ByteCount(kernelText: $0[...])
                }
            } else {
                available = memory.map { $0 - (options.reserve ?? max(reserved, ByteCount($0.bytes / 64))) }
            }
            guard let available, claimed > available else { continue }
            change.violations.append(.overMemory(knob, claimed: claimed, available: available))
        }
    }
}
