// SPDX-License-Identifier: Apache-2.0

internal import ToolOutput

/// What a report says of a target.
struct BenchFinding: Hashable {
    var subject: String
    var target: String
    var found: String
    /// Nil where it is no question of yes or no.
    var isMet: Bool?

    /// All that can be told from a report.
    static func all(of report: BenchReport) -> [BenchFinding] {
        let warm = report.results.filter { $0.group.bench == "idmap" && $0.group.task == nil }
        var seen: Set<String> = []
        let systems = warm.compactMap(\.group.fileSystem).filter { seen.insert($0).inserted }
        func results(_ system: String, _ method: String) -> [BenchResult] {
            warm.filter { $0.group.fileSystem == system && $0.method == method }.sorted {
                $0.group.files ?? 0 < $1.group.files ?? 0
            }
        }
        var findings: [BenchFinding] = []
        for system in systems {
            let mapped = results(system, "idmap")
            let plain = results(system, "bind")
            let pairs = mapped.compactMap { one in
                plain.first { $0.group == one.group }.map { (one.summary, $0.summary) }
            }
            let extra = pairs.map { $0.median - $1.median }
            let fastest = pairs.map { $0.min - $1.min }
            if let least = extra.min(), let most = extra.max(), let low = fastest.min(), let high = fastest.max() {
                findings.append(
                    BenchFinding(
                        subject: "\(system): ID-mapped mount over a plain one", target: "at most 10 µs",
                        found: "\(range(least, most)), fastest \(range(low, high))", isMet: most <= 10e-6))
            }
            if system == "overlay", let most = mapped.map(\.summary.median).max(),
                let least = mapped.map(\.summary.median).min()
            {
                findings.append(
                    BenchFinding(
                        subject: "overlay of ID-mapped layers", target: "at most 1 ms", found: range(least, most),
                        isMet: most <= 1e-3))
            }
            if mapped.count > 1, let ratio = spread(mapped.map(\.summary.median)),
                let fastest = spread(mapped.map(\.summary.min))
            {
                let ends = [mapped.first, mapped.last].compactMap { $0?.group.files }.map { benchCount($0) }
                findings.append(
                    BenchFinding(
                        subject: "\(system): the same from \(ends.joined(separator: " to ")) files",
                        target: "medians within 1.2 ×",
                        found: "\(benchRatio(ratio)), fastest \(benchRatio(fastest))", isMet: ratio <= 1.2))
            }
        }
        return findings + best(warm)
    }

    /// What a mount saves where it saves most.
    private static func best(_ warm: [BenchResult]) -> [BenchFinding] {
        let pairs = warm.filter { $0.method == "idmap" && $0.summary.median > 0 }.compactMap { mapped in
            warm.first { $0.group == mapped.group && $0.method == "chown" }.map { (mapped, $0) }
        }
        let best = pairs.max { $0.1.summary.median / $0.0.summary.median < $1.1.summary.median / $1.0.summary.median }
        guard let (mapped, chown) = best, let system = mapped.group.fileSystem, let files = mapped.group.files else {
            return []
        }
        return [
            BenchFinding(
                subject: "\(system), \(benchFiles(files)): chown -R beside an ID-mapped mount", target: "",
                found: "\(benchDuration(chown.summary.median)) to \(benchDuration(mapped.summary.median)): "
                    + "\(benchCount(Int((chown.summary.median / mapped.summary.median).rounded()))) ×")
        ]
    }

    private static func range(_ least: Double, _ most: Double) -> String {
        let (low, high) = (signed(least), signed(most))
        return low == high ? low : "\(low) to \(high)"
    }

    private static func signed(_ seconds: Double) -> String {
        seconds < 0 ? "-\(benchDuration(-seconds))" : benchDuration(seconds)
    }

    private static func spread(_ values: [Double]) -> Double? {
        guard let least = values.min(), let most = values.max(), least > 0 else { return nil }
        return most / least
    }

    /// For the terminal.
    func line(_ style: Style) -> String {
        let mark =
            switch isMet {
            case true?: style.green("met")
            case false?: style.red("missed")
            case nil: ""
            }
        return "  "
            + [subject.printable + ": " + found, target.isEmpty ? "" : "(\(target))", mark]
            .filter { !$0.isEmpty }.joined(separator: " ")
    }
}
