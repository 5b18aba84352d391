// SPDX-License-Identifier: Apache-2.0

internal import ToolOutput

extension BenchReport {
    /// A page in one file that needs nothing else: what was found, the drawing, all numbers, and how they came to be.
    var html: String {
        let page = BenchPage(report: self)
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>bulkhead bench, Linux \(kernel.markupEscaped)</title>
            <style>
            \(BenchPage.style)
            </style>
            </head>
            <body>
            <main>
            \(page.sections.filter { !$0.isEmpty }.joined(separator: "\n"))
            </main>
            </body>
            </html>

            """
    }
}

/// The parts of a report's page.
struct BenchPage {
    let report: BenchReport
    private var charts: [BenchChart] { BenchChart.all(of: report) }

    init(report: BenchReport) { self.report = report }

    static let style = """
        :root{--ground:#fff;--panel:#f6f8fa;--ink:#1f2328;--soft:#59636e;--grid:#d5dbe2;--good:#1a7f37;--bad:#cf222e;--accent:#0969da}
        @media (prefers-color-scheme:dark){:root{--ground:#0d1117;--panel:#161b22;--ink:#e6edf3;--soft:#9198a1;--grid:#30363d;\
        --good:#3fb950;--bad:#ff7b72;--accent:#58a6ff}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
        main{max-width:1040px;margin:0 auto;padding:40px 24px 64px}
        h1{font-size:30px;line-height:1.2;margin:0 0 8px}h2{font-size:21px;margin:44px 0 12px}h3{font-size:16px;margin:24px 0 8px}
        p{margin:0 0 12px}.soft{color:var(--soft)}svg{width:100%;height:auto;display:block;margin:8px 0}
        .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));gap:16px;margin:28px 0 8px}
        .card{background:var(--panel);border-radius:10px;padding:18px 20px}.card b{display:block;font-size:34px;line-height:1.15;color:var(--accent)}
        .scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
        th,td{padding:6px 12px;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}th{color:var(--soft);font-weight:600}
        th:first-child,td:first-child{text-align:left}td.wrap{white-space:normal;text-align:left}
        .good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}
        code,pre{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}pre{background:var(--panel);border-radius:8px;padding:12px 16px;overflow-x:auto}
        dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:0}dt{color:var(--soft)}dd{margin:0}li{margin-bottom:6px}
        @media print{main{max-width:none;padding:0}}
        """

    var sections: [String] { [heading, cards, drawing, findings, numbers, costs, others, left, notes, machine] }

    private var heading: String {
        let what =
            charts.isEmpty
            ? "What isolation costs" : "ID-mapped mounts: a volume for a user namespace, however many files it has"
        let stopped =
            report.interruption.map { "<p class=\"bad\">Stopped by signal \($0): not everything was measured.</p>" }
            ?? ""
        let date = report.context.map { ", \($0.date.prefix(10))" } ?? ""
        return """
            <h1>\(what.markupEscaped)</h1>
            <p class="soft">\("Measured by bulkhead bench on Linux \(report.kernel), \(report.processors) processors\(date)".markupEscaped)</p>
            \(stopped)
            """
    }

    /// What a talk would begin with: the largest tree on the first disk file system.
    private var cards: String {
        guard
            let chart = charts.first(where: { chart in
                chart.series.contains { $0.way == .chown } && chart.series.contains { $0.way == .idmap }
            }),
            let chown = chart.series.first(where: { $0.way == .chown && !$0.isCold })?.points.last,
            let idmap = chart.series.first(where: { $0.way == .idmap && !$0.isCold })?.points.last(where: {
                $0.files == chown.files
            })
        else { return "" }
        let times = Int((chown.seconds / idmap.seconds).rounded())
        func card(_ value: String, _ text: String) -> String {
            "<div class=\"card\"><b>\(value.markupEscaped)</b>\(text.markupEscaped)</div>"
        }
        return "<div class=\"cards\">"
            + card(
                benchDuration(chown.seconds),
                "chown -R of \(benchFiles(chown.files)), \(chart.fileSystem), everything cached")
            + card(benchDuration(idmap.seconds), "the same tree through an ID-mapped mount")
            + card("\(benchCount(times)) ×", "and nothing is written to the disk")
            + "</div>"
    }

    private var drawing: String { charts.isEmpty ? "" : report.inlineSVG }

    private var findings: String {
        let findings = BenchFinding.all(of: report).filter { $0.isMet != nil }
        if findings.isEmpty { return "" }
        let rows = findings.map { finding in
            [finding.subject, finding.target, finding.found].map(\.markupEscaped)
                + [finding.isMet == true ? "<span class=\"good\">met</span>" : "<span class=\"bad\">missed</span>"]
        }
        return "<h2>Against the targets</h2>\n" + Self.table(["", "target", "here", ""], rows)
    }

    /// A table for each file system: ways by numbers of files.
    private var numbers: String {
        charts.map { chart in
            let rows = chart.series.map { series in
                [(series.way.label + (series.isCold ? ", cold" : "")).markupEscaped]
                    + chart.files.map { count in
                        series.points.first { $0.files == count }.map { benchDuration($0.seconds).markupEscaped } ?? ""
                    }
            }
            return "<h3>\(chart.fileSystem.markupEscaped): medians</h3>\n"
                + Self.table([""] + chart.files.map { benchFiles($0) }, rows)
        }.enumerated().map { $0 == 0 ? "<h2>Times</h2>\n" + $1 : $1 }.joined(separator: "\n")
    }

    /// What it costs beside time.
    private var costs: String {
        let counted = report.results.filter { $0.group.bench == "idmap" && !$0.counts.isEmpty }
        if counted.isEmpty { return "" }
        let rows = counted.map { result in
            [
                "\(result.group.fileSystem ?? ""), \(benchFiles(result.group.files ?? 0))", result.method,
                result.counts["system calls"].map { benchCount($0) } ?? "",
                result.counts[BenchResult.bytesWritten].map { benchBytes($0) } ?? "",
            ].map(\.markupEscaped)
        }
        return "<h2>System calls, and bytes written to the device</h2>\n"
            + Self.table(["", "method", "system calls", "written"], rows)
    }

    /// The other benchmarks.
    private var others: String {
        report.groups.filter { $0.bench != "idmap" }.map { group in
            let rows = report.results.filter { $0.group == group }.map { result in
                let ratio = report.ratio(of: result).map { "\(benchRatio($0)) \(result.reference ?? "")" } ?? ""
                return [
                    result.method, benchDuration(result.summary.median), benchDuration(result.summary.min),
                    benchDuration(result.summary.max), "\(result.summary.runs)", ratio,
                ].map(\.markupEscaped)
            }
            return "<h2>\(group.heading.markupEscaped)</h2>\n"
                + Self.table(["", "median", "fastest", "slowest", "runs", "ratio"], rows)
        }.joined(separator: "\n")
    }

    private var left: String {
        if report.omissions.isEmpty { return "" }
        let rows = report.omissions.map {
            ["\($0.group.heading): \($0.method)".markupEscaped, $0.reason.markupEscaped]
        }
        return "<h2>Not measured</h2>\n" + Self.table(["", "why"], rows, wrapping: true)
    }

    private var notes: String {
        let said = report.notes.sorted { $0.key < $1.key }
        if said.isEmpty { return "" }
        return "<h2>How it was measured</h2>\n"
            + said.map { bench, notes in
                "<h3>\(bench.markupEscaped)</h3>\n<ul>"
                    + notes.map { "<li>\($0.markupEscaped)</li>" }.joined(separator: "\n") + "</ul>"
            }.joined(separator: "\n")
    }

    private var machine: String {
        var facts: [(String, String)] = [("kernel", "Linux \(report.kernel)")]
        guard let context = report.context else { return "" }
        facts.append(
            ("processor", [context.processor ?? "unknown", "\(report.processors) of them"].joined(separator: ", ")))
        if let product = context.product { facts.append(("machine", product)) }
        if let memory = context.memory { facts.append(("memory", benchBytes(memory))) }
        if let before = context.loadBefore {
            facts.append(("load", "\(before) before, \(context.loadAfter ?? "?") after"))
        }
        facts += context.versions.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        facts.append(("date", context.date))
        return "<h2>Machine</h2>\n<dl>"
            + facts.map { "<dt>\($0.markupEscaped)</dt><dd>\($1.markupEscaped)</dd>" }.joined(separator: "\n")
            + "</dl>\n<h3>The command</h3>\n<pre>\(context.command.markupEscaped)</pre>"
    }

    /// Cells are markup already.
    private static func table(_ heads: [String], _ rows: [[String]], wrapping: Bool = false) -> String {
        let head = heads.map { "<th>\($0.markupEscaped)</th>" }.joined()
        let body = rows.map { row in
            "<tr>"
                + row.enumerated().map { wrapping && $0 > 0 ? "<td class=\"wrap\">\($1)</td>" : "<td>\($1)</td>" }
                .joined()
                + "</tr>"
        }.joined(separator: "\n")
        return "<div class=\"scroll\"><table>\n<tr>\(head)</tr>\n\(body)\n</table></div>"
    }
}
