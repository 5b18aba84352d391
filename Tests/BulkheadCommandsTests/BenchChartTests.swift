// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BulkheadCommands
@testable import ToolOutput

@Suite struct BenchChartTests {
    /// A report with these medians, in seconds.
    static func report(_ results: [(fs: String, files: Int, method: String, seconds: Double, isCold: Bool)])
        -> BenchReport
    {
        var report = BenchReport(kernel: "6.12.107", processors: 2)
        for result in results {
            let group = BenchResult.Group(
                bench: "idmap", fileSystem: result.fs, files: result.files,
                task: result.isCold ? BenchResult.Group.cold : nil)
            report.add(group, result.method, BenchSamples([result.seconds]))
        }
        return report
    }

    static let whole = report([
        ("ext4", 1, "bind", 15e-6, false), ("ext4", 1, "idmap", 20e-6, false), ("ext4", 1, "chown", 1e-3, false),
        ("ext4", 1, "idmap", 90e-6, true), ("ext4", 1_000_000, "bind", 16e-6, false),
        ("ext4", 1_000_000, "idmap", 21e-6, false), ("ext4", 1_000_000, "chown", 5.2, false),
        ("ext4", 1_000_000, "shift", 7, false), ("overlay", 1, "plain overlay", 400e-6, false),
        ("overlay", 1, "idmap", 450e-6, false),
    ])

    @Test(arguments: [
        ([0.001], -3, -2), ([0.002], -3, -2), ([15e-6, 5.2], -5, 1), ([1, 1_000_000], 0, 6), ([1], 0, 1), ([10], 1, 2),
        ([0, -1, 3, .infinity, .nan], 0, 1),
    ])
    func `An axis has whole decades around its values, one at least`(values: [Double], low: Int, high: Int) throws {
        let scale = try #require(LogScale(covering: values))
        #expect((scale.low, scale.high) == (low, high))
        #expect(scale.ticks.count == high - low + 1)
    }

    @Test func `There is no axis without a value`() {
        #expect(LogScale(covering: []) == nil)
        #expect(LogScale(covering: [0, -1, .nan]) == nil)
    }

    @Test func `Each decade is as long as the next, and what lies beyond is at the end`() throws {
        let scale = try #require(LogScale(covering: [1, 1000]))
        #expect(scale.position(1) == 0 && scale.position(1000) == 1)
        #expect(abs(scale.position(10) - 1.0 / 3) < 1e-9)
        #expect(scale.position(0) == 0 && scale.position(-5) == 0)
        #expect(scale.position(1e9) == 1 && scale.position(1e-9) == 0)
    }

