// SPDX-License-Identifier: Apache-2.0

extension LineFile where Line == DeviceMemory {
    /// Device memory of each region that is never taken away, as far as the ancestors protect it too. The C name is
    /// `dmem.min`. Since Linux 6.14.
    public static var deviceMemoryMin: Self { Self("dmem.min", .dmem, since: "6.14") }
    /// Device memory that is taken away only when nothing unprotected is left. The C name is `dmem.low`.
    /// Since Linux 6.14.
    public static var deviceMemoryLow: Self { Self("dmem.low", .dmem, since: "6.14") }
    /// How much may be used of each region. The C name is `dmem.max`. Since Linux 6.14.
    public static var deviceMemoryMax: Self { Self("dmem.max", .dmem, since: "6.14") }
}

extension StatusFile where Value == KernelLines<DeviceMemory> {
    /// How much is in use of each region. The C name is `dmem.current`. Since Linux 6.14.
    public static var deviceMemoryCurrent: Self { Self("dmem.current", .dmem, since: "6.14", .everywhere) }
    /// How much each region has. The C name is `dmem.capacity`. Since Linux 6.14.
    public static var deviceMemoryCapacity: Self { Self("dmem.capacity", .dmem, since: "6.14", .onlyOnRoot) }
}
