// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import NodeModel
internal import ToolOutput

extension CgroupUse {
    /// A line for each resource.
    func text(_ style: Style) -> String {
        var rows: [(name: String, value: String)] = []
        if let current = statistics.memoryCurrent {
            var parts = [current.short]
            if let peak = statistics.memoryPeak { parts.append("peak \(peak.short)") }
            if let swap = swap.flatMap({ UInt64($0) }), swap > 0 { parts.append("swap \(ByteCount(swap).short)") }
            rows.append(("memory", parts.joined(separator: ", ")))
            let settings = [("min", limits.min), ("low", limits.low), ("high", limits.high), ("max", limits.max)]
            rows.append(
                ("", settings.compactMap { name, value in value.map { "\(name) \($0.short)" } }.joined(separator: ", "))
            )
            if let shrink {
                rows.append(
                    (
                        "",
                        "high is lowered from \(shrink.before.short) by a shrink that goes on or was cut off; "
                            + "\"cgroup shrink\" again puts it back"
                    ))
            }
            rows.append(("", uses))
            rows.append(("events", counters(statistics.memoryEvents?.counters)))
        }
        if let cpu = statistics.cpu {
            var text = "\(seconds(cpu.usage)) used (\(seconds(cpu.user)) user, \(seconds(cpu.system)) system)"
            if let throttled = cpu.throttledPeriods, let periods = cpu.periods, periods > 0 {
                text += ", throttled in \(throttled) of \(periods) periods for \(seconds(cpu.throttled))"
            }
            rows.append(("cpu", text))
        }
        if let pids = statistics.pidsCurrent {
            rows.append(("pids", "\(pids)" + (pidsMax.map { $0 == .max ? ", no limit" : " of \($0)" } ?? "")))
        }
        for device in devices {
            rows.append(
                ("io \(device.device)", device.counters.map { "\($0.key) \($0.value)" }.joined(separator: ", ")))
        }
        for (name, pressure) in [
            ("cpu", statistics.cpuPressure), ("memory", statistics.memoryPressure), ("io", statistics.ioPressure),
        ] {
            if let pressure { rows.append(("\(name) pressure", stall(pressure))) }
        }
        if let descendants { rows.append(("cgroups below", "\(descendants)")) }
        let shown = rows.filter { !$0.value.isEmpty }
        let width = shown.map(\.name.count).max() ?? 0
        return ([style.bold(path.text)] + shown.map { "  " + style.dim($0.name.padded(to: width)) + "  " + $0.value })
            .joined(separator: "\n")
    }

    private var uses: String {
        ["anon", "file", "kernel", "shmem", "file_dirty"].compactMap { key in
            memory?[key].flatMap { $0 > 0 ? "\(key) \(ByteCount($0).short)" : nil }
        }.joined(separator: ", ")
    }

    private func counters(_ counters: Counters?) -> String {
        (counters?.entries ?? []).filter { $0.value > 0 }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    private func seconds(_ microseconds: UInt64?) -> String {
        guard let microseconds else { return "-" }
        let hundredths = microseconds / 10_000
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) s"
    }

    private func stall(_ pressure: Pressure) -> String {
        [("some", pressure.some), ("full", pressure.full)].compactMap { name, stall in
            stall.map { "\(name) \($0.average10) % of 10 s, \($0.average60) % of 60 s" }
        }.joined(separator: "; ")
    }
}
