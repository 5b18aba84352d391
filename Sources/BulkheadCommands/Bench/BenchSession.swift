// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// A signal asked the benchmark to end.
struct BenchInterrupted: Error {
    let signal: Int32
}

/// One run of the benchmarks. Signals wait until a step has ended, so that what was made is removed.
struct BenchSession: ~Copyable {
    let request: BenchRequest
    let meter: BenchMeter
    let calls = BenchCallCounter()

    init(_ request: BenchRequest) throws {
        BenchSignals.catchAll()
        self.request = request
        meter = BenchMeter()
    }

    /// Measures. A signal ends it, and the report says so and has what was measured until then.
    consuming func run() throws -> BenchReport {
        var report = BenchReport(kernel: try KernelVersion.running().release, processors: Self.processors())
        report.context = BenchContext.current()
        defer { meter.clear() }
        do {
            for subject in request.subjects {
                switch subject {
                case .idmap: try measureIDMaps(&report)
                case .launch: try measureLaunches(&report)
                case .cgroup:
                    try measureCgroups(&report)
                    try measurePods(&report)
                case .all: break
                }
            }
        } catch let stop as BenchInterrupted where !report.results.isEmpty {
            report.interruption = stop.signal
        }
        report.context?.loadAfter = BenchContext.load()
        if let reason = calls.absence, request.subjects.contains(.idmap) {
            report.notes["idmap", default: []].append("system calls are not counted here: \(reason)")
        }
        guard !report.results.isEmpty else {
            throw ToolFailure(
                .impossible,
                "nothing could be measured: "
                    + Set(report.omissions.map(\.reason)).sorted().joined(separator: "; "))
        }
        return report
    }

    /// Between two steps: says where we are, and ends here when a signal came.
    ///
    /// - Parameters:
    ///   - text: what is done.
    ///   - part: how much of a tree's measurements is done.
    borrowing func step(_ text: String, part: Double? = nil) throws {
        if let signal = BenchSignals.caught { throw BenchInterrupted(signal: signal) }
        meter.show(text, part: part)
    }

    /// The processors this process may use, as `/proc/cpuinfo` counts them; 0 when it does not tell.
    private static func processors() -> Int {
        let text = (try? readKernelFile("/proc/stat")) ?? ""
        return text.split(separator: "\n").filter { $0.hasPrefix("cpu") && !$0.hasPrefix("cpu ") }.count
    }
}

/// One way to do a task.
struct BenchContender {
    var method: String
    var reference: String?
    /// Does the task once; the seconds it took. Throws when the result is not what it should be.
    var perform: () throws -> Double
}

extension BenchSession {
    /// Lets contenders take turns, each round beginning with the next of them. Whoever fails at the first try is left
    /// out with its reason; later failures are errors.
    borrowing func compete(
        _ contenders: [BenchContender], in group: BenchResult.Group, runs: Int, _ report: inout BenchReport
    ) throws {
        var able: [BenchContender] = []
        for contender in contenders {
            try step("\(group.bench): trying \(contender.method)")
            do {
                _ = try contender.perform()
                able.append(contender)
            } catch {
                // A signal to the whole group of processes ends the peer first.
                try step("")
                report.omissions.append(BenchOmission(group: group, method: contender.method, reason: "\(error)"))
            }
        }
        var samples = [BenchSamples](repeating: BenchSamples(), count: able.count)
        // Also of what was measured until a signal came.
        defer {
            for (contender, own) in zip(able, samples) {
                let other = able.firstIndex { $0.method == contender.reference }
                report.add(
                    group, contender.method, own, against: contender.reference,
                    spread: other.flatMap { own.spread(against: samples[$0]) })
            }
        }
        for round in 0..<runs {
            try step("\(group.bench): round \(round + 1) of \(runs)")
            for turn in able.indices {
                let index = (turn + round) % able.count
                do {
                    samples[index].add(try able[index].perform())
                } catch {
                    try step("")
                    throw ToolFailure(.failed, "\(able[index].method): \(error)")
                }
            }
        }
    }
}
