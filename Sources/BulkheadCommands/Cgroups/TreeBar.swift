// SPDX-License-Identifier: Apache-2.0

internal import NodeModel
internal import ToolOutput

/// A cgroup's memory as a bar: what is in use by how well it is protected, what is free, and where the limits are.
///
/// `████▓▓▒▒▒···h···` is memory under `memory.min`, under `memory.low`, unprotected, free; `l` and `h` stand where
/// protection and `memory.high` are that use has not come to.
struct TreeBar: Hashable {
    enum Part: Hashable {
        /// In use and within `memory.min`.
        case min
        /// In use and within `memory.low`.
        case low
        /// In use and unprotected.
        case open
        /// In use and over `memory.high`.
        case throttled
        /// Not in use.
        case free
        /// Not in use, where `memory.min`, `memory.low` or `memory.high` ends.
        case mark(Character)
    }

    let parts: [Part]
    /// Whether the use is close to `memory.max`: nine tenths or more.
    let isFull: Bool

    /// - Parameters:
    ///   - full: the bytes of a full bar.
    init(_ memory: TreeSample.Memory, full: ByteCount, width: Int) {
        let width = Swift.max(1, width)
        let scale = Swift.max(1, full.bytes)
        /// Cells up to a value, to the nearest.
        func cells(_ value: ByteCount) -> Int {
            if value.bytes >= scale { return width }
            let (high, low) = value.bytes.multipliedFullWidth(by: UInt64(width))
            let (sum, carry) = low.addingReportingOverflow(scale / 2)
            return Int(scale.dividingFullWidth((high + (carry ? 1 : 0), sum)).quotient)
        }
        var used = cells(memory.current)
        // What is there is seen.
        if used == 0, memory.current > .zero { used = 1 }
        let min = Swift.min(used, cells(Swift.min(memory.min, memory.current)))
        // memory.low counts from zero, as memory.min does.
        let low = Swift.max(min, Swift.min(used, cells(Swift.min(memory.low, memory.current))))
        let high = memory.high < memory.current ? Swift.max(low, cells(memory.high)) : used
        var parts = [Part](repeating: .free, count: width)
        for cell in 0..<used { parts[cell] = cell < min ? .min : cell < low ? .low : cell < high ? .open : .throttled }
        for (value, letter) in [(memory.low, "l"), (memory.min, "m"), (memory.high, "h")] as [(ByteCount, Character)]
        where value > memory.current && value < .max && value.bytes <= scale {
            let cell = Swift.max(used, Swift.min(width - 1, cells(value)))
            if cell < width { parts[cell] = .mark(letter) }
        }
        self.parts = parts
        isFull = memory.max != .max && memory.current.bytes >= memory.max.bytes - memory.max.bytes / 10
    }

    /// As text. Without colour the characters alone tell the parts apart.
    func text(_ style: Style, unicode: Bool) -> String {
        var text = ""
        var start = 0
        while start < parts.count {
            var end = start
            while end < parts.count, parts[end] == parts[start] { end += 1 }
            text += piece(parts[start], end - start, style, unicode)
            start = end
        }
        return text
    }

    private func piece(_ part: Part, _ count: Int, _ style: Style, _ unicode: Bool) -> String {
        func repeated(_ wide: String, _ plain: String) -> String {
            String(repeating: unicode ? wide : plain, count: count)
        }
        switch part {
        case .min: return style.green(repeated("█", "#"))
        case .low: return style.green(repeated("▓", "="))
        case .open: return isFull ? style.red(repeated("▒", "-")) : repeated("▒", "-")
        case .throttled: return style.yellow(repeated("▒", "~"))
        case .free: return style.dim(repeated("·", "."))
        case .mark(let letter): return style.bold(String(repeating: letter, count: count))
        }
    }
}
