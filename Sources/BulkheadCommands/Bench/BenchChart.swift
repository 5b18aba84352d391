// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The times of one file system by the number of files: what is drawn, apart from how.
struct BenchChart: Hashable {
    /// A way to make a tree usable, in the order in which they are drawn.
    enum Way: String, Hashable, CaseIterable {
        case chown, shiftAlone, shift, idmap, bind

        /// Its methods in a report.
        var methods: [String] {
            switch self {
            case .chown: ["chown"]
            case .shiftAlone: ["shift, 1 thread"]
            case .shift: ["shift"]
            case .idmap: ["idmap"]
            case .bind: ["bind", "plain overlay"]
            }
        }

        /// What people read.
        var label: String {
            switch self {
            case .chown: "chown -R"
            case .shiftAlone: "shift, 1 thread"
            case .shift: "shift"
            case .idmap: "ID-mapped mount"
            case .bind: "plain mount"
            }
        }
    }

    struct Point: Hashable {
        var files: Int
        /// The median.
        var seconds: Double
    }

    struct Series: Hashable {
        var way: Way
        var isCold: Bool
        /// By rising number of files.
        var points: [Point]
    }

    var fileSystem: String
    var series: [Series]

    /// A chart for each file system of a report, as far as something was measured there.
    static func all(of report: BenchReport) -> [BenchChart] {
        let results = report.results.filter {
            $0.group.bench == "idmap" && $0.group.files ?? 0 > 0 && $0.summary.median > 0 && $0.summary.median.isFinite
        }
        var seen: Set<String> = []
        let systems = results.compactMap(\.group.fileSystem).filter { seen.insert($0).inserted }
        return systems.map { system in
            var series: [Series] = []
            for way in Way.allCases {
                for isCold in [false, true] {
                    let points = results.filter {
                        $0.group.fileSystem == system && way.methods.contains($0.method)
                            && $0.group.task == (isCold ? BenchResult.Group.cold : nil)
                    }.map { Point(files: $0.group.files ?? 0, seconds: $0.summary.median) }
                    if points.isEmpty { continue }
                    series.append(Series(way: way, isCold: isCold, points: points.sorted { $0.files < $1.files }))
                }
            }
            return BenchChart(fileSystem: system, series: series)
        }.filter { !$0.series.isEmpty }
    }

    /// The numbers of files, rising.
    var files: [Int] { Set(series.flatMap(\.points).map(\.files)).sorted() }
    var seconds: [Double] { series.flatMap(\.points).map(\.seconds) }
}

/// A logarithmic axis over whole decades.
struct LogScale: Hashable {
    /// The powers of ten at its ends.
    let low: Int
    let high: Int

    /// Around values; those that have no logarithm do not count. Nil without any.
    init?(covering values: some Sequence<Double>) {
        let logarithms = values.filter { $0 > 0 && $0.isFinite }.map { log10($0) }
        guard let least = logarithms.min(), let most = logarithms.max() else { return nil }
        // A value on a decade's end, but for rounding, does not need the next one.
        let low = Int((least + 1e-9).rounded(.down))
        self.low = low
        high = max(low + 1, Int((most - 1e-9).rounded(.up)))
    }

    /// From 0 at the low end to 1 at the high end; values beyond are at the ends.
    func position(_ value: Double) -> Double {
        guard value > 0 else { return 0 }
        return min(1, max(0, (log10(value) - Double(low)) / Double(high - low)))
    }

    /// The powers of ten on it.
    var ticks: [Double] { (low...high).map(Self.power) }

    private static func power(_ exponent: Int) -> Double {
        exponent < 0 ? 1 / pow(10, Double(-exponent)) : pow(10, Double(exponent))
    }

    /// A power of ten as a time: 10 µs.
    static func time(_ seconds: Double) -> String {
        let units: [(Double, String)] = [(1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")]
        let (unit, name) = units.first { seconds >= $0.0 * 0.999 } ?? (1e-9, "ns")
        return "\(Int((seconds / unit).rounded())) \(name)"
    }

    /// A power of ten as a number: 10k.
    static func count(_ count: Double) -> String {
        count >= 999_999
            ? "\(Int((count / 1e6).rounded()))M"
            : count >= 999 ? "\(Int((count / 1e3).rounded()))k" : "\(Int(count.rounded()))"
    }
}
