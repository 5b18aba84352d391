// SPDX-License-Identifier: Apache-2.0

extension StatusFile where Value == NestedCounters {
    /// What each device did for the cgroup and those below. The C name is `io.stat`. Since Linux 4.5, on the root 5.8.
    public static var ioStatistics: Self { Self("io.stat", .io, since: "4.5", .everywhere) }
}

extension LineFile where Line == IOLimit {
    /// What each device may do in a second; a device without limits has no line. The C name is `io.max`. Since Linux 4.5.
    public static var ioMax: Self { Self("io.max", .io, since: "4.5") }
}

extension LineFile where Line == IOWeight {
    /// The share of each device among siblings, from 1 to 10000; for one device only where its cost model is on. The C
    /// name is `io.weight`. Since Linux 5.4.
    public static var ioWeight: Self { Self("io.weight", .io, since: "5.4", range: 1...10_000) }
    /// The share with the BFQ scheduler, from 1 to 1000. The C name is `io.bfq.weight`. Since Linux 4.12.
    public static var ioBFQWeight: Self { Self("io.bfq.weight", .io, since: "4.12", range: 1...1000) }
}

extension LineFile where Line == IOLatency {
    /// The latency that each device shall keep. The C name is `io.latency`. Since Linux 4.19.
    public static var ioLatency: Self { Self("io.latency", .io, since: "4.19") }
}

extension LineFile where Line == IOCostQuality {
    /// How each device is kept from being overrun. The C name is `io.cost.qos`. Since Linux 5.4.
    public static var ioCostQuality: Self { Self("io.cost.qos", .io, since: "5.4", .onlyOnRoot) }
}

extension LineFile where Line == IOCostModel {
    /// What each device's work costs. The C name is `io.cost.model`. Since Linux 5.4.
    public static var ioCostModel: Self { Self("io.cost.model", .io, since: "5.4", .onlyOnRoot) }
}

extension InterfaceFile where Value == IOPriorityClass {
    /// What becomes of the I/O priority of requests. The C name is `io.prio.class`. Since Linux 5.14.
    public static var ioPriorityClass: Self { Self("io.prio.class", .io, since: "5.14") }
}
