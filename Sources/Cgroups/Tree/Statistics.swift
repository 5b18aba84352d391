// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel

/// What a cgroup uses now. Nil is what the kernel does not tell: the controller is not enabled, or the file not there.
public struct CgroupStatistics: Hashable, Sendable {
    /// Bytes of memory in use.
    public var memoryCurrent: ByteCount?
    /// The most bytes that were in use.
    public var memoryPeak: ByteCount?
    /// How often limits and protections were hit.
    public var memoryEvents: MemoryEvents?
    /// Processor time.
    public var cpu: CPUStatistics?
    /// Tasks inside.
    public var pidsCurrent: UInt64?
    /// Time lost waiting for a processor.
    public var cpuPressure: Pressure?
    /// Time lost waiting for memory.
    public var memoryPressure: Pressure?
    /// Time lost waiting for block devices.
    public var ioPressure: Pressure?
}

extension Cgroup {
    /// Reads them all. Only a cgroup that is gone, and a file that cannot be read although it is there, are errors.
    public borrowing func statistics() throws(KernelError) -> CgroupStatistics {
        let controllers = Set(try required(.controllers))
        var statistics = CgroupStatistics()
        if controllers.contains(.memory) {
            statistics.memoryCurrent = try read(.memoryCurrent)
            statistics.memoryPeak = try read(.memoryPeak)
            statistics.memoryEvents = try read(.memoryEvents)
        }
        if controllers.contains(.pids) { statistics.pidsCurrent = try read(.pidsCurrent) }
        statistics.cpu = try read(.cpuStatistics)
        statistics.cpuPressure = try read(.cpuPressure)
        statistics.memoryPressure = try read(.memoryPressure)
        statistics.ioPressure = try read(.ioPressure)
        return statistics
    }
}
