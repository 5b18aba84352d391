// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Launching
import LinuxKernel
import NodeModel
import Testing

/// How much of what: shares of the memory that is free at the start.
struct PressureSizes {
    /// What a protected pod asks for, a little over the file it reads.
    let request: ByteCount
    /// The file.
    let file: ByteCount
    /// What the neighbour fills.
    let held: ByteCount
    /// The file that it reads again and again: more than is left beside the pods, less than without them.
    let hot: ByteCount
    let allocatable: ByteCount
    let isLimited: Bool

    /// The machine itself runs short: all of it is allocatable, as on a node without reserved memory.
    init() throws {
        try Machine.dropCaches()
        self.init(
            budget: mebibytes(try Machine.memory("MemAvailable")), allocatable: try Machine.memory("MemTotal"),
            isLimited: false)
    }

    /// `memory.max` of all pods is reached first, as on a node that reserves enough.
    var limited: PressureSizes {
        let budget = mebibytes(request) * 100 / 15 * 85 / 100
        return PressureSizes(budget: budget, allocatable: .mebibytes(UInt64(budget)), isLimited: true)
    }

    private init(budget: Int, allocatable: ByteCount, isLimited: Bool) {
        func share(_ percent: Int) -> ByteCount { .mebibytes(UInt64(budget * percent / 100)) }
        request = share(15)
        file = request - .mebibytes(3)
        held = share(42)
        hot = share(50)
        self.allocatable = allocatable
        self.isLimited = isLimited
    }
}

/// What became of a pod's working set.
struct WorkingSet: CustomStringConvertible {
    let size: Int
    var kept = 0
    var readAgain: UInt64 = 0
    var refaults: UInt64 = 0
    var keptAtEnd = 0
    var killed: UInt64 = 0

    var description: String { "\(kept) (\(readAgain), \(refaults)) → \(keptAtEnd)" }

    /// Reads it again and takes note of what that costs.
    mutating func readAgain(_ file: String, in cgroup: borrowing Cgroup) throws {
        kept = mebibytes(try cgroup.current())
        let (disks, faults) = (try Machine.readFromDisks(), try cgroup.refaults())
        try cgroup.readFile(file)
        readAgain = try Machine.readFromDisks() - disks
        refaults = try cgroup.refaults() - faults
    }

    mutating func end(in cgroup: borrowing Cgroup) throws {
        keptAtEnd = mebibytes(try cgroup.current())
        killed = try cgroup.events().oomKill ?? 0
    }
}

/// One layout under pressure, then out of memory.
struct LayoutRow {
    private(set) var guaranteed: WorkingSet
    private(set) var burstable: WorkingSet
    let lowEvents: UInt64
    let lowEventsAtEnd: UInt64
    let killedNeighbour: Bool

    init(_ layout: ProtectionPods.Layout, _ sizes: PressureSizes) throws {
        let (first, second) = (try makeFile("g", sizes.file), try makeFile("b", sizes.file))
        // A file with nothing in it takes page cache like any other.
        let hot = try Machine.file("hot")
        try #require(
            try Launch.script(#"rm -f "$1"; truncate -s "$2" "$1""#, hot, "\(sizes.hot)").start().wait().status
                == .exited(0))
        guaranteed = WorkingSet(size: mebibytes(sizes.file))
        burstable = WorkingSet(size: mebibytes(sizes.file))

        let pods = try ProtectionPods(layout, request: sizes.request, allocatable: sizes.allocatable)
        let g = try pods.container("g")
        let b = try pods.container("b")
        let neighbour = try pods.container("e")
        // Twice: what was used once only is the first to go anyway.
        try g.readFile(first, times: 2)
        try b.readFile(second, times: 2)
        try #require(mebibytes(try g.current()) >= guaranteed.size)
        try #require(mebibytes(try b.current()) >= burstable.size)

        try neighbour.hold(sizes.held)
        try neighbour.readFile(hot, times: 3)
        try guaranteed.readAgain(first, in: g)
        try burstable.readAgain(second, in: b)
        lowEvents = try b.events().low ?? 0

        // As the kubelet has it, the kernel takes the BestEffort pod first. dd asks for less than the machine has, for
        // more the kernel would refuse.
        let all = try Machine.memory("MemTotal") - .mebibytes(16)
        let exit = try neighbour.run(
            #"echo 1000 >/proc/self/oom_score_adj; exec dd if=/dev/zero of=/dev/null bs="$1" count=1"#, "\(all)")
        let kills = try neighbour.events().oomKill ?? 0
        killedNeighbour = exit == .killed(signal: 9) && kills > 0
        try guaranteed.end(in: g)
        try burstable.end(in: b)
        lowEventsAtEnd = try b.events().low ?? 0
    }

    func expectKept(_ set: WorkingSet, _ place: SourceLocation = #_sourceLocation) {
        #expect(set.kept * 100 >= set.size * 95, sourceLocation: place)
        #expect(set.readAgain * 100 <= set.size * 5, sourceLocation: place)
        #expect(Int(set.refaults) / 256 <= set.size / 20, sourceLocation: place)
    }

    func expectLost(_ set: WorkingSet, _ place: SourceLocation = #_sourceLocation) {
        #expect(set.kept * 100 <= set.size * 90, sourceLocation: place)
        #expect(set.readAgain * 100 >= set.size * 10, sourceLocation: place)
        #expect(set.refaults > 0, sourceLocation: place)
    }

    /// Out of memory: only `memory.min` is left, and nobody but the neighbour was killed.
    func expectEnd(min: Bool, _ place: SourceLocation = #_sourceLocation) {
        if min {
            #expect(guaranteed.keptAtEnd * 100 >= guaranteed.size * 95, sourceLocation: place)
        } else {
            #expect(guaranteed.keptAtEnd * 100 <= guaranteed.size * 30, sourceLocation: place)
        }
        #expect(burstable.keptAtEnd * 100 <= burstable.size * 30, sourceLocation: place)
        #expect(killedNeighbour, sourceLocation: place)
        #expect(guaranteed.killed + burstable.killed == 0, sourceLocation: place)
    }
}
