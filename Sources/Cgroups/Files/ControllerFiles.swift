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
    /// How much may be swapped out. Missing where the kernel counts no swap. The C name is `memory.swap.max`.
    /// Since Linux 4.5.
    public static var memorySwapMax: Self { Self("memory.swap.max", .memory, since: "4.5") }
}

extension InterfaceFile where Value == Limit {
    /// How many tasks may be inside; acts on `fork` and `clone`, not on moves. The C name is `pids.max`.
    /// Since Linux 4.5.
    public static var pidsMax: Self { Self("pids.max", .pids, since: "4.5") }
}

extension InterfaceFile where Value == Bool {
    /// Whether an out-of-memory kill takes everything inside. The C name is `memory.oom.group`. Since Linux 4.19.
    public static var memoryOOMGroup: Self { Self("memory.oom.group", .memory, since: "4.19") }
}

extension InterfaceFile where Value == UInt64 {
    /// The share of processor time among siblings, from 1 to 10000; 100 by default. The C name is `cpu.weight`.
    /// Since Linux 4.15.
    public static var cpuWeight: Self { Self("cpu.weight", .cpu, since: "4.15") }
}

extension InterfaceFile where Value == CPUQuota {
    /// Processor time in each period. The C name is `cpu.max`. Since Linux 4.15.
    public static var cpuMax: Self { Self("cpu.max", .cpu, since: "4.15") }
}

extension StatusFile where Value == ByteCount {
    /// The bytes in use, here and below. The C name is `memory.current`. Since Linux 4.5.
    public static var memoryCurrent: Self { Self("memory.current", .memory, since: "4.5") }
    /// The most bytes that were in use. The C name is `memory.peak`. Since Linux 5.19.
    public static var memoryPeak: Self { Self("memory.peak", .memory, since: "5.19") }
}

extension StatusFile where Value == UInt64 {
    /// The tasks inside, here and below. The C name is `pids.current`. Since Linux 4.5.
    public static var pidsCurrent: Self { Self("pids.current", .pids, since: "4.5") }
}

extension StatusFile where Value == MemoryEvents {
    /// How often limits and protections were hit, here and below. The C name is `memory.events`. Since Linux 4.5.
    public static var memoryEvents: Self { Self("memory.events", .memory, since: "4.5") }
}

extension StatusFile where Value == Counters {
    /// What the memory is used for. The C name is `memory.stat`. Since Linux 4.5.
    public static var memoryStatistics: Self { Self("memory.stat", .memory, since: "4.5") }
}

extension StatusFile where Value == CPUStatistics {
    /// Processor time used; the throttling counters only with the controller. The C name is `cpu.stat`.
    /// Since Linux 4.15.
    public static var cpuStatistics: Self { Self("cpu.stat", nil, since: "4.15") }
}

extension StatusFile where Value == Pressure {
    /// Time lost waiting for a processor. The C name is `cpu.pressure`. Since Linux 4.20.
    public static var cpuPressure: Self { Self("cpu.pressure", nil, since: "4.20") }
    /// Time lost waiting for memory. The C name is `memory.pressure`. Since Linux 4.20.
    public static var memoryPressure: Self { Self("memory.pressure", nil, since: "4.20") }
    /// Time lost waiting for block devices. The C name is `io.pressure`. Since Linux 4.20.
    public static var ioPressure: Self { Self("io.pressure", nil, since: "4.20") }
}
