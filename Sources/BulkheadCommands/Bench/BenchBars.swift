// SPDX-License-Identifier: Apache-2.0

internal import ToolOutput

extension BenchChart {
    /// The chart as bars for a terminal of so many columns; both the numbers of files and the times grow tenfold.
    func bars(_ style: Style, width: Int) -> [String] {
        guard let scale = LogScale(covering: seconds) else { return [] }
        let counts = files.map { benchFiles($0) }
        let first = (counts.map(\.count).max() ?? 0) + 2
        let names = series.map(name)
        let second = (names.map(\.count).max() ?? 0) + 2
        // The time behind the bar.
        let room = min(96, max(8, width - 2 - first - second - 9))
        var lines = [style.bold("\(fileSystem.printable): until a tree can be used") + style.dim(", logarithmic")]
        lines.append(
            String(repeating: " ", count: 2 + first + second) + style.dim(Self.axis(scale, room)))
        for (count, label) in zip(files, counts) {
            var label = label
            for (series, name) in zip(series, names) {
                guard let point = series.points.first(where: { $0.files == count }) else { continue }
                let bar = Self.bar(scale.position(point.seconds), room)
                lines.append(
                    "  " + label.leading(first - 2).padded(to: first) + name.padded(to: second)
                        + Self.coloured(bar, series.way, style) + " " + benchDuration(point.seconds))
                label = ""
            }
        }
        return lines
    }

    private func name(_ series: Series) -> String { series.way.label + (series.isCold ? ", cold" : "") }

    /// A bar of eighths of a column; never nothing, so that the shortest is seen.
    static func bar(_ share: Double, _ columns: Int) -> String {
        let eighths = max(1, Int((share * Double(columns * 8)).rounded()))
        let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
        return String(repeating: "█", count: eighths / 8) + rest
    }

    /// The ticks above the bars: each label begins where its value is, as long as there is room.
    static func axis(_ scale: LogScale, _ columns: Int) -> String {
        var line = ""
        for tick in scale.ticks {
            let place = Int((scale.position(tick) * Double(columns)).rounded())
            let label = "|\(LogScale.time(tick))"
            guard place >= line.count + (line.isEmpty ? 0 : 1) else { continue }
            line = line.padded(to: place) + label
        }
        return line
    }

    private static func coloured(_ bar: String, _ way: Way, _ style: Style) -> String {
        switch way {
        case .chown: style.red(bar)
        case .shift, .shiftAlone: style.yellow(bar)
        case .idmap: style.green(bar)
        case .bind: style.dim(bar)
        }
    }
}
