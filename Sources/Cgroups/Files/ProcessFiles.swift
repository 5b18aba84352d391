// SPDX-License-Identifier: Apache-2.0

extension InterfaceFile where Value == Limit {
    /// How many tasks may be inside; acts on `fork` and `clone`, not on moves. The C name is `pids.max`.
    /// Since Linux 4.5.
    public static var pidsMax: Self { Self("pids.max", .pids, since: "4.5", range: 0...4_194_304) }
}

extension StatusFile where Value == UInt64 {
    /// The tasks inside, here and below. The C name is `pids.current`. Since Linux 4.5.
    public static var pidsCurrent: Self { Self("pids.current", .pids, since: "4.5") }
    /// The most tasks that were inside. The C name is `pids.peak`. Since Linux 6.1.
    public static var pidsPeak: Self { Self("pids.peak", .pids, since: "6.1") }
}

extension StatusFile where Value == Counters {
    /// How often the limit was hit (`max`), since Linux 6.11 below too. The C name is `pids.events`. Since Linux 4.8.
    public static var pidsEvents: Self { Self("pids.events", .pids, since: "4.8", notifies: true) }
    /// The same of this cgroup alone. The C name is `pids.events.local`. Since Linux 6.11.
    public static var pidsEventsLocal: Self { Self("pids.events.local", .pids, since: "6.11", notifies: true) }
}
