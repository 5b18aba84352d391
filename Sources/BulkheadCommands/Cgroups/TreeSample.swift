// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// One cgroup at one time, with those below it as far as they are shown.
struct TreeSample {
    var path: CgroupPath
    /// Nil without the memory controller.
    var memory: Memory?
    /// Tasks here and below; nil without the pids controller.
    var pids: UInt64?
    var pidsMax: Limit?
    /// Processes here and below: counted one by one, where the kernel does not.
    var processes: UInt64?
    /// Processor time, in microseconds.
    var cpu: UInt64?
    var isPopulated: Bool
    var isFrozen: Bool
    /// Cgroups below, shown or not; nil before Linux 4.14.
    var descendants: UInt64?
    var children: [TreeSample]
    /// Those directly below that are not among `children`.
    var hidden: Hidden?

    struct Memory: Hashable {
        var current: ByteCount
        var min: ByteCount
        var low: ByteCount
        var high: ByteCount
        var max: ByteCount
    }

    /// What is left out, in sum.
    struct Hidden: Hashable {
        var count: Int
        var memory: ByteCount?
        var pids: UInt64?
        var processes: UInt64?
    }

    /// What orders siblings when not all can be shown.
    var weight: (UInt64, UInt64) { (memory?.current.bytes ?? 0, pids ?? processes ?? 0) }
}

/// How much of a tree is read.
struct TreeReader {
    /// Levels below the cgroup in question; nil for all.
    var depth: Int?
    /// Siblings that are shown at each place; nil for all.
    var width: Int?

    /// Reads a cgroup and what is below it; nil when it is gone.
    ///
    /// Cgroups come and go meanwhile: one that is removed is left out.
    func sample(_ cgroup: borrowing Cgroup, _ path: CgroupPath, level: Int = 0) throws(KernelError) -> TreeSample? {
        do throws(KernelError) { return try read(cgroup, path, level) } catch {
            if error.meansCgroupIsGone { return nil }
            throw error
        }
    }

    private func read(_ cgroup: borrowing Cgroup, _ path: CgroupPath, _ level: Int) throws(KernelError) -> TreeSample {
        // The root has what the whole machine uses in no file, and its controllers are none of its own limits.
        let controllers = Set(try cgroup.read(.controllers) ?? [])
        var sample = TreeSample(
            path: path, cpu: try cgroup.read(.cpuStatistics)?.usage, isPopulated: true, isFrozen: false, children: [])
        if controllers.contains(.memory), let current = try cgroup.read(.memoryCurrent) {
            sample.memory = TreeSample.Memory(
                current: current, min: try cgroup.read(.memoryMin) ?? .zero, low: try cgroup.read(.memoryLow) ?? .zero,
                high: try cgroup.read(.memoryHigh) ?? .max, max: try cgroup.read(.memoryMax) ?? .max)
        }
        if controllers.contains(.pids) {
            sample.pids = try cgroup.read(.pidsCurrent)
            sample.pidsMax = try cgroup.read(.pidsMax)
        }
        if let events = try cgroup.read(.events) {
            sample.isPopulated = events.populated
            sample.isFrozen = events.frozen == true && events.populated
        }
        if let counts = try cgroup.text(of: CgroupFile(named: "cgroup.stat")) {
            sample.descendants = Counters(kernelText: counts[...])?["nr_descendants"]
        }
        if sample.pids == nil { sample.processes = sample.isPopulated ? try own(cgroup) : 0 }
        // Below the border only a count of processes is wanted, and that only where the kernel keeps none.
        let isShown = depth.map { level < $0 } ?? true
        if sample.descendants == 0 || !isShown && (sample.pids != nil || !sample.isPopulated) { return sample }
        var children: [TreeSample] = []
        for name in try cgroup.children() {
            // A name that the kernel took and this tool would not is not gone into.
            guard let place = try? path.appending(name), let child = try opened(name, in: cgroup),
                let found = try self.sample(child, place, level: level + 1)
            else { continue }
            if sample.pids == nil { sample.processes = (sample.processes ?? 0) + (found.processes ?? found.pids ?? 0) }
            if isShown { children.append(found) }
        }
        (sample.children, sample.hidden) = chosen(children)
        return sample
    }

    private func opened(_ name: String, in cgroup: borrowing Cgroup) throws(KernelError) -> Cgroup? {
        try cgroup.child(name)
    }

    /// The processes in the cgroup itself; none where a threaded one does not show them.
    private func own(_ cgroup: borrowing Cgroup) throws(KernelError) -> UInt64 {
        do throws(KernelError) { return UInt64(try cgroup.read(.processes)?.count ?? 0) } catch {
            if error.errno == .notSupportedOnSocket || error.errno == .permissionDenied { return 0 }
            throw error
        }
    }

    /// The largest, in the order of their names, and the sum of the rest.
    func chosen(_ children: [TreeSample]) -> ([TreeSample], TreeSample.Hidden?) {
        func named(_ samples: some Sequence<TreeSample>) -> [TreeSample] {
            samples.sorted { ($0.path.name ?? "") < ($1.path.name ?? "") }
        }
        // One line that says "one more" would take the place of that one.
        guard let width, children.count > width + 1 else { return (named(children), nil) }
        let sorted = children.sorted {
            $0.weight != $1.weight ? $0.weight > $1.weight : $0.path.description < $1.path.description
        }
        let rest = sorted[width...]
        let hidden = TreeSample.Hidden(
            count: rest.count,
            memory: rest.contains { $0.memory != nil } ? rest.compactMap(\.memory?.current).total() : nil,
            pids: rest.contains { $0.pids != nil } ? rest.compactMap(\.pids).reduce(0, &+) : nil,
            processes: rest.contains { $0.processes != nil } ? rest.compactMap(\.processes).reduce(0, &+) : nil)
        return (named(sorted[..<width]), hidden)
    }
}

extension TreeSample {
    /// The document; null is what the kernel does not tell, or no limit.
    var json: JSON {
        var members: [JSON.Member] = [
            .init("path", .string(path.description)), .init("populated", .bool(isPopulated)),
            .init("frozen", .bool(isFrozen)),
            .init(
                "memory",
                memory.map {
                    [
                        "current": .integer($0.current.bytes), "min": $0.min.json, "low": $0.low.json,
                        "high": $0.high.limitJSON, "max": $0.max.limitJSON,
                    ]
                } ?? .null),
            .init(
                "pids",
                pids.map { ["current": .integer($0), "max": pidsMax?.value.map { .integer($0) } ?? .null] } ?? .null),
            .init("processes", processes.map { .integer($0) } ?? .null),
            .init("cpuMicroseconds", cpu.map { .integer($0) } ?? .null),
            .init("descendants", descendants.map { .integer($0) } ?? .null),
            .init("children", .array(children.map(\.json))),
        ]
        if let hidden {
            members.append(
                .init(
                    "hidden",
                    [
                        "count": .integer(hidden.count), "memory": hidden.memory?.json ?? .null,
                        "pids": hidden.pids.map { .integer($0) } ?? .null,
                        "processes": hidden.processes.map { .integer($0) } ?? .null,
                    ]))
        }
        return .object(members)
    }
}
