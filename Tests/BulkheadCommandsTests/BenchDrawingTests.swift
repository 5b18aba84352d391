// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BulkheadCommands
@testable import ToolOutput

@Suite struct BenchDrawingTests {
    private static var hostile: BenchReport {
        var report = BenchChartTests.report([
            ("<b>&\"'\u{1}", 1, "idmap", 20e-6, false), ("<b>&\"'\u{1}", 1, "chown", 1e-3, false),
        ])
        report.kernel = "6.1 </svg><script>"
        report.context = .fixture
        report.notes["idmap"] = ["a </li> note"]
        report.omissions.append(
            BenchOmission(group: .init(bench: "idmap", fileSystem: "<i>", files: 1), method: "<m>", reason: "a < b & c")
        )
        return report
    }

    private static let reports = [
        BenchChartTests.whole, hostile, BenchReport(kernel: "6.1", processors: 1),
        BenchChartTests.report([("xfs", 100, "idmap", 1e-6, false)]),
    ]

    @Test(arguments: reports.indices)
    func `The drawing is well-formed XML, whatever names are in it`(index: Int) throws {
        let svg = Self.reports[index].svg
        #expect(svg.hasPrefix("<?xml"))
        try Markup.check(svg)
        #expect(!svg.contains("nan") && !svg.contains("inf\""))
        #expect(!svg.contains("<script"))
    }

    @Test(arguments: reports.indices)
    func `The page is well-formed but for its three empty elements, and needs nothing from elsewhere`(index: Int) throws
    {
        let html = Self.reports[index].html
        try Markup.check(html)
        #expect(
            !html.contains("<script") && !html.contains("src=") && !html.contains("url(") && !html.contains("href="))
        #expect(html.contains("prefers-color-scheme:dark"))
    }

    @Test func `The page has the kernel, the machine, the versions, the date and the command`() {
        let html = Self.hostile.html
        for part in [
            "6.1 &lt;/svg&gt;&lt;script&gt;", "A &amp; B &lt;CPU&gt;", "chown (GNU coreutils) 9.1",
            "2026-01-02T03:04:05Z",
            "bulkhead bench idmap --json &#39;a b.json&#39;", "16.0 GiB", "a &lt; b &amp; c",
        ] {
            #expect(html.contains(part), "\(part)")
        }
    }

    @Test func `Every median is in the drawing, and times at the ends of lines do not lie on each other`() throws {
        let svg = BenchChartTests.whole.svg
        for part in [
            "chown -R, 1,000,000 files: 5.20 s", "ID-mapped mount, cold, 1 file: 90.0 µs", ">overlay<", ">1M<",
        ] {
            #expect(svg.contains(part), "\(part)")
        }
        let chart = try #require(BenchChart.all(of: BenchChartTests.whole).first)
        let places = BenchSheet.labels(chart) { _ in 100 }.map(\.place)
        #expect(places.count == 4)
        for (lower, upper) in zip(places, places.dropFirst()) { #expect(lower - upper >= 14) }
    }

    @Test(arguments: [(0.0, "0"), (1.04, "1"), (1.05, "1.1"), (-0.26, "-0.3"), (312, "312"), (12.34, "12.3")])
    func `Places are of tenths`(value: Double, text: String) { #expect(BenchSheet.short(value) == text) }

    @Test(arguments: [
        ("plain", "plain"), ("a b", "'a b'"), ("", "''"), ("it's", #"'it'\''s'"#), ("--fs=a,b", "--fs=a,b"),
        ("$x", "'$x'"),
    ])
    func `A command is told as a shell takes it`(word: String, text: String) {
        #expect(BenchContext.quoted(word) == text)
    }
}

/// Enough of XML to see that every element is closed, and every character in its place.
private enum Markup {
    struct Broken: Error { var what: String }

    static func check(_ text: String) throws {
        var open: [String] = []
        var rest = text[...]
        while let start = rest.firstIndex(of: "<") {
            try content(rest[..<start])
            guard let end = rest[start...].firstIndex(of: ">") else { throw Broken(what: "a tag without an end") }
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            let name = String(tag.prefix { !$0.isWhitespace && $0 != "/" })
            if tag.hasPrefix("?") || tag.hasPrefix("!") || name == "meta" { continue }
            guard tag.count(where: { $0 == "\"" }).isMultiple(of: 2) else { throw Broken(what: "quotes in <\(tag)>") }
            if tag.hasPrefix("/") {
                guard open.popLast() == String(tag.dropFirst()) else { throw Broken(what: "</\(tag.dropFirst())>") }
            } else if !tag.hasSuffix("/") {
                open.append(name)
            }
        }
        guard open.isEmpty else { throw Broken(what: "\(open) is open at the end") }
        try content(rest)
    }

    private static func content(_ text: Substring) throws {
        if text.unicodeScalars.contains(where: { $0.value < 0x20 && !"\t\n\r".unicodeScalars.contains($0) }) {
            throw Broken(what: "a control character")
        }
        for part in text.split(separator: "&", omittingEmptySubsequences: false).dropFirst() {
            guard let name = part.split(separator: ";", omittingEmptySubsequences: false).first,
                ["amp", "lt", "gt", "quot", "#39"].contains(name)
            else { throw Broken(what: "&\(part.prefix(10))") }
        }
    }
}
