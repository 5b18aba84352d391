// SPDX-License-Identifier: Apache-2.0

extension LineFile where Line == RDMALimit {
    /// What may be used of each device. The C name is `rdma.max`. Since Linux 4.11.
    public static var rdmaMax: Self { Self("rdma.max", .rdma, since: "4.11") }
}

extension StatusFile where Value == NestedCounters {
    /// What is in use of each device. The C name is `rdma.current`. Since Linux 4.11.
    public static var rdmaCurrent: Self { Self("rdma.current", .rdma, since: "4.11") }
    /// The most that was in use of each device. The C name is `rdma.peak`. Linux 6.18 has it not, 7.2 has it.
    public static var rdmaPeak: Self { Self("rdma.peak", .rdma, since: "7.2") }
    /// How often limits were hit, here and below. The C name is `rdma.events`. Linux 6.18 has it not, 7.2 has it.
    public static var rdmaEvents: Self { Self("rdma.events", .rdma, since: "7.2", notifies: true) }
    /// The same of this cgroup alone. The C name is `rdma.events.local`. Linux 6.18 has it not, 7.2 has it.
    public static var rdmaEventsLocal: Self { Self("rdma.events.local", .rdma, since: "7.2", notifies: true) }
}
