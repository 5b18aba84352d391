// SPDX-License-Identifier: Apache-2.0

internal import BulkheadRun
internal import ToolOutput

/// One method at one task, timed.
struct BenchResult: Hashable, Sendable {
    /// What is compared with what: methods of one group do the same task.
    struct Group: Hashable, Sendable {
        /// `idmap`, `launch` or `cgroup`.
        var bench: String
        /// The file system, where one matters.
        var fileSystem: String?
        /// The number of files, where it matters.
        var files: Int?
        /// Which of several tasks of a benchmark.
        var task: String?
        /// The pods that are there already, where it matters.
        var pods: Int?

        /// The task of a tree that nothing is cached of.
        static let cold = "cold"
    }

    /// The count of bytes that reached a device.
    static let bytesWritten = "device bytes written"

    var group: Group
    var method: String
    var summary: BenchSummary
    /// The method of the same group that this one is measured against.
    var reference: String?
    /// The middle half of the ratios to the reference, each of one round.
    var spread: ClosedRange<Double>?
    /// What one run did of a kind: `write` calls, cgroups made.
    var counts: [String: Int] = [:]
}

/// A method that this host could not do.
struct BenchOmission: Hashable, Sendable {
    var group: BenchResult.Group
    var method: String
    var reason: String
}

/// What a benchmark run found out.
struct BenchReport: Hashable, Sendable {
    var kernel: String
    var processors: Int
    /// What has to be known to read the numbers, by bench.
    var notes: [String: [String]] = [:]
    var results: [BenchResult] = []
    var omissions: [BenchOmission] = []
    /// When, where and by what it was made.
    var context: BenchContext?
    /// The signal that ended it early.
    var interruption: Int32?

    init(kernel: String, processors: Int) {
        self.kernel = kernel
        self.processors = processors
    }

    mutating func add(
        _ group: BenchResult.Group, _ method: String, _ samples: BenchSamples, against reference: String? = nil,
        spread: ClosedRange<Double>? = nil, counts: [String: Int] = [:]
    ) {
        guard let summary = samples.summary else { return }
        results.append(
            BenchResult(
                group: group, method: method, summary: summary, reference: reference, spread: spread, counts: counts))
    }

    /// How many times the reference's median a result's is; nil without a reference that was measured.
    func ratio(of result: BenchResult) -> Double? {
        guard let reference = result.reference, reference != result.method,
            let other = results.first(where: { $0.group == result.group && $0.method == reference }),
            other.summary.median > 0
        else { return nil }
        return result.summary.median / other.summary.median
    }

    /// The groups in the order in which they were measured.
    var groups: [BenchResult.Group] {
        var seen: Set<BenchResult.Group> = []
        return (results.map(\.group) + omissions.map(\.group)).filter { seen.insert($0).inserted }
    }
}

extension BenchReport {
    /// The document that `--json` writes.
    var json: JSON {
        var members: [JSON.Member] = [
            JSON.Member("kernel", .string(kernel)), JSON.Member("processors", .integer(processors)),
        ]
        if let context { members += context.members }
        if let interruption { members.append(JSON.Member("interruptedBy", .integer(interruption))) }
        members += [
            JSON.Member("results", .array(results.map(json))),
            JSON.Member(
                "omitted",
                .array(
                    omissions.map {
                        .object(
                            $0.group.members + [
                                JSON.Member("method", .string($0.method)), JSON.Member("reason", .string($0.reason)),
                            ])
                    })),
        ]
        if !notes.isEmpty {
            members.append(
                JSON.Member(
                    "notes", .object(notes.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .strings($0.value)) })))
        }
        return .object(members)
    }

    private func json(_ result: BenchResult) -> JSON {
        var members = result.group.members
        members.append(JSON.Member("method", .string(result.method)))
        members.append(
            JSON.Member(
                "seconds",
                [
                    "min": .decimal(result.summary.min), "median": .decimal(result.summary.median),
                    "max": .decimal(result.summary.max), "runs": .integer(result.summary.runs),
                ]))
        if let reference = result.reference, let ratio = ratio(of: result) {
            var parts = [JSON.Member("to", .string(reference)), JSON.Member("median", .decimal(ratio))]
            if let spread = result.spread {
                parts.append(
                    JSON.Member("quartiles", [.decimal(spread.lowerBound), .decimal(spread.upperBound)]))
            }
            members.append(JSON.Member("ratio", .object(parts)))
        }
        if !result.counts.isEmpty {
            members.append(
                JSON.Member(
                    "counts",
                    .object(result.counts.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .integer($0.value)) })))
        }
        return .object(members)
    }
}

extension BenchResult.Group {
    fileprivate var members: [JSON.Member] {
        var members = [
            JSON.Member("bench", .string(bench)), JSON.Member("fs", .optional(fileSystem)),
            JSON.Member("files", files.map { .integer($0) } ?? .null),
        ]
        if let task { members.append(JSON.Member("task", .string(task))) }
        if let pods { members.append(JSON.Member("pods", .integer(pods))) }
        return members
    }

    /// What it is about, in words.
    var heading: String {
        var text = bench
        if let task { text += ", \(task)" }
        if let pods { text += ", \(pods) \(pods == 1 ? "pod" : "pods") there" }
        if let fileSystem { text += " on \(fileSystem)" }
        if let files { text += ", \(files) \(files == 1 ? "file" : "files")" }
        return text
    }
}
