// SPDX-License-Identifier: Apache-2.0

/// Repeated timings of one act, in seconds.
struct BenchSamples: Hashable, Sendable {
    private(set) var seconds: [Double] = []

    init(_ seconds: [Double] = []) { self.seconds = seconds }

    mutating func add(_ value: Double) { seconds.append(value) }

    var summary: BenchSummary? { BenchSummary(seconds) }

    /// The middle half of the ratios to other timings, each of the same round; nil of fewer than four rounds.
    func spread(against other: BenchSamples) -> ClosedRange<Double>? {
        let ratios = zip(seconds, other.seconds).filter { $1 > 0 }.map { $0 / $1 }.sorted()
        guard ratios.count >= 4 else { return nil }
        return ratios[ratios.count / 4]...ratios[ratios.count - 1 - ratios.count / 4]
    }
}

/// What is told of timings. The median, because a busy machine makes a few of them arbitrarily long; the minimum,
/// because nothing makes one too short.
struct BenchSummary: Hashable, Sendable {
    var min: Double
    var median: Double
    var max: Double
    var runs: Int

    /// As it was told.
    init(min: Double, median: Double, max: Double, runs: Int) {
        self.min = min
        self.median = median
        self.max = max
        self.runs = runs
    }

    /// Nil without a single value.
    init?(_ values: [Double]) {
        let sorted = values.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let middle = sorted.count / 2
        min = first
        max = last
        median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
        runs = sorted.count
    }
}

/// How long an act takes, in seconds.
func secondsTaken(_ act: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try act()
    return (ContinuousClock.now - start).inSeconds
}

extension Duration {
    /// As a number of seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

/// So many files, in words.
func benchFiles(_ count: Int) -> String { "\(benchCount(count)) \(count == 1 ? "file" : "files")" }

/// A whole number with its thousands apart.
func benchCount(_ count: Int) -> String {
    var (text, rest) = ("", String(count)[...])
    while rest.count > 3 { (text, rest) = (",\(rest.suffix(3))" + text, rest.dropLast(3)) }
    return rest + text
}

/// A time as people read it: three significant digits and a unit.
func benchDuration(_ seconds: Double) -> String {
    let scaled: (Double, String) =
        switch seconds {
        case ..<0.000_999_5: (seconds * 1e6, "µs")
        case ..<0.999_5: (seconds * 1e3, "ms")
        default: (seconds, "s")
        }
    return "\(threeDigits(scaled.0)) \(scaled.1)"
}

/// A ratio as people read it.
func benchRatio(_ ratio: Double) -> String { "\(threeDigits(ratio)) ×" }

/// Three significant digits, never an exponent: 1.23, 12.3, 123, 1234.
func threeDigits(_ value: Double) -> String {
    guard value.isFinite, value < 1e15 else { return "?" }
    let digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
    let factor = [1.0, 10, 100][digits]
    let whole = Int64((value * factor).rounded())
    if digits == 0 { return "\(whole)" }
    let fraction = String(whole % Int64(factor))
    return "\(whole / Int64(factor))." + String(repeating: "0", count: digits - fraction.count) + fraction
}
