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
    private let terminal: Descriptor?

    init(_ request: BenchRequest) throws {
        BenchSignals.catchAll()
        let stream = try Descriptor.standard(.error)
        let isTerminal = stream.isTerminal
        self.request = request
        terminal = isTerminal ? consume stream : nil
    }

    consuming func run() throws -> BenchReport {
        var report = BenchReport(kernel: try KernelVersion.running().release, processors: Self.processors())
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
        } catch {
            clearProgress()
            throw error
        }
        clearProgress()
        guard !report.results.isEmpty else {
            throw ToolFailure(
                .impossible,
                "nothing could be measured: "
                    + Set(report.omissions.map(\.reason)).sorted().joined(separator: "; "))
        }
        return report
    }

    /// Between two steps: says where we are, and ends here when a signal came.
    borrowing func step(_ text: String) throws {
        if let signal = BenchSignals.caught { throw BenchInterrupted(signal: signal) }
        switch terminal {
        case .some(let terminal): try? terminal.write(Array("\r\u{1B}[K\(text)".utf8))
        case .none: break
        }
    }

    private borrowing func clearProgress() {
        switch terminal {
        case .some(let terminal): try? terminal.write(Array("\r\u{1B}[K".utf8))
        case .none: break
        }
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
        for (contender, own) in zip(able, samples) {
            let other = able.firstIndex { $0.method == contender.reference }
            report.add(
                group, contender.method, own, against: contender.reference,
                spread: other.flatMap { own.spread(against: samples[$0]) })
        }
    }
}
