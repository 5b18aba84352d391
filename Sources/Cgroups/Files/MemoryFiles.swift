// SPDX-License-Identifier: Apache-2.0

public import NodeModel

extension InterfaceFile where Value == ByteCount {
    /// Memory that is never taken away, as far as the ancestors protect it too. The C name is `memory.min`.
    /// Since Linux 4.18.
    public static var memoryMin: Self { Self("memory.min", .memory, since: "4.18") }
    /// Memory that is taken away only when nothing unprotected is left. The C name is `memory.low`. Since Linux 4.5.
    public static var memoryLow: Self { Self("memory.low", .memory, since: "4.5") }
    /// Above it the processes are slowed down and their memory reclaimed. The C name is `memory.high`.
    /// Since Linux 4.5.
    public static var memoryHigh: Self { Self("memory.high", .memory, since: "4.5") }
    /// Above it a process inside is killed. The C name is `memory.max`. Since Linux 4.5.
    public static var memoryMax: Self { Self("memory.max", .memory, since: "4.5") }
    /// Above it the processes are slowed down when they swap. The C name is `memory.swap.high`. Since Linux 5.8.
    public static var memorySwapHigh: Self { Self("memory.swap.high", .memory, since: "5.8") }
    /// How much may be swapped out. Missing where the kernel counts no swap. The C name is `memory.swap.max`.
    /// Since Linux 4.5.
    public static var memorySwapMax: Self { Self("memory.swap.max", .memory, since: "4.5") }
    /// How much memory compressed pages may take. The C name is `memory.zswap.max`. Since Linux 5.19.
    public static var memoryZswapMax: Self { Self("memory.zswap.max", .memory, since: "5.19") }
}

extension InterfaceFile where Value == Bool {
    /// Whether an out-of-memory kill takes everything inside. The C name is `memory.oom.group`. Since Linux 4.19.
    public static var memoryOOMGroup: Self { Self("memory.oom.group", .memory, since: "4.19", isDelegatable: true) }
    /// Whether compressed pages may go on to the disk. The C name is `memory.zswap.writeback`. Since Linux 6.8.
    public static var memoryZswapWriteback: Self { Self("memory.zswap.writeback", .memory, since: "6.8", .everywhere) }
}

extension CommandFile where Command == ReclaimRequest {
    /// Takes memory from the cgroup now; EAGAIN when less could be taken. The C name is `memory.reclaim`.
    /// Since Linux 5.19.
    public static var memoryReclaim: Self {
        Self("memory.reclaim", .memory, since: "5.19", .everywhere, isDelegatable: true)
    }
}

extension StatusFile where Value == ByteCount {
    /// The bytes in use, here and below. The C name is `memory.current`. Since Linux 4.5.
    public static var memoryCurrent: Self { Self("memory.current", .memory, since: "4.5") }
    /// The most bytes that were in use. The C name is `memory.peak`. Since Linux 5.19; a descriptor can start it anew
    /// since Linux 6.12.
    public static var memoryPeak: Self {
        Self("memory.peak", .memory, since: "5.19", written: PeakReset.self, writableSince: "6.12")
    }
    /// The bytes that are swapped out. The C name is `memory.swap.current`. Since Linux 4.5.
    public static var memorySwapCurrent: Self { Self("memory.swap.current", .memory, since: "4.5") }
    /// The most bytes that were swapped out. The C name is `memory.swap.peak`. Since Linux 6.5; a descriptor can start
    /// it anew since Linux 6.12.
    public static var memorySwapPeak: Self {
        Self("memory.swap.peak", .memory, since: "6.5", written: PeakReset.self, writableSince: "6.12")
    }
    /// The bytes that compressed pages take. The C name is `memory.zswap.current`. Since Linux 5.19.
    public static var memoryZswapCurrent: Self { Self("memory.zswap.current", .memory, since: "5.19") }
}

extension StatusFile where Value == MemoryEvents {
    /// How often limits and protections were hit, here and below. The C name is `memory.events`. Since Linux 4.5.
    public static var memoryEvents: Self { Self("memory.events", .memory, since: "4.5", notifies: true) }
    /// The same of this cgroup alone. The C name is `memory.events.local`. Since Linux 5.3.
    public static var memoryEventsLocal: Self { Self("memory.events.local", .memory, since: "5.3", notifies: true) }
}

extension StatusFile where Value == Counters {
    /// What the memory is used for. The C name is `memory.stat`. Since Linux 4.5.
    public static var memoryStatistics: Self { Self("memory.stat", .memory, since: "4.5", .everywhere) }
    /// How often swapping hit its limits: `high`, `max`, `fail`. The C name is `memory.swap.events`. Since Linux 4.18.
    public static var memorySwapEvents: Self { Self("memory.swap.events", .memory, since: "4.18", notifies: true) }
}

extension StatusFile where Value == NestedCounters {
    /// What the memory of each node is used for. Only where there are several. The C name is `memory.numa_stat`.
    /// Since Linux 5.10.
    public static var memoryNodeStatistics: Self { Self("memory.numa_stat", .memory, since: "5.10", .everywhere) }
}
