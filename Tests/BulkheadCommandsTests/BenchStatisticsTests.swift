// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BulkheadCommands
@testable import ToolOutput

@Suite struct BenchStatisticsTests {
    @Test(arguments: [
        ([3.0], 3.0, 3.0, 3.0),
        ([4, 1], 1, 2.5, 4),
        ([9, 1, 5], 1, 5, 9),
        ([1, 100, 2, 3], 1, 2.5, 100),
        ([2, 2, 2, 2, 2], 2, 2, 2),
    ])
    func `A summary has the extremes and the median, whatever the order`(
        values: [Double], min: Double, median: Double, max: Double
    ) throws {
        let summary = try #require(BenchSummary(values))
        #expect((summary.min, summary.median, summary.max) == (min, median, max))
        #expect(summary.runs == values.count)
        #expect(BenchSummary(values.reversed()) == summary)
    }

    @Test func `Nothing measured is no summary, not zero`() {
        #expect(BenchSummary([]) == nil)
        #expect(BenchSamples().summary == nil)
    }

    @Test(arguments: [
        (0.000_000_5, "0.50 µs"), (0.000_007_25, "7.25 µs"), (0.000_012_34, "12.3 µs"), (0.000_999_4, "999 µs"),
        (0.000_999_6, "1.00 ms"), (0.0123, "12.3 ms"), (0.999_6, "1.00 s"), (1.5, "1.50 s"), (12_345, "12345 s"),
        (0, "0.00 µs"), (.nan, "? s"), (.infinity, "? s"),
    ])
    func `Times are shown with three digits and the unit that fits`(seconds: Double, text: String) {
        #expect(benchDuration(seconds) == text)
    }

    @Test(arguments: [
        (1.0, "1.00 ×"), (1.005, "1.00 ×"), (9.994, "9.99 ×"), (9.996, "10.0 ×"), (99.96, "100 ×"), (4025.4, "4025 ×"),
        (0.05, "0.05 ×"),
    ])
    func `Ratios are shown with three digits`(ratio: Double, text: String) {
        #expect(benchRatio(ratio) == text)
    }

    @Test func `The spread of a ratio is the middle half of the rounds' ratios, and nothing of too few`() {
        let reference = BenchSamples([1, 2, 1, 2, 1, 2, 1, 2])
        let samples = BenchSamples([1, 4, 3, 8, 5, 12, 7, 16])
        #expect(samples.spread(against: reference) == 3...6)
        #expect(BenchSamples([1, 2, 3]).spread(against: BenchSamples([1, 1, 1])) == nil)
        // A round without a time has no ratio.
        #expect(BenchSamples([1, 2, 3, 4]).spread(against: BenchSamples([0, 1, 1, 1])) == nil)
    }

    @Test func `A timing is not negative, and hands the act's error on`() throws {
        #expect(secondsTaken {} < 1)
        #expect(secondsTaken {} >= 0)
        #expect(throws: ToolFailure.self) { try secondsTaken { throw ToolFailure(.failed, "no") } }
    }
}
