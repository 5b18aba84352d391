// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BulkheadCommands
@testable import ToolOutput

@Suite struct BenchReportTests {
    private static let trees = BenchResult.Group(bench: "idmap", fileSystem: "ext4", files: 100)
    private static let starts = BenchResult.Group(bench: "launch", fileSystem: nil, files: nil)

    private static var report: BenchReport {
        var report = BenchReport(kernel: "6.12.107", processors: 2)
        report.add(trees, "bind", BenchSamples([0.000_01, 0.000_02, 0.000_03]))
        report.add(trees, "idmap", BenchSamples([0.000_03]), against: "bind")
        report.add(starts, "bulkhead", BenchSamples([0.002]), against: "bwrap")
        report.omissions.append(BenchOmission(group: starts, method: "crun run", reason: "not in PATH"))
        return report
    }

    @Test func `The document has the promised form`() {
        #expect(
            Self.report.json.compact
                == #"{"kernel": "6.12.107", "processors": 2, "results": ["#
                + #"{"bench": "idmap", "fs": "ext4", "files": 100, "method": "bind", "#
                + #""seconds": {"min": 1e-05, "median": 2e-05, "max": 3e-05, "runs": 3}}, "#
                + #"{"bench": "idmap", "fs": "ext4", "files": 100, "method": "idmap", "#
                + #""seconds": {"min": 3e-05, "median": 3e-05, "max": 3e-05, "runs": 1}, "#
                + #""ratio": {"to": "bind", "median": 1.5}}, "#
                + #"{"bench": "launch", "fs": null, "files": null, "method": "bulkhead", "#
                + #""seconds": {"min": 0.002, "median": 0.002, "max": 0.002, "runs": 1}}], "#
                + #""omitted": [{"bench": "launch", "fs": null, "files": null, "method": "crun run", "#
                + #""reason": "not in PATH"}]}"#)
    }

    @Test func `A ratio is of medians within one group, and absent without its reference`() {
        let report = Self.report
        #expect(report.ratio(of: report.results[0]) == nil)
        #expect(report.ratio(of: report.results[1]).map { ($0 * 1000).rounded() } == 1500)
        #expect(report.ratio(of: report.results[2]) == nil)
        // The same method in another group is no reference.
        var other = report
        other.add(Self.trees, "bwrap", BenchSamples([0.001]))
        #expect(other.ratio(of: other.results[2]) == nil)
    }

    @Test func `A task, the pods that are there, the spread and the counts are said`() {
        var report = BenchReport(kernel: "6.12.107", processors: 2)
        let group = BenchResult.Group(bench: "cgroup", fileSystem: nil, files: nil, task: "one more pod", pods: 10)
        report.add(group, "bare C", BenchSamples([0.000_01]))
        report.add(
            group, "apply", BenchSamples([0.000_02]), against: "bare C", spread: 1.5...2.25,
            counts: ["write calls": 12, "read calls": 50])
        #expect(
            report.json.compact.contains(
                #""files": null, "task": "one more pod", "pods": 10, "method": "apply", "#
                    + #""seconds": {"min": 2e-05, "median": 2e-05, "max": 2e-05, "runs": 1}, "#
                    + #""ratio": {"to": "bare C", "median": 2.0, "quartiles": [1.5, 2.25]}, "#
                    + #""counts": {"read calls": 50, "write calls": 12}}"#))
        let text = report.text(Style(isColoured: false))
        #expect(text.contains("cgroup, one more pod, 10 pods there"))
        #expect(text.contains("2.00 × bare C (1.50 to 2.25)  50 read calls, 12 write calls"))
    }

    @Test func `A method without a single timing is not in the results`() {
        var report = BenchReport(kernel: "6.1.0", processors: 1)
        report.add(Self.trees, "idmap", BenchSamples())
        #expect(report.results.isEmpty)
    }

    @Test func `The table shows each group once, with units, ratios and what was left out`() {
        let text = Self.report.text(Style(isColoured: false))
        #expect(
            text.hasPrefix(
                """
                Linux 6.12.107, 2 processors

                idmap on ext4, 100 files
                  method      median         min         max   runs  ratio
                  bind       20.0 µs     10.0 µs     30.0 µs      3
                  idmap      30.0 µs     30.0 µs     30.0 µs      1  1.50 × bind

                launch
                  method        median         min         max   runs  ratio
                  bulkhead     2.00 ms     2.00 ms     2.00 ms      1
                  crun run: not measured: not in PATH

                ext4: until a tree can be used, logarithmic

                """))
        #expect(text.contains("ext4: ID-mapped mount over a plain one: 10.0 µs, fastest 20.0 µs (at most 10 µs) "))
    }

    @Test func `What a peer says cannot steer the terminal`() {
        var report = BenchReport(kernel: "6.1.0", processors: 1)
        report.omissions.append(BenchOmission(group: Self.starts, method: "runc run", reason: "\u{1B}[2Joops"))
        #expect(!report.text(Style(isColoured: false)).contains("\u{1B}"))
    }

    @Test func `A report that was written is read back as it was`() throws {
        var report = Self.report
        report.context = .fixture
        report.interruption = 2
        report.notes["idmap"] = ["a note"]
        let group = BenchResult.Group(bench: "cgroup", fileSystem: nil, files: nil, task: "one more pod", pods: 10)
        report.add(group, "apply", BenchSamples([0.000_02]), counts: ["write calls": 12])
        let again = try BenchReport(try JSON(parsing: report.json.description))
        #expect(again.json == report.json)
        #expect(again.interruption == 2)
        #expect(again.context == report.context)
        #expect(again.results.last?.counts == ["write calls": 12])
        #expect(again.text(Style(isColoured: false)) == report.text(Style(isColoured: false)))
    }

    @Test(arguments: [
        "{}", "[]", #"{"kernel": "6.1.0"}"#, #"{"kernel": "6.1.0", "results": [{"bench": "idmap"}]}"#,
        #"{"kernel": "6.1.0", "results": [{"bench": "idmap", "method": "chown", "seconds": {"min": 1}}]}"#,
    ])
    func `What is no report is refused`(text: String) throws {
        #expect(throws: ToolFailure.self) { try BenchReport(try JSON(parsing: text)) }
    }
}

extension BenchContext {
    static let fixture = BenchContext(
        date: "2026-01-02T03:04:05Z", command: "bulkhead bench idmap --json 'a b.json'", processor: "A & B <CPU>",
        product: nil, memory: 1 << 34, versions: ["bulkhead": "0.1.0", "chown": "chown (GNU coreutils) 9.1"],
        loadBefore: "0.5", loadAfter: "1.5")
}
