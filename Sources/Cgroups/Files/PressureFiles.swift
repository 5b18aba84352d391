// SPDX-License-Identifier: Apache-2.0

// These belong to every cgroup, whatever controllers it has. A trigger (`PressureThreshold`) is written to a descriptor
// that is then kept and polled.
extension StatusFile where Value == Pressure {
    /// Time lost waiting for a processor. The C name is `cpu.pressure`. Since Linux 4.20.
    public static var cpuPressure: Self { pressure("cpu", since: "4.20") }
    /// Time lost waiting for memory. The C name is `memory.pressure`. Since Linux 4.20.
    public static var memoryPressure: Self { pressure("memory", since: "4.20") }
    /// Time lost waiting for block devices. The C name is `io.pressure`. Since Linux 4.20.
    public static var ioPressure: Self { pressure("io", since: "4.20") }
    /// Time lost to interrupts, where the kernel accounts them. The C name is `irq.pressure`. Since Linux 6.1.
    public static var interruptPressure: Self { pressure("irq", since: "6.1") }

    private static func pressure(_ resource: String, since: String) -> Self {
        Self("\(resource).pressure", nil, since: since, .everywhere, written: PressureThreshold.self)
    }
}
