// SPDX-License-Identifier: Apache-2.0

public import NodeModel

extension InterfaceFile where Value == UInt64 {
    /// The share of processor time among siblings, from 1 to 10000; 100 by default. The C name is `cpu.weight`.
    /// Since Linux 4.15.
    public static var cpuWeight: Self { Self("cpu.weight", .cpu, since: "4.15", range: 1...10_000) }
    /// Microseconds that may be saved up and used beyond the quota, at most as many as that. The C name is
    /// `cpu.max.burst`. Since Linux 5.14.
    public static var cpuMaxBurst: Self {
        Self("cpu.max.burst", .cpu, since: "5.14", range: 0...CPUQuota.quotaBounds.upperBound)
    }
}

extension InterfaceFile where Value == Int64 {
    /// The share as a nice value, from -20 to 19. The C name is `cpu.weight.nice`. Since Linux 4.15.
    public static var cpuWeightNice: Self { Self("cpu.weight.nice", .cpu, since: "4.15", range: -20...19) }
}

extension InterfaceFile where Value == CPUQuota {
    /// Processor time in each period. The C name is `cpu.max`. Since Linux 4.15.
    public static var cpuMax: Self { Self("cpu.max", .cpu, since: "4.15") }
}

extension InterfaceFile where Value == Bool {
    /// Whether it runs only when nothing else wants to; switched off, the weight is 100 again, whatever it was. The C
    /// name is `cpu.idle`. Since Linux 5.15.
    public static var cpuIdle: Self { Self("cpu.idle", .cpu, since: "5.15") }
}

extension InterfaceFile where Value == UtilizationClamp {
    /// The processor's speed that its tasks ask for at least. The C name is `cpu.uclamp.min`. Since Linux 5.4.
    public static var cpuClampMin: Self { Self("cpu.uclamp.min", .cpu, since: "5.4") }
    /// The processor's speed that its tasks ask for at most. The C name is `cpu.uclamp.max`. Since Linux 5.4.
    public static var cpuClampMax: Self { Self("cpu.uclamp.max", .cpu, since: "5.4") }
}

extension StatusFile where Value == CPUStatistics {
    /// Processor time used; the throttling counters only with the controller. The C name is `cpu.stat`.
    /// Since Linux 4.15.
    public static var cpuStatistics: Self { Self("cpu.stat", nil, since: "4.15", .everywhere) }
}

extension StatusFile where Value == Counters {
    /// How long this cgroup itself was throttled (`throttled_usec`). The C name is `cpu.stat.local`. Since Linux 6.6.
    public static var cpuStatisticsLocal: Self { Self("cpu.stat.local", .cpu, since: "6.6", .everywhere) }
}
