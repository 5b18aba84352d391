// SPDX-License-Identifier: Apache-2.0

import Benchmark
import SystemPackage

/// Bulkhead and the floor in turns within one benchmark: on a busy machine the median of one batch after the other
/// says little, and the ratio of medians taken in turns says what is asked.
enum Metric {
    static let bulkhead = BenchmarkMetric.custom("bulkhead (ns)", polarity: .prefersSmaller, useScalingFactor: false)
    static let floor = BenchmarkMetric.custom("bare C (ns)", polarity: .prefersSmaller, useScalingFactor: false)
    static let ratio = BenchmarkMetric.custom(
        "bulkhead / bare C (1/1000)", polarity: .prefersSmaller, useScalingFactor: false)

    /// One iteration holds all the pairs, so that what they need is made once and removed at the end.
    static var configuration: Benchmark.Configuration {
        Benchmark.Configuration(
            metrics: [bulkhead, floor, ratio], warmupIterations: 0, maxDuration: .seconds(60), maxIterations: 1)
    }
}

/// A floor function failed.
struct FloorError: Error, CustomStringConvertible {
    let call: String
    let errno: Errno
    var description: String { "\(call): \(errno)" }
}

@discardableResult
func checked(_ result: Int32, _ call: String) throws -> Int32 {
    guard result < 0 else { return result }
    throw FloorError(call: call, errno: Errno(rawValue: -result))
}

extension Benchmark {
    /// Takes turns for about a second and a half; what `undo` does is not timed.
    func compare(_ ours: () throws -> Void, _ floor: () throws -> Void, undo: () throws -> Void = {}) throws {
        var (left, right): ([Int], [Int]) = ([], [])
        for _ in 0..<5 {
            try ours()
            try undo()
            try floor()
            try undo()
        }
        let end = ContinuousClock.now + .milliseconds(1500)
        while ContinuousClock.now < end {
            // Who goes first alternates: what one leaves to the kernel to do later, such as taking a network namespace
            // down, falls into the other's time.
            if left.count.isMultiple(of: 2) {
                left.append(try nanoseconds(ours))
                try undo()
                right.append(try nanoseconds(floor))
            } else {
                right.append(try nanoseconds(floor))
                try undo()
                left.append(try nanoseconds(ours))
            }
            try undo()
        }
        for value in left { measurement(Metric.bulkhead, value) }
        for value in right { measurement(Metric.floor, value) }
        measurement(Metric.ratio, 1000 * median(left) / max(1, median(right)))
    }
}

func nanoseconds(_ act: () throws -> Void) rethrows -> Int {
    let start = ContinuousClock.now
    try act()
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
}

private func median(_ values: [Int]) -> Int { values.sorted()[values.count / 2] }
