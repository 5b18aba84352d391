// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// A size of huge pages, as the names of the files of the hugetlb controller have it: `2MB`, `1GB`.
public struct HugePageSize: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of one page.
    public let bytes: UInt64

    /// 2 MiB.
    public static let mebibytes2 = HugePageSize(bytes: 2 << 20)
    /// 1 GiB.
    public static let gibibytes1 = HugePageSize(bytes: 1 << 30)

    init(bytes: UInt64) { self.bytes = bytes }

    /// The size of so many bytes; nil when that is no power of two of at least 1 KiB.
    public init?(_ bytes: ByteCount) {
        guard bytes.bytes >= 1024, bytes.bytes.nonzeroBitCount == 1 else { return nil }
        self.bytes = bytes.bytes
    }

    /// Reads a size as the kernel names it (`mem_fmt` in mm/hugetlb_cgroup.c), and no other way: `1024MB` is none.
    public init?(_ text: some StringProtocol) {
        guard let (_, shift) = Self.units.first(where: { text.hasSuffix($0.0) }),
            let count = UInt64(decimal: text.dropLast(2)), count > 0, count.leadingZeroBitCount > shift
        else { return nil }
        self.init(ByteCount(count << shift))
        if description != text { return nil }
    }

    /// The size in the name of a file, `hugetlb.2MB.max`.
    init?(inFileName name: String) {
        let parts = name.split(separator: ".")
        guard parts.count > 2, parts[0] == "hugetlb" else { return nil }
        self.init(parts[1])
    }

    private static let units = [("GB", 30), ("MB", 20), ("KB", 10)]

    /// `2MB`.
    public var description: String {
        let (unit, shift) = Self.units.first { bytes >= 1 << $0.1 } ?? ("KB", 10)
        return "\(bytes >> shift)\(unit)"
    }
}

extension InterfaceFile where Value == ByteCount {
    /// How much may be used, in whole pages; a fault beyond it is SIGBUS. The C name is `hugetlb.SIZE.max`.
    /// Since Linux 5.6.
    public static func hugetlbMax(_ size: HugePageSize) -> Self { Self("hugetlb.\(size).max", .hugetlb, since: "5.6") }
    /// How much may be reserved, which fails where it is asked for and not at a fault. The C name is
    /// `hugetlb.SIZE.rsvd.max`. Since Linux 5.7.
    public static func hugetlbReservedMax(_ size: HugePageSize) -> Self {
        Self("hugetlb.\(size).rsvd.max", .hugetlb, since: "5.7")
    }
}

extension StatusFile where Value == ByteCount {
    /// The bytes in use. The C name is `hugetlb.SIZE.current`. Since Linux 5.6.
    public static func hugetlbCurrent(_ size: HugePageSize) -> Self {
        Self("hugetlb.\(size).current", .hugetlb, since: "5.6")
    }
    /// The bytes reserved. The C name is `hugetlb.SIZE.rsvd.current`. Since Linux 5.7.
    public static func hugetlbReservedCurrent(_ size: HugePageSize) -> Self {
        Self("hugetlb.\(size).rsvd.current", .hugetlb, since: "5.7")
    }
}

extension StatusFile where Value == Counters {
    /// How often the limit was hit (`max`), here and below. The C name is `hugetlb.SIZE.events`. Since Linux 5.6.
    public static func hugetlbEvents(_ size: HugePageSize) -> Self {
        Self("hugetlb.\(size).events", .hugetlb, since: "5.6", notifies: true)
    }
    /// The same of this cgroup alone. The C name is `hugetlb.SIZE.events.local`. Since Linux 5.6.
    public static func hugetlbEventsLocal(_ size: HugePageSize) -> Self {
        Self("hugetlb.\(size).events.local", .hugetlb, since: "5.6", notifies: true)
    }
}

extension StatusFile where Value == NestedCounters {
    /// The bytes in use on each node, one line without a name. The C name is `hugetlb.SIZE.numa_stat`. Since Linux 5.17.
    public static func hugetlbNodeStatistics(_ size: HugePageSize) -> Self {
        Self("hugetlb.\(size).numa_stat", .hugetlb, since: "5.17")
    }
}
