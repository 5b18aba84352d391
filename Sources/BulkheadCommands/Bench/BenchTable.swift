// SPDX-License-Identifier: Apache-2.0

internal import ToolOutput

extension BenchReport {
    /// What is printed for people: tables, bars, and what they say of the targets.
    func text(_ style: Style, width: Int = 100) -> String {
        var lines = [style.bold("Linux \(kernel), \(processors) processors")]
        if let context { lines += context.lines.map { style.dim($0.printable) } }
        for group in groups { lines += [""] + table(of: group, style) }
        for chart in BenchChart.all(of: self) { lines += [""] + chart.bars(style, width: width) }
        let findings = BenchFinding.all(of: self)
        if !findings.isEmpty { lines += ["", style.bold("against the targets")] + findings.map { $0.line(style) } }
        let said = notes.sorted { $0.key < $1.key }.flatMap { bench, texts in texts.map { "\(bench): \($0)" } }
        if !said.isEmpty { lines += [""] + said.map { style.dim($0.printable) } }
        return lines.joined(separator: "\n")
    }

    private func table(of group: BenchResult.Group, _ style: Style) -> [String] {
        var lines = [style.bold(group.heading.printable)]
        let rows = results.filter { $0.group == group }
        let width = (rows.map(\.method.count) + [6]).max() ?? 6
        if !rows.isEmpty {
            lines.append(
                style.dim("  " + "method".padded(to: width) + "      median         min         max   runs  ratio"))
        }
        for row in rows {
            var line = "  " + row.method.printable.padded(to: width)
            for value in [row.summary.median, row.summary.min, row.summary.max] {
                line += benchDuration(value).leading(12)
            }
            line += String(row.summary.runs).leading(7)
            if let ratio = ratio(of: row), let reference = row.reference {
                line += "  \(benchRatio(ratio)) \(style.dim(reference.printable))"
            }
            if let spread = row.spread {
                line += style.dim(" (\(threeDigits(spread.lowerBound)) to \(threeDigits(spread.upperBound)))")
            }
            if !row.counts.isEmpty {
                let counts = row.counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
                line += "  " + counts.joined(separator: ", ")
            }
            lines.append(line)
        }
        for omission in omissions where omission.group == group {
            lines.append(
                "  " + style.yellow("\(omission.method.printable): not measured: \(omission.reason.printable)"))
        }
        return lines
    }
}

extension String {
    /// With blanks before it up to a width.
    func leading(_ width: Int) -> String { String(repeating: " ", count: max(1, width - count)) + self }
}
