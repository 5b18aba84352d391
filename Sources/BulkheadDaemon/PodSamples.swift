// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

extension NodeStatistics {
    /// Each pod's use, throttling, stalls and kills, as monitoring reads them. What the host does not count is left out.
    var samples: [MetricSample] { pods.flatMap(Self.samples) }

    private static func samples(_ pod: OfPod) -> [MetricSample] {
        let labels = [
            MetricSample.Label(name: "namespace", value: pod.namespace),
            MetricSample.Label(name: "pod", value: pod.name),
        ]
        let usage = pod.usage
        func sample(
            _ name: String, _ kind: MetricSample.Kind, _ help: String, _ value: Double?,
            _ more: [MetricSample.Label] = []
        ) -> MetricSample? {
            value.map {
                MetricSample(name: "bulkhead_pod_\(name)", kind: kind, help: help, labels: labels + more, value: $0)
            }
        }
        let plain = [
            sample(
                "cpu_usage_seconds_total", .counter, "Processor time that the pod used.",
                usage.cpuNanoseconds.map(Self.seconds)),
            sample(
                "cpu_throttled_periods_total", .counter,
                "Periods in which the pod's limit stopped it (cpu.stat nr_throttled).",
                usage.throttledPeriods.map(Double.init)),
            sample(
                "cpu_throttled_seconds_total", .counter,
                "Time for which its limit stopped it (cpu.stat throttled_usec).",
                usage.throttledNanoseconds.map(Self.seconds)),
            sample(
                "memory_usage_bytes", .gauge, "Memory in use (memory.current).", usage.memoryBytes.map(Double.init)),
            sample(
                "memory_working_set_bytes", .gauge, "Memory in use less page cache that is not.",
                usage.workingSetBytes.map(Double.init)),
            sample("memory_swap_bytes", .gauge, "Swap in use (memory.swap.current).", usage.swapBytes.map(Double.init)),
            sample(
                "oom_kills_total", .counter, "Processes killed as memory ran out (memory.events oom_kill).",
                usage.outOfMemoryKills.map(Double.init)),
            sample("processes", .gauge, "Processes and threads (pids.current).", usage.processes.map(Double.init)),
        ]
        let stalls = usage.pressure.sorted { $0.key < $1.key }.flatMap { resource, pressure in
            [("some", Optional(pressure.some)), ("full", pressure.full)].map { kind, line in
                sample(
                    "stall_seconds_total", .counter, "Time for which some or all tasks waited for a resource (PSI).",
                    line.map { Double($0.totalMicroseconds) / 1_000_000 },
                    [
                        MetricSample.Label(name: "resource", value: resource),
                        MetricSample.Label(name: "kind", value: kind),
                    ])
            }
        }
        return (plain + stalls).compactMap(\.self)
    }

    private static func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1_000_000_000 }
}
