// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel

extension PodTree {
    /// Looks above the root of all pods: a cgroup there that is not ours and has less than what is below it claims makes
    /// that protection worth as little, and the top of the tree may not claim more than the machine has (invariant C).
    borrowing func checkAbove(
        _ change: inout PodChange, _ node: Node, _ options: PodTreeOptions, _ top: CgroupPath, wasCutOff: Bool
    ) throws(KernelError) {
        let knobs = [ControlKnob.memoryMin, .memoryLow]
        var need = Dictionary(uniqueKeysWithValues: knobs.map { ($0, amount($0, of: root, change)) })
        var child = root
        while let path = child.parent {
            need.merge(try siblings(of: child, knobs, change), uniquingKeysWith: +)
            if path.isRoot {
                change.state.nodes[path] = try live.node(path, files: [], enabled: true)
                checkMemory(&change, need, node, options)
            } else {
                try cover(path, &need, &change, options, wasCutOff)
            }
            change.targets.append(target(above: path, need, change, top))
            child = path
        }
    }

    private func amount(_ knob: ControlKnob, of path: CgroupPath, _ change: PodChange) -> ByteCount {
        let planned = change.targets.first { $0.path == path }?.values.first { $0.knob == knob }?.value
        let value = planned ?? change.state.nodes[path]?.values[knob]
        return value.flatMap { ByteCount(kernelText: $0[...]) } ?? .zero
    }

    /// What those beside a cgroup claim: as it will be where the change is about them, else as it is.
    private borrowing func siblings(
        of path: CgroupPath, _ knobs: [ControlKnob], _ change: PodChange
    ) throws(KernelError) -> [ControlKnob: ByteCount] {
        guard let parent = path.parent else { return [:] }
        var sums: [ControlKnob: ByteCount] = [:]
        for name in try live.children(parent) where name != path.name {
            guard let other = try? parent.appending(name),
                let node = try live.node(other, files: Set(knobs.map(\.file)), enabled: false)
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
        _ path: CgroupPath, _ need: inout [ControlKnob: ByteCount], _ change: inout PodChange,
        _ options: PodTreeOptions, _ wasCutOff: Bool
    ) throws(KernelError) {
        var node = try live.node(path, files: ["memory.min", "memory.low", "memory.max"], enabled: true)
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

    /// Above the root of all pods only what lacks is touched: controllers, and the protection that is to be raised.
    private borrowing func target(
        above path: CgroupPath, _ need: [ControlKnob: ByteCount], _ change: PodChange, _ top: CgroupPath
    ) -> TreeTarget {
        let raised =
            path.isRoot ? [] : need.sorted { $0.key < $1.key }.filter { $0.value > amount($0.key, of: path, change) }
        return TreeTarget(
            path: path, files: raised.map { PlannedFile(name: $0.key.file, value: "\($0.value)") }, role: nil,
            isWhole: false, tree: top.contains(path) ? root : nil)
    }

    private borrowing func checkMemory(
        _ change: inout PodChange, _ claims: [ControlKnob: ByteCount], _ node: Node, _ options: PodTreeOptions
    ) {
        guard let total = machineMemory().map({ ByteCount($0) }) else { return }
        // The kernel itself needs something, also where nobody has said how much.
        let reserved = (node.systemReserved.memory ?? .zero) + (node.kubeReserved.memory ?? .zero)
        let available = total - (options.reserve ?? max(reserved, ByteCount(total.bytes / 64)))
        for (knob, claimed) in claims.sorted(by: { $0.key < $1.key }) where claimed > available {
            change.violations.append(.overMemory(knob, claimed: claimed, available: available))
        }
    }
}
