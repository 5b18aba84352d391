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
    struct Family {
        var kind: String
        var help: String
        var lines: [Line] = []
    }

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var families: [String: Family] = [:]

    /// Adds a line. What does not go with what is there is left out: a second kind of a family, a second value of a line.
    mutating func add(_ line: Line, to name: String, kind: String, help: String) {
        let name = Self.name(name)
        var family = families[name] ?? Family(kind: kind, help: help)
        guard family.kind == kind,
            !family.lines.contains(where: { $0.suffix == line.suffix && $0.labels == line.labels })
        else { return }
        family.lines.append(line)
        families[name] = family
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
            for line in family.lines {
                text += name + line.suffix
                if !line.labels.isEmpty {
                    let labels = line.labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
                    text += "{" + labels.joined(separator: ",") + "}"
                }
                text += " \(Self.number(line.value))\n"
            }
        }
        return text
    }

    /// A name with an underscore for whatever no name may hold.
    static func name(_ text: String, colons: Bool = true) -> String {
        var name = ""
        for scalar in text.unicodeScalars {
            let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
            let isDigit = ("0"..."9").contains(scalar)
            name.unicodeScalars.append(
                isLetter || (isDigit && !name.isEmpty) || (colons && scalar == ":") ? scalar : "_")
        }
        return name.isEmpty ? "_" : name
    }

    static func labels(_ labels: [MetricSample.Label]) -> [MetricSample.Label] {
        labels.map { MetricSample.Label(name: name($0.name, colons: false), value: $0.value) }
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
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
