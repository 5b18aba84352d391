// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// `bulkhead cgroup stat`: what a cgroup uses now.
struct CgroupStatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stat",
        abstract: "Prints what a cgroup and all below it use: memory, processor time, tasks, pressure, devices.",
        discussion: "What the kernel does not tell is left out: in JSON it is null.")

    @OptionGroup var options: CgroupOptions

    func run() throws {
        let place = try CgroupPlace(options.cgroup)
        let found = try CgroupUse(place.path, try place.open())
        try options.report(found.json, found.text(Style.forStandardOutput()))
    }
}

/// The usual statistics of a cgroup, before they are printed.
struct CgroupUse {
    let path: CgroupPath
    let statistics: CgroupStatistics
    let swap: String?
    let memory: Counters?
    let limits: (min: ByteCount?, low: ByteCount?, high: ByteCount?, max: ByteCount?)
    /// A `memory.high` that is not what it was asked to be.
    let shrink: UnfinishedShrink?
    let pidsMax: Limit?
    /// Devices with their counters, as in `io.stat`.
    let devices: [(device: String, counters: [(key: String, value: UInt64)])]
    let descendants: UInt64?

    init(_ path: CgroupPath, _ cgroup: borrowing Cgroup) throws {
        self.path = path
        statistics = try cgroup.statistics()
        let controllers = Set(try cgroup.read(.controllers) ?? [])
        let hasMemory = controllers.contains(.memory)
        swap = hasMemory ? try cgroup.text(of: CgroupFile(named: "memory.swap.current"))?.trimmingNewline : nil
        memory = hasMemory ? try cgroup.read(.memoryStatistics) : nil
        limits =
            hasMemory
            ? (
                try cgroup.read(.memoryMin), try cgroup.read(.memoryLow), try cgroup.read(.memoryHigh),
                try cgroup.read(.memoryMax)
            ) : (nil, nil, nil, nil)
        shrink = hasMemory ? try cgroup.unfinishedShrink() : nil
        pidsMax = controllers.contains(.pids) ? try cgroup.read(.pidsMax) : nil
        devices = controllers.contains(.io) ? Self.devices(try cgroup.text(of: CgroupFile(named: "io.stat")) ?? "") : []
        let counts = try cgroup.text(of: CgroupFile(named: "cgroup.stat")).flatMap { Counters(kernelText: $0[...]) }
        descendants = counts?["nr_descendants"]
    }

    /// Lines `8:0 rbytes=1 wbytes=2`; what is no number is left out.
    static func devices(_ text: String) -> [(device: String, counters: [(key: String, value: UInt64)])] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let device = words.first, words.count > 1 else { return nil }
            let counters = words.dropFirst().compactMap { word -> (key: String, value: UInt64)? in
                let parts = word.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, let value = UInt64(parts[1]) else { return nil }
                return (String(parts[0]), value)
            }
            return (String(device), counters)
        }
    }

    var json: JSON {
        [
            "path": .string(path.description),
            "descendants": number(descendants),
            "memory": statistics.memoryCurrent == nil
                ? .null
                : [
                    "current": number(statistics.memoryCurrent?.bytes), "peak": number(statistics.memoryPeak?.bytes),
                    "swap": number(swap.flatMap { UInt64($0) }), "min": limits.min?.json ?? .null,
                    "low": limits.low?.json ?? .null, "high": limits.high?.limitJSON ?? .null,
                    "max": limits.max?.limitJSON ?? .null, "events": json(statistics.memoryEvents?.counters),
                    "unfinishedShrink": shrink.map {
                        ["before": $0.before.json, "lowered": $0.lowered.json]
                    } ?? .null, "stat": json(memory),
                ],
            "cpu": json(statistics.cpu?.counters),
            "pids": statistics.pidsCurrent == nil
                ? .null : ["current": number(statistics.pidsCurrent), "max": number(pidsMax?.value)],
            "io": .object(
                devices.map { device in
                    .init(device.device, .object(device.counters.map { .init($0.key, .integer($0.value)) }))
                }),
            "pressure": [
                "cpu": json(statistics.cpuPressure), "memory": json(statistics.memoryPressure),
                "io": json(statistics.ioPressure),
            ],
        ]
    }

    private func number(_ value: UInt64?) -> JSON { value.map { .integer($0) } ?? .null }

    private func json(_ counters: Counters?) -> JSON {
        counters.map { .object($0.entries.map { .init($0.key, .integer($0.value)) }) } ?? .null
    }

    private func json(_ pressure: Pressure?) -> JSON {
        func stall(_ stall: Pressure.Stall?) -> JSON {
            guard let stall else { return .null }
            return [
                "avg10": .decimal(stall.average10), "avg60": .decimal(stall.average60),
                "avg300": .decimal(stall.average300), "total": .integer(stall.total),
            ]
        }
        guard let pressure else { return .null }
        return ["some": stall(pressure.some), "full": stall(pressure.full)]
    }
}
