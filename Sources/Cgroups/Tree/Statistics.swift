// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

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

    /// The files that they are read from.
    public static let files: [CgroupFile] = [
        StatusFile.memoryCurrent.file, StatusFile.memoryPeak.file, StatusFile.memoryEvents.file,
        StatusFile.pidsCurrent.file, StatusFile.cpuStatistics.file, StatusFile.cpuPressure.file,
        StatusFile.memoryPressure.file, StatusFile.ioPressure.file,
    ]
}

extension Cgroup {
    /// Reads them all, by one `openat2` and one `pread` for each file and one `close_range` for all. Only a cgroup that
    /// is gone, and a file that cannot be read although it is there, are errors. A `CgroupSampler` reads again by the
    /// `pread` alone.
    public borrowing func statistics() throws(KernelError) -> CgroupStatistics {
        var sampler = try CgroupSampler(of: self)
        guard try sampler.pass() == .read else {
            throw KernelError("pread", "cpu.stat", in: location, errno: .noSuchDevice, hint: "the cgroup is gone")
        }
        return try sampler.lastStatistics()
    }
}

extension CgroupSampler {
    /// One pass, as numbers; nil when the cgroup is gone.
    public mutating func statistics() throws(KernelError) -> CgroupStatistics? {
        guard try pass() == .read else { return nil }
        return try lastStatistics()
    }

    /// The last pass as numbers.
    public borrowing func lastStatistics() throws(KernelError) -> CgroupStatistics {
        var statistics = CgroupStatistics()
        statistics.memoryCurrent = try value(of: .memoryCurrent)
        statistics.memoryPeak = try value(of: .memoryPeak)
        statistics.memoryEvents = try value(of: .memoryEvents)
        statistics.pidsCurrent = try value(of: .pidsCurrent)
        statistics.cpu = try value(of: .cpuStatistics)
        statistics.cpuPressure = try value(of: .cpuPressure)
        statistics.memoryPressure = try value(of: .memoryPressure)
        statistics.ioPressure = try value(of: .ioPressure)
        return statistics
    }
}
