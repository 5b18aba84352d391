// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import NodeModel
internal import ToolOutput

/// A tree as lines for a terminal of some width.
struct TreeText {
    var columns: Int
    /// Lines that fit; nil where the reader can scroll.
    var rows: Int?
    var style: Style
    /// Whether the terminal shows more than ASCII.
    var unicode: Bool
    /// What a full bar is where no ancestor has a limit.
    var machine: ByteCount
    /// Whether processor time is a share of the last interval (with what it was before) or a sum.
    var previous: (cpu: [CgroupPath: UInt64], elapsed: Duration)?

    /// One line before it is laid out.
    private struct Row {
        var name: String
        /// With what a full bar is; nil where there is none.
        var memory: (use: TreeSample.Memory, full: ByteCount)?
        var cells: [String]
        var isDim = false
    }

    /// The lines, and a heading above them.
    func lines(_ sample: TreeSample) -> [String] {
        var rows: [Row] = []
        add(sample, to: &rows, prefix: "", childPrefix: "", full: full(sample, machine), name: sample.path.description)
        let hasMemory = rows.contains { $0.memory != nil }
        let titles = ["used", "min", "low", "high", "max", "pids", "cpu"]
        var shown = Array(titles.indices)
        if !hasMemory { shown.removeAll { $0 < 5 } }
        let room = Swift.max(40, columns)
        func widths() -> [Int] {
            shown.map { column in Swift.max(titles[column].count, rows.map { $0.cells[column].count }.max() ?? 0) }
        }
        let longest = Swift.max(6, rows.map(\.name.count).max() ?? 0)
        // What there is no room for goes, the least telling first; the name keeps at least a quarter.
        let barMinimum = hasMemory ? 12 : 0
        for column in [3, 2, 1, 4, 6, 5] {
            let taken = widths().reduce(0) { $0 + $1 + 2 } + (hasMemory ? barMinimum + 2 : 0)
            if taken + Swift.min(longest, room / 4) <= room { break }
            shown.removeAll { $0 == column }
        }
        let wide = widths()
        let rest = room - wide.reduce(0) { $0 + $1 + 2 }
        let nameWidth = Swift.min(longest, Swift.max(6, rest - (hasMemory ? barMinimum + 2 : 0)))
        let barWidth = hasMemory ? Swift.min(40, Swift.max(0, rest - nameWidth - 2)) : 0
        func line(_ name: String, _ bar: String, _ cells: [String]) -> String {
            var text = name.fitted(to: nameWidth)
            if barWidth > 0 { text += "  " + bar }
            for (number, column) in shown.enumerated() { text += "  " + cells[column].leftPadded(to: wide[number]) }
            while text.last == " " { text.removeLast() }
            return text
        }
        let blank = String(repeating: " ", count: barWidth)
        var result = [style.dim(line("cgroup", hasMemory ? "memory".fitted(to: barWidth) : blank, titles))]
        for row in rows {
            let text = line(row.name, row.memory == nil ? blank : bar(row, barWidth), row.cells)
            result.append(row.isDim ? style.dim(text) : text)
        }
        if let limit = self.rows, result.count > limit {
            let left = result.count - limit + 1
            result = Array(result.prefix(limit - 1)) + [style.dim("… \(left) more lines; --depth shows fewer")]
        }
        return result
    }

    private func bar(_ row: Row, _ width: Int) -> String {
        row.memory.map { TreeBar($0.use, full: $0.full, width: width).text(style, unicode: unicode) } ?? ""
    }

    private func full(_ sample: TreeSample, _ above: ByteCount) -> ByteCount {
        guard let max = sample.memory?.max, max != .max else { return above }
        return Swift.min(max, above)
    }

    private func add(
        _ sample: TreeSample, to rows: inout [Row], prefix: String, childPrefix: String, full: ByteCount, name: String
    ) {
        let memory = sample.memory
        var label = prefix + name.printable
        let unseen = (sample.descendants ?? 0) > 0 && sample.children.isEmpty && sample.hidden == nil
        if unseen, let count = sample.descendants { label += " (+\(count))" }
        if sample.isFrozen { label += " [frozen]" }
        rows.append(
            Row(
                name: label, memory: memory.map { ($0, full) },
                cells: [
                    memory?.current.short ?? "", zeroIsBlank(memory?.min), zeroIsBlank(memory?.low),
                    maxIsBlank(memory?.high), maxIsBlank(memory?.max), tasks(sample), processor(sample),
                ], isDim: !sample.isPopulated))
        let count = sample.children.count + (sample.hidden == nil ? 0 : 1)
        for (number, child) in sample.children.enumerated() {
            let isLast = number == count - 1
            add(
                child, to: &rows, prefix: childPrefix + branch(isLast), childPrefix: childPrefix + stem(isLast),
                full: self.full(child, full), name: child.path.name ?? "/")
        }
        if let hidden = sample.hidden {
            rows.append(
                Row(
                    name: childPrefix + branch(true) + "\(hidden.count) more", memory: nil,
                    cells: [
                        hidden.memory?.short ?? "", "", "", "", "",
                        (hidden.pids ?? hidden.processes).map(String.init) ?? "", "",
                    ], isDim: true))
        }
    }

    private func branch(_ isLast: Bool) -> String { unicode ? (isLast ? "└ " : "├ ") : (isLast ? "` " : "| ") }
    private func stem(_ isLast: Bool) -> String { isLast ? "  " : unicode ? "│ " : "| " }

    private func zeroIsBlank(_ count: ByteCount?) -> String { count.map { $0 == .zero ? "" : $0.short } ?? "" }
    private func maxIsBlank(_ count: ByteCount?) -> String { count.map { $0 == .max ? "" : $0.short } ?? "" }

    private func tasks(_ sample: TreeSample) -> String {
        guard let pids = sample.pids else { return sample.processes.map(String.init) ?? "" }
        return sample.pidsMax.flatMap(\.value).map { "\(pids)/\($0)" } ?? "\(pids)"
    }

    /// Percent of one processor in the last interval, or seconds since the cgroup was made.
    private func processor(_ sample: TreeSample) -> String {
        guard let cpu = sample.cpu else { return "" }
        guard let previous else {
            let tenths = cpu / 100_000
            return tenths < 1000 ? "\(tenths / 10).\(tenths % 10)s" : "\(tenths / 10)s"
        }
        let (seconds, attoseconds) = previous.elapsed.components
        let elapsed = UInt64(clamping: seconds) * 1_000_000 + UInt64(clamping: attoseconds / 1_000_000_000_000)
        guard let before = previous.cpu[sample.path], elapsed > 0 else { return "" }
        let permille = (cpu > before ? cpu - before : 0) * 1000 / elapsed
        return "\(permille / 10).\(permille % 10)%"
    }
}

extension TreeSample {
    /// The processor time of each cgroup that is shown.
    var processorTimes: [CgroupPath: UInt64] {
        var times: [CgroupPath: UInt64] = [:]
        collect(into: &times)
        return times
    }

    private func collect(into times: inout [CgroupPath: UInt64]) {
        if let cpu { times[path] = cpu }
        for child in children { child.collect(into: &times) }
    }
}

extension String {
    /// Exactly so wide: filled with blanks, or cut in the middle, for names differ at both ends.
    func fitted(to width: Int) -> String {
        guard count > width else { return padded(to: width) }
        guard width > 4 else { return String(prefix(width)) }
        let head = (width - 1) * 2 / 3
        return prefix(head) + "~" + suffix(width - 1 - head)
    }
}
