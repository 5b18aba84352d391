// SPDX-License-Identifier: Apache-2.0

extension LineFile where Line == MiscLimit {
    /// How much of each scalar resource may be used. The C name is `misc.max`. Since Linux 5.13.
    public static var miscMax: Self { Self("misc.max", .misc, since: "5.13") }
}

extension StatusFile where Value == Counters {
    /// How much of each resource the machine has. The C name is `misc.capacity`. Since Linux 5.13.
    public static var miscCapacity: Self { Self("misc.capacity", .misc, since: "5.13", .onlyOnRoot) }
    /// How much is in use; on the root too in Linux 6.12, not in 6.1. The C name is `misc.current`. Since Linux 5.13.
    public static var miscCurrent: Self { Self("misc.current", .misc, since: "5.13", .everywhere) }
    /// The most that was in use. The C name is `misc.peak`. Linux 6.1 has it not, 6.12 has it.
    public static var miscPeak: Self { Self("misc.peak", .misc, since: "6.12", .everywhere) }
    /// How often limits were hit, keys `RESOURCE.max`, here and below. The C name is `misc.events`. Since Linux 5.16.
    public static var miscEvents: Self { Self("misc.events", .misc, since: "5.16", notifies: true) }
    /// The same of this cgroup alone. The C name is `misc.events.local`. Linux 6.1 has it not, 6.12 has it.
    public static var miscEventsLocal: Self { Self("misc.events.local", .misc, since: "6.12", notifies: true) }
}
