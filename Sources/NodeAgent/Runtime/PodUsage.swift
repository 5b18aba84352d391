// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

extension NodeStatistics.Usage {
    /// What a control group uses.
    init(of cgroup: borrowing Cgroup, at time: Timestamp) throws(KernelError) {
        self.init(at: time)
        let files =
            CgroupStatistics.files + [
                StatusFile<Counters>.memoryStatistics.file, StatusFile<ByteCount>.memorySwapCurrent.file,
            ]
        var sampler = try CgroupSampler(of: cgroup, files: files)
        _ = try sampler.pass()
        let read = try sampler.lastStatistics()
        cpuNanoseconds = read.cpu?.usage.map { $0 &* 1000 }
        throttledPeriods = read.cpu?.throttledPeriods
        throttledNanoseconds = read.cpu?.throttled.map { $0 &* 1000 }
        memoryBytes = read.memoryCurrent?.bytes
        if let counters = try sampler.value(of: .memoryStatistics) {
            workingSetBytes = memoryBytes.map { $0 - min($0, counters["inactive_file"] ?? 0) }
            anonymousBytes = counters["anon"]
            pageFaults = counters["pgfault"]
            majorPageFaults = counters["pgmajfault"]
        }
        swapBytes = try sampler.value(of: .memorySwapCurrent)?.bytes
        outOfMemoryKills = read.memoryEvents?.oomKill
        processes = read.pidsCurrent
        pressure["cpu"] = read.cpuPressure.flatMap { NodeStatistics.Pressure($0) }
        pressure["memory"] = read.memoryPressure.flatMap { NodeStatistics.Pressure($0) }
        pressure["io"] = read.ioPressure.flatMap { NodeStatistics.Pressure($0) }
    }

    /// What the machine uses: its root control group has few of the files.
    init(ofMachineBelow root: borrowing Cgroup, at time: Timestamp) {
        self.init(at: time)
        cpuNanoseconds = (try? root.read(.cpuStatistics))??.usage.map { $0 &* 1000 }
        let memory = Self.numbers("/proc/meminfo")
        func bytes(_ name: String) -> UInt64? { memory[name].map { $0 &* 1024 } }
        if let total = bytes("MemTotal"), let free = bytes("MemFree") {
            let used = total - min(total, free)
            memoryBytes = used
            workingSetBytes = used - min(used, bytes("Inactive(file)") ?? 0)
        }
        anonymousBytes = bytes("AnonPages")
        if let total = bytes("SwapTotal"), let free = bytes("SwapFree") { swapBytes = total - min(total, free) }
        let events = Self.numbers("/proc/vmstat")
        pageFaults = events["pgfault"]
        majorPageFaults = events["pgmajfault"]
        outOfMemoryKills = events["oom_kill"]
        for resource in ["cpu", "memory", "io"] {
            guard let text = try? readKernelFile(FilePath("/proc/pressure/\(resource)")),
                let read = Pressure(kernelText: text[...])
            else { continue }
            pressure[resource] = NodeStatistics.Pressure(read)
        }
    }

    /// The first number of each line, by its name.
    private static func numbers(_ path: FilePath) -> [String: UInt64] {
        guard let text = try? readKernelFile(path) else { return [:] }
        var numbers: [String: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == ":" }
            if words.count > 1, let number = UInt64(words[1]) { numbers[String(words[0])] = number }
        }
        return numbers
    }
}

extension NodeStatistics.Pressure {
    fileprivate init?(_ read: Cgroups.Pressure) {
        guard let some = read.some else { return nil }
        self.init(some: Line(some), full: read.full.map { Line($0) })
    }
}

extension NodeStatistics.Pressure.Line {
    fileprivate init(_ stall: Cgroups.Pressure.Stall) {
        self.init(
            average10: stall.average10, average60: stall.average60, average300: stall.average300,
            totalMicroseconds: stall.total)
    }
}
