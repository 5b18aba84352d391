// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// Numbers as Prometheus reads them (text format 0.0.4): families in the order of their names, each with what it means and
/// of which kind it is, once.
struct PrometheusText {
    /// One line.
    struct Line: Hashable {
        /// What follows the family's name: empty, `_bucket`, `_sum` or `_count`.
        var suffix = ""
        /// The labels.
        var labels: [MetricSample.Label] = []
        /// The number.
        var value: Double
    }
    /// All lines of a name.
    private struct Family {
        var kind: String
        var help: String
        /// The lines.
        var text = ""
        /// What stands before the number of each.
        var series: Set<String> = []
    }

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private var families: [String: Family] = [:]

    /// Adds a line. What does not go with what is there is left out: a second kind of a family, a second value of a line.
    mutating func add(_ line: Line, to name: String, kind: String, help: String) {
        let name = Self.name(name)
        let series = Self.series(name, line)
        // In place: there are as many lines as pods.
        let isNew = families[name, default: Family(kind: kind, help: help)].series.insert(series).inserted
        guard isNew, families[name]?.kind == kind else { return }
        families[name]?.text += "\(series) \(Self.number(line.value))\n"
    }

    private static func series(_ name: String, _ line: Line) -> String {
        var series = name + line.suffix
        var next = "{"
        for label in line.labels {
            series += "\(next)\(label.name)=\"\(escaped(label.value, quotes: true))\""
            next = ","
        }
        return line.labels.isEmpty ? series : series + "}"
    }

    /// Adds the numbers of a service.
    mutating func add(_ samples: [MetricSample]) {
        for sample in samples {
            add(
                Line(labels: Self.labels(sample.labels), value: sample.value), to: sample.name,
                kind: sample.kind.rawValue, help: sample.help)
        }
    }

    /// The text.
    var text: String {
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text += "# HELP \(name) \(Self.escaped(family.help, quotes: false))\n# TYPE \(name) \(family.kind)\n"
            text += family.text
        }
        return text
    }

    /// A name with an underscore for whatever no name may hold.
    static func name(_ text: String, colons: Bool = true) -> String {
        if isName(text, colons) { return text }
        var name = ""
        for scalar in text.unicodeScalars {
            let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
            let isDigit = ("0"..."9").contains(scalar)
            name.unicodeScalars.append(
                isLetter || (isDigit && !name.isEmpty) || (colons && scalar == ":") ? scalar : "_")
        }
        return name.isEmpty ? "_" : name
    }

    private static func isName(_ text: String, _ colons: Bool) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x41...0x5a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f
                || (colons && $0 == 0x3a)
        }
    }

    static func labels(_ labels: [MetricSample.Label]) -> [MetricSample.Label] {
        labels.map { MetricSample.Label(name: name($0.name, colons: false), value: $0.value) }
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        // Mostly there is nothing to escape.
        if text.utf8.allSatisfy({ $0 != 0x5c && $0 != 0x0a && !(quotes && $0 == 0x22) }) { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A whole number without a point, so that counters read as they count.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map(String.init) ?? "\(value)"
    }
}
