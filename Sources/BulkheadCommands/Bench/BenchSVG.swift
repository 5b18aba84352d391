// SPDX-License-Identifier: Apache-2.0

internal import ToolOutput

extension BenchReport {
    /// The times of idmap drawn as a file of its own: a panel for each file system, both axes logarithmic. It has a ground of
    /// its own and follows the reader's dark mode, so that it can be read on any page.
    var svg: String { #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n" + drawing(isAlone: true) + "\n" }

    /// The same as a part of a page.
    var inlineSVG: String { drawing(isAlone: false) }

    private func drawing(isAlone: Bool) -> String {
        let charts = BenchChart.all(of: self)
        let sheet = BenchSheet(panels: charts.count)
        var parts: [String] = []
        parts.append(sheet.text(16, 34, "How long until a tree can be used in a user namespace", "h"))
        let date = context.map { " · \($0.date.prefix(10))" } ?? ""
        parts.append(
            sheet.text(
                16, 56,
                "by number of files, medians, both axes logarithmic · Linux \(kernel), \(processors) processors\(date)",
                "s"))
        parts.append(sheet.legend(charts))
        if charts.isEmpty { parts.append(sheet.text(16, 120, "Nothing of idmap was measured.", "s")) }
        // One scale for all, so that panels can be compared.
        let files = LogScale(covering: charts.flatMap(\.files).map(Double.init))
        let seconds = LogScale(covering: charts.flatMap(\.seconds))
        if let files, let seconds {
            for (index, chart) in charts.enumerated() {
                parts.append(sheet.panel(chart, at: index, files, seconds))
            }
        }
        let title = "Times of chown, bulkhead shift and ID-mapped mounts by number of files"
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(sheet.width) \(sheet.height)" \
            \(isAlone ? "width=\"\(sheet.width)\" height=\"\(sheet.height)\" " : "")role="img" class="bk">
            <title>\(title)</title>
            <style>\(BenchSheet.style)</style>
            \(isAlone ? "<rect class=\"g\" width=\"\(sheet.width)\" height=\"\(sheet.height)\" rx=\"10\"/>" : "")
            \(parts.joined(separator: "\n"))
            </svg>
            """
    }
}

extension String {
    /// As XML and HTML take a text: also in an attribute. Characters that XML has not are left out.
    var markupEscaped: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "'": text += "&#39;"
            case "\t", "\n", "\r": text.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0x7f || scalar.value & 0xfffe == 0xfffe: break
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

/// Places and looks of what is drawn.
struct BenchSheet {
    let width = 960
    let height: Int
    private static let panelWidth = 456.0
    private static let panelHeight = 292.0
    private static let top = 100.0
    private static let plot = (left: 58.0, top: 38.0, width: 312.0, height: 208.0)

    init(panels: Int) {
        height = Int(Self.top) + max(1, (panels + 1) / 2) * Int(Self.panelHeight + 16)
    }

    /// Colours as they are, without variables, which many programs that show drawings do not know.
    static let style = """
        .bk{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
        .bk text{font-size:12px}.bk .h{font-size:20px;font-weight:600}.bk .s{font-size:13px}.bk .t{font-size:15px;font-weight:600}
        .bk .a{font-size:11px}.bk .e{text-anchor:end}.bk .m{text-anchor:middle}.bk .v{font-weight:600}
        .bk .grid{stroke-width:1}.bk .l{fill:none;stroke-width:2.2;stroke-linejoin:round}
        .bk .cold{stroke-dasharray:2 4;stroke-width:1.6}.bk .hollow{stroke-width:1.5}
        \(Palette.light.rules)
        @media (prefers-color-scheme:dark){
        \(Palette.dark.rules)
        }
        """

    private struct Palette {
        var ground: String
        var panel: String
        var ink: String
        var soft: String
        var grid: String
        var ways: [BenchChart.Way: String]

        static let light = Palette(
            ground: "#ffffff", panel: "#f6f8fa", ink: "#1f2328", soft: "#59636e", grid: "#d5dbe2",
            ways: [.chown: "#cf222e", .shiftAlone: "#d4863b", .shift: "#9a6700", .idmap: "#0969da", .bind: "#7d8590"])
        static let dark = Palette(
            ground: "#0d1117", panel: "#161b22", ink: "#e6edf3", soft: "#9198a1", grid: "#30363d",
            ways: [.chown: "#ff7b72", .shiftAlone: "#e0a868", .shift: "#e3b341", .idmap: "#58a6ff", .bind: "#8b949e"])

        var rules: String {
            let drawn = BenchChart.Way.allCases.map { way in
                let colour = ways[way] ?? ink
                return ".bk .\(way)-l{stroke:\(colour)}.bk .\(way)-f,.bk text.\(way)-f{fill:\(colour)}"
            }
            return
                ".bk .g{fill:\(ground)}.bk .p,.bk .hollow{fill:\(panel)}.bk text{fill:\(ink)}.bk text.s,.bk text.a{fill:\(soft)}"
                + ".bk .grid{stroke:\(grid)}\n" + drawn.joined(separator: "\n")
        }
    }

    func text(_ x: Double, _ y: Double, _ text: String, _ kind: String) -> String {
        #"<text x="\#(Self.short(x))" y="\#(Self.short(y))" class="\#(kind)">\#(text.markupEscaped)</text>"#
    }

    /// A tenth of a pixel is enough.
    static func short(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths.isMultiple(of: 10)
            ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    func legend(_ charts: [BenchChart]) -> String {
        var parts: [String] = []
        var x = 16.0
        let ways = BenchChart.Way.allCases.filter { way in charts.contains { $0.series.contains { $0.way == way } } }
        for way in ways {
            parts.append(#"<rect x="\#(Self.short(x))" y="73" width="18" height="4" rx="2" class="\#(way)-f"/>"#)
            parts.append(text(x + 24, 80, way.label, "a"))
            x += 44 + Double(way.label.count) * 6.2
        }
        if charts.contains(where: { $0.series.contains(where: \.isCold) }) {
            parts.append(#"<path d="M\#(Self.short(x)) 75h18" class="l cold bind-l"/>"#)
            parts.append(text(x + 24, 80, "dotted: cold caches", "a"))
        }
        return parts.joined(separator: "\n")
    }

    func panel(_ chart: BenchChart, at index: Int, _ files: LogScale, _ seconds: LogScale) -> String {
        let plot = Self.plot
        func x(_ value: Double) -> Double { plot.left + files.position(value) * plot.width }
        func y(_ value: Double) -> Double { plot.top + (1 - seconds.position(value)) * plot.height }
        var parts = [#"<rect class="p" width="\#(Int(Self.panelWidth))" height="\#(Int(Self.panelHeight))" rx="8"/>"#]
        parts.append(text(16, 24, chart.fileSystem, "t"))
        for tick in seconds.ticks {
            parts.append(
                #"<path class="grid" d="M\#(Self.short(plot.left)) \#(Self.short(y(tick)))h\#(Self.short(plot.width))"/>"#
            )
            parts.append(text(plot.left - 8, y(tick) + 4, LogScale.time(tick), "a e"))
        }
        for tick in files.ticks {
            parts.append(text(x(tick), plot.top + plot.height + 18, LogScale.count(tick), "a m"))
        }
        parts.append(text(plot.left + plot.width / 2, plot.top + plot.height + 36, "files", "a m"))
        // The quickest last: it lies on top.
        for series in chart.series {
            let places = series.points.map { (x(Double($0.files)), y($0.seconds)) }
            let line = places.map { "\(Self.short($0)) \(Self.short($1))" }.joined(separator: "L")
            if places.count > 1 {
                parts.append(#"<path class="l \#(series.way)-l\#(series.isCold ? " cold" : "")" d="M\#(line)"/>"#)
            }
            for (place, point) in zip(places, series.points) {
                let label =
                    "\(series.way.label)\(series.isCold ? ", cold" : ""), \(benchFiles(point.files)): \(benchDuration(point.seconds))"
                let kind = series.isCold ? "hollow \(series.way)-l" : "\(series.way)-f"
                parts.append(
                    #"<circle cx="\#(Self.short(place.0))" cy="\#(Self.short(place.1))" r="\#(series.isCold ? "2.5" : "3.5")" "#
                        + #"class="\#(kind)"><title>\#(label.markupEscaped)</title></circle>"#)
            }
        }
        for (series, place) in Self.labels(chart, y) {
            let value = benchDuration(series.points.last?.seconds ?? 0)
            parts.append(text(plot.left + plot.width + 10, place + 4, value, "v \(series.way)-f"))
        }
        let column = Double(index % 2) * (Self.panelWidth + 16) + 16
        let row = Double(index / 2) * (Self.panelHeight + 16) + Self.top
        return #"<g transform="translate(\#(Self.short(column)) \#(Self.short(row)))">"# + "\n"
            + parts.joined(separator: "\n") + "\n</g>"
    }

    /// Where the times at the ends of the lines are written: beside them, but never over each other.
    static func labels(
        _ chart: BenchChart, _ y: (Double) -> Double
    ) -> [(series: BenchChart.Series, place: Double)] {
        var labels: [(series: BenchChart.Series, place: Double)] = []
        let ends = chart.series.filter { !$0.isCold }.compactMap { series in
            series.points.last.map { (series: series, place: y($0.seconds)) }
        }
        // From the bottom up, each at least a line above the one before.
        for end in ends.sorted(by: { $0.place > $1.place }) {
            labels.append((end.series, min(end.place, (labels.last?.place ?? .infinity) - 14)))
        }
        return labels
    }
}
