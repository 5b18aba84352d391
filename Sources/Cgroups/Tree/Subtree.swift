// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

/// A cgroup and all below it, as they were when each was read.
public struct SubtreeStatistics: Hashable, Sendable {
    /// One cgroup.
    public struct Entry: Hashable, Sendable {
        /// Where it is, below the one that was asked; no name for that one itself.
        public let path: [String]
        /// What it and all below it use, for the kernel counts upward.
        public let statistics: CgroupStatistics
        /// Processes in it alone.
        public let processes: Int
    }

    /// Every cgroup before those below it, siblings by name.
    public let entries: [Entry]

    /// What all of them use: that of the topmost one, since the kernel's counters hold what is below.
    public var total: CgroupStatistics { entries.first?.statistics ?? CgroupStatistics() }

    /// Processes in all of them.
    public var processes: Int { entries.reduce(0) { $0 + $1.processes } }

    /// Bytes that are charged to a cgroup itself: what it uses less what those directly below it use. Nil where memory
    /// is not counted. The readings are of different moments, so a difference below zero is zero.
    public func ownMemory(of path: [String]) -> ByteCount? {
        guard let own = entries.first(where: { $0.path == path })?.statistics.memoryCurrent else { return nil }
        let below = entries.filter { $0.path.count == path.count + 1 && $0.path.starts(with: path) }
        let used = below.compactMap(\.statistics.memoryCurrent).total()
        return own > used ? own - used : .zero
    }
}

extension Cgroup {
    /// Calls a body for this cgroup and all below it, each before those below it. What vanishes meanwhile is left out.
    public borrowing func walk(
        _ body: (borrowing Cgroup, _ path: [String]) throws(KernelError) -> Void
    ) throws(KernelError) {
        try walk([], body)
    }

    private borrowing func walk(
        _ path: [String], _ body: (borrowing Cgroup, [String]) throws(KernelError) -> Void
    ) throws(KernelError) {
        try body(self, path)
        for name in try children().sorted() {
            do {
                switch try child(name) {
                case .none: break
                case .some(let child): try child.walk(path + [name], body)
                }
            } catch { if !error.meansCgroupIsGone || isGone() { throw error } }
        }
    }

    /// Statistics of this cgroup and all below it. One that vanishes meanwhile is left out; when this one does, that is
    /// the error.
    public borrowing func subtreeStatistics() throws(KernelError) -> SubtreeStatistics {
        var entries: [SubtreeStatistics.Entry] = []
        try walk { (cgroup, path) throws(KernelError) in
            // In a threaded cgroup the kernel refuses the list of processes: it is its domain's.
            var processes = 0
            do throws(KernelError) { processes = try cgroup.required(.processes).count } catch {
                if error.errno != .notSupportedOnSocket { throw error }
            }
            entries.append(
                SubtreeStatistics.Entry(path: path, statistics: try cgroup.statistics(), processes: processes))
        }
        return SubtreeStatistics(entries: entries)
    }
}
