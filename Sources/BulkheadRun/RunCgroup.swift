// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import ToolOutput

/// Which cgroup a run makes, and the limits in it.
struct RunCgroup: Hashable {
    /// The group that runs are made in, directly beneath the v2 root.
    var group = "bulkhead"
    /// The cgroup in it; nil takes a name of its own.
    var name: String?
    var memoryMin: ByteCount?
    var memoryLow: ByteCount?
    var memoryHigh: ByteCount?
    var memoryMax: ByteCount?
    var pidsMax: Limit?
    var cpuMax: CPUQuota?
    var cpuWeight: UInt64?

    init() {}

    init(_ options: RunOptions) throws {
        if let name = options.cgroup {
            let parts = name.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
            guard (1...2).contains(parts.count), !parts.contains("."), !parts.contains("..") else {
                throw ToolFailure(.usage, "--cgroup \(name): expected NAME or GROUP/NAME")
            }
            if parts.count == 2 { group = parts[0] }
            self.name = parts.last
        }
        memoryMin = try Self.size(options.memoryMin, "--memory-min")
        memoryLow = try Self.size(options.memoryLow, "--memory-low")
        memoryHigh = try Self.size(options.memoryHigh, "--memory-high")
        memoryMax = try Self.size(options.memoryMax, "--memory-max")
        if let text = options.pidsMax {
            guard let limit = Limit(text) else {
                throw ToolFailure(.usage, "--pids-max \(text): expected a number, or max")
            }
            pidsMax = limit
        }
        if let text = options.cpus {
            let milli = try usage("--cpus") { () throws(QuantityError) in try Quantity(parsing: text).milliValue }
            guard milli > 0, let quota = CPUQuota(milliCPU: milli) else {
                throw ToolFailure(.usage, "--cpus \(text): expected more than 0")
            }
            cpuMax = quota
        }
        if let max = memoryMax {
            for (value, option) in [(memoryMin, "--memory-min"), (memoryLow, "--memory-low")] {
                guard let value, value > max else { continue }
                throw ToolFailure(.usage, "\(option) \(value) is more than --memory-max \(max)")
            }
        }
    }

    private static func size(_ text: String?, _ option: String) throws -> ByteCount? {
        guard let text else { return nil }
        if text == "max" { return .max }
        return try usage(option) { () throws(QuantityError) in try ByteCount(parsing: text) }
    }

    /// The controllers that the limits need.
    var controllers: Set<Controller> {
        var needed: Set<Controller> = []
        if [memoryMin, memoryLow, memoryHigh, memoryMax].contains(where: { $0 != nil }) { needed.insert(.memory) }
        if pidsMax != nil { needed.insert(.pids) }
        if cpuMax != nil || cpuWeight != nil { needed.insert(.cpu) }
        return needed
    }

    /// Without the limits of some controllers.
    func without(_ controllers: Set<Controller>) -> RunCgroup {
        var rest = self
        if controllers.contains(.memory) {
            (rest.memoryMin, rest.memoryLow, rest.memoryHigh, rest.memoryMax) = (nil, nil, nil, nil)
        }
        if controllers.contains(.pids) { rest.pidsMax = nil }
        if controllers.contains(.cpu) { (rest.cpuMax, rest.cpuWeight) = (nil, nil) }
        return rest
    }

    /// Writes the limits, the upper ones first: a protection never stands above its own limit.
    func write(to cgroup: borrowing Cgroup) throws(KernelError) {
        if let memoryMax { try cgroup.write(memoryMax, to: .memoryMax) }
        if let memoryHigh { try cgroup.write(memoryHigh, to: .memoryHigh) }
        if let memoryLow { try cgroup.write(memoryLow, to: .memoryLow) }
        if let memoryMin { try cgroup.write(memoryMin, to: .memoryMin) }
        if let pidsMax { try cgroup.write(pidsMax, to: .pidsMax) }
        if let cpuWeight { try cgroup.write(cpuWeight, to: .cpuWeight) }
        if let cpuMax { try cgroup.write(cpuMax, to: .cpuMax) }
    }
}
