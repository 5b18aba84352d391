// SPDX-License-Identifier: Apache-2.0

/// The content of `memory.events`. The counters never fall; the file changes at most once in 10 ms.
public struct MemoryEvents: CountedValue, Hashable, Sendable {
    /// Everything the kernel told.
    public let counters: Counters
    /// Times that memory below `memory.low` was taken nevertheless: the node is truly short.
    public var low: UInt64? { counters["low"] }
    /// Times that processes were slowed down at `memory.high`.
    public var high: UInt64? { counters["high"] }
    /// Times that use was about to go over `memory.max`.
    public var max: UInt64? { counters["max"] }
    /// Times that the limit was reached and nothing could be reclaimed. Far more than kills.
    public var oom: UInt64? { counters["oom"] }
    /// Processes killed; seven for a group of seven.
    public var oomKill: UInt64? { counters["oom_kill"] }
    /// Whole groups killed; nil before Linux 5.17.
    public var oomGroupKill: UInt64? { counters["oom_group_kill"] }
    /// Times that a socket was slowed down for want of memory; nil in Linux 6.12, there in 7.2.
    public var socketThrottled: UInt64? { counters["sock_throttled"] }

    /// Takes the counters.
    public init(counters: Counters) { self.counters = counters }
}

/// The content of `cpu.stat`, times in microseconds.
public struct CPUStatistics: CountedValue, Hashable, Sendable {
    /// Everything the kernel told.
    public let counters: Counters
    /// All processor time.
    public var usage: UInt64? { counters["usage_usec"] }
    /// Of it in user mode.
    public var user: UInt64? { counters["user_usec"] }
    /// Of it in the kernel.
    public var system: UInt64? { counters["system_usec"] }
    /// Periods of `cpu.max` that passed; nil without the controller.
    public var periods: UInt64? { counters["nr_periods"] }
    /// Periods in which the quota ran out; nil without the controller.
    public var throttledPeriods: UInt64? { counters["nr_throttled"] }
    /// Time that runnable processes were held back; nil without the controller.
    public var throttled: UInt64? { counters["throttled_usec"] }

    /// Takes the counters.
    public init(counters: Counters) { self.counters = counters }
}