    @Test(arguments: [
        (1e-9, "1 ns"), (1e-6, "1 µs"), (1e-5, "10 µs"), (1e-4, "100 µs"), (0.001, "1 ms"), (1, "1 s"), (100, "100 s"),
    ])
    func `Ticks of time are round`(seconds: Double, text: String) { #expect(LogScale.time(seconds) == text) }

    @Test(arguments: [
        (1.0, "1"), (100, "100"), (1000, "1k"), (100_000, "100k"), (1_000_000, "1M"), (10_000_000, "10M"),
    ])
    func `Ticks of numbers are short`(count: Double, text: String) { #expect(LogScale.count(count) == text) }

    @Test func `A chart for each file system, its series by number of files, cold ones apart`() {
        let charts = BenchChart.all(of: Self.whole)
        #expect(charts.map(\.fileSystem) == ["ext4", "overlay"])
        #expect(charts[0].series.map(\.way) == [.chown, .shift, .idmap, .idmap, .bind])
        #expect(charts[0].series.map(\.isCold) == [false, false, false, true, false])
        #expect(charts[0].series[0].points.map(\.files) == [1, 1_000_000])
        #expect(charts[0].files == [1, 1_000_000])
        #expect(charts[1].series.map(\.way) == [.idmap, .bind])
    }

    @Test func `Nothing measured is no chart`() {
        #expect(BenchChart.all(of: BenchReport(kernel: "6.1", processors: 1)).isEmpty)
        #expect(BenchChart.all(of: Self.report([("ext4", 1, "idmap", 0, false)])).isEmpty)
        #expect(BenchChart(fileSystem: "ext4", series: []).bars(Style(isColoured: false), width: 80).isEmpty)
    }

    @Test func `Bars fit the width, and a missing value is no bar`() throws {
        let chart = try #require(BenchChart.all(of: Self.whole).first)
        for width in [60, 80, 200] {
            let lines = chart.bars(Style(isColoured: false), width: width)
            #expect(lines.allSatisfy { $0.count <= width }, "\(width)")
            // Head, axis, four of one file, four of a million.
            #expect(lines.count == 10)
            #expect(lines[2].contains("1 file") && lines[6].contains("1,000,000 files"))
        }
        // Narrower than anything can be: still not a crash.
        #expect(chart.bars(Style(isColoured: false), width: 0).count == 10)
        #expect(chart.bars(Style(isColoured: true), width: 80)[2].contains("\u{1B}[31m"))
    }

    @Test func `One value alone is a bar`() throws {
        let chart = try #require(BenchChart.all(of: Self.report([("xfs", 100, "idmap", 1e-6, false)])).first)
        let lines = chart.bars(Style(isColoured: false), width: 80)
        #expect(lines.count == 3 && lines[2].contains("▏ 1.00 µs"), "\(lines)")
    }

    @Test(arguments: [(0.0, 4, "▏"), (1.0, 4, "████"), (0.5, 4, "██"), (0.53125, 4, "██▏"), (0.25, 1, "▎")])
    func `Bars are of eighths`(share: Double, columns: Int, text: String) {
        #expect(BenchChart.bar(share, columns) == text)
    }

    @Test func `Labels of an axis never run into each other`() throws {
        let scale = try #require(LogScale(covering: [1e-6, 100]))
        for columns in 1...80 {
            let line = BenchChart.axis(scale, columns)
            #expect(!line.contains("s|"), "\(columns): \(line)")
        }
        #expect(BenchChart.axis(scale, 80).contains("|10 ms"))
    }

    @Test func `Targets are told from the medians`() {
        let findings = BenchFinding.all(of: Self.whole)
        let texts = findings.map { $0.line(Style(isColoured: false)) }
        #expect(
            texts == [
                "  ext4: ID-mapped mount over a plain one: 5.00 µs, fastest 5.00 µs (at most 10 µs) met",
                "  ext4: the same from 1 to 1,000,000 files: 1.05 ×, fastest 1.05 × (medians within 1.2 ×) met",
                "  overlay of ID-mapped layers: 450 µs (at most 1 ms) met",
                "  ext4, 1,000,000 files: chown -R beside an ID-mapped mount: 5.20 s to 21.0 µs: 247,619 ×",
            ])
        let slow = Self.report([("xfs", 1, "bind", 10e-6, false), ("xfs", 1, "idmap", 30e-6, false)])
        #expect(BenchFinding.all(of: slow).map(\.isMet) == [false])
        #expect(BenchFinding.all(of: BenchReport(kernel: "6.1", processors: 1)).isEmpty)
    }

    @Test func `Progress knows the share and what remains, large trees counting more`() {
        var progress = BenchProgress()
        #expect(progress.text("trying", elapsed: 1, width: 10) == "trying")
        progress.expect(2, of: [1, 40_000])
        #expect(progress.share == 0)
        #expect(progress.text("ext4", elapsed: 1, width: 4) == "░░░░ 0 %  ext4")
        progress.finish(1)
        progress.advance(to: 0.5, of: 40_000)
        let share = progress.share ?? 0
        #expect(share > 0.3 && share < 0.4, "\(share)")
        #expect(progress.text("ext4", elapsed: 60, width: 10).contains("███░░░░░░░ 33 %, 1 min "))
        progress.finish(40_000)
        #expect(abs((progress.share ?? 0) - 0.5) < 1e-9)
    }

    @Test(arguments: [(0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (3 << 20, "3.00 MiB"), (5 << 40, "5.00 TiB")])
    func `Bytes are shown with a unit that fits`(bytes: Int, text: String) { #expect(benchBytes(bytes) == text) }

    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_000_000, "1,000,000"), (12_345, "12,345")])
    func `Thousands are apart`(count: Int, text: String) { #expect(benchCount(count) == text) }
}
