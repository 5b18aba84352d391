// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// What would break the promises between a cgroup and its parent and children, or kill, in the words of a refusal.
struct CgroupSetChecks {
    let place: CgroupPlace
    let assignments: [CgroupAssignment]

    /// Everything that `--force` is needed for.
    func findings(_ cgroup: borrowing Cgroup) throws -> [String] {
        var found: [String] = []
        for assignment in assignments {
            if assignment.file == "memory.max", let bytes = assignment.bytes { found += try limit(bytes, cgroup) }
            // A line of dmem.min or dmem.low is about one region, and the same holds of each.
            for (knob, text) in ControlKnob.values(in: assignment.text, of: assignment.file) {
                guard knob.kind == .protection, let bytes = ByteCount(kernelText: text[...]) else { continue }
                found += try protection(knob, bytes, cgroup)
            }
        }
        if let min = try value(.memoryMin, cgroup), let max = try value(.memoryMax, cgroup), min > max,
            assignments.contains(where: { $0.file == "memory.min" || $0.file == "memory.max" })
        {
            found.append(
                "memory.min \(min.short) would be over memory.max \(max.short): reclaim under that limit finds nothing "
                    + "to take, and page cache alone gets processes killed")
        }
        return found
    }

    /// What a file will hold: as asked for, or as it is.
    private func value(_ file: InterfaceFile<ByteCount>, _ cgroup: borrowing Cgroup) throws -> ByteCount? {
        if let asked = assignments.last(where: { $0.file == file.file.name }) { return asked.bytes }
        return try optional(file, cgroup)
    }

    /// Nil on the root, and where the controller is not enabled.
    private func optional(_ file: InterfaceFile<ByteCount>, _ cgroup: borrowing Cgroup) throws -> ByteCount? {
        try optional(ControlKnob(file.file.name), cgroup)
    }

    private func optional(_ knob: ControlKnob, _ cgroup: borrowing Cgroup) throws(KernelError) -> ByteCount? {
        do throws(KernelError) {
            let text = try cgroup.text(of: CgroupFile(named: knob.file)) ?? ""
            let found = ControlKnob.values(in: text, of: knob.file).first { $0.knob == knob }
            return found.flatMap { ByteCount(kernelText: $0.value[...]) }
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw error
        }
    }

    /// A parent's value is at least the sum of its children's: below a parent with less, protection is shared out
    /// by who uses how much, and so holds for nobody.
    private func protection(
        _ knob: ControlKnob, _ wanted: ByteCount, _ cgroup: borrowing Cgroup
    ) throws -> [String] {
        let name = "\(knob)".printable
        let now = try optional(knob, cgroup) ?? .zero
        var found: [String] = []
        if wanted < now {
            let children = try claims(knob, below: cgroup, except: nil)
            if wanted < children {
                found.append(
                    "the children of \(place.path.text) claim \(name) \(children.short) together, "
                        + "and \(wanted.short) would be less; lower them first")
            }
        }
        guard wanted > now, let parent = place.path.parent else { return found }
        let above = try place.open(parent)
        let others = try claims(knob, below: above, except: place.path.name)
        guard let available = try optional(knob, above) else {
            // The root has no such file: what is there to share is the machine.
            let memory =
                try knob.region == nil
                ? machineMemory().map { ByteCount($0) }
                : optional(ControlKnob("dmem.capacity", region: knob.region), above)
            if let memory, others + wanted > memory {
                found.append(
                    "\(name) \(wanted.short) and the \(others.short) of the others at the top are more than the "
                        + "machine's memory of \(memory.short)")
            }
            return found
        }
        let left = available - others
        if wanted > left {
            found.append(
                "\(parent.text) has \(name) \(available.short), its other children claim \(others.short), and so "
                    + "\(left.short) is left, less than \(wanted.short); raise \(parent.text) first")
        }
        return found
    }

    private func limit(_ wanted: ByteCount, _ cgroup: borrowing Cgroup) throws -> [String] {
        var found: [String] = []
        if let used = try cgroup.read(.memoryCurrent), wanted < used {
            found.append(
                "\(place.path.text) uses \(used.short) of memory, and memory.max \(wanted.short) kills what cannot be "
                    + "reclaimed; \"bulkhead cgroup shrink \(place.path.text) \(wanted.short)\" kills nothing")
        }
        let children = try claims(.memoryMin, below: cgroup, except: nil)
        if wanted != .max, children > .zero, wanted <= children {
            found.append(
                "the children of \(place.path.text) claim memory.min \(children.short) together, "
                    + "which leaves no room under memory.max \(wanted.short): reclaim finds nothing, and page cache "
                    + "alone gets processes killed")
        }
        return found
    }

    /// The sum over the children that claim something.
    private func claims(
        _ knob: ControlKnob, below cgroup: borrowing Cgroup, except left: String?
    ) throws -> ByteCount {
        var sum = ByteCount.zero
        for name in try cgroup.children() where name != left {
            do throws(KernelError) {
                // Without the controller: no claim.
                guard let child = try cgroup.child(name), let claim = try optional(knob, child) else { continue }
                sum += claim
            } catch {
                // Removed meanwhile: the same.
                guard error.meansCgroupIsGone else { throw error }
            }
        }
        return sum
    }
}
