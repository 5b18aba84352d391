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
            text == """
                Linux 6.12.107, 2 processors

                idmap on ext4, 100 files
                  method      median         min         max   runs  ratio
                  bind       20.0 µs     10.0 µs     30.0 µs      3
                  idmap      30.0 µs     30.0 µs     30.0 µs      1  1.50 × bind

                launch
                  method        median         min         max   runs  ratio
                  bulkhead     2.00 ms     2.00 ms     2.00 ms      1
                  crun run: not measured: not in PATH
                """)
    }

    @Test func `What a peer says cannot steer the terminal`() {
        var report = BenchReport(kernel: "6.1.0", processors: 1)
        report.omissions.append(BenchOmission(group: Self.starts, method: "runc run", reason: "\u{1B}[2Joops"))
        #expect(!report.text(Style(isColoured: false)).contains("\u{1B}"))
    }
}
