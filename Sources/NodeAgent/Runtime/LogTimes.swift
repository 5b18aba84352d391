// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// How large a log was when an agent looked: each second, where it had grown. A container writes to its log itself, and no time
/// is in it; what it wrote while no agent lived has the time of the next look.
///
/// In a file beside the log, a line for each look: seconds since 1970, and the size.
struct LogTimes: Sendable {
    private let marks: [(time: Timestamp, size: UInt64)]

    private init(_ marks: [(time: Timestamp, size: UInt64)]) { self.marks = marks }

    init(parsing text: String = "") {
        marks = text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 2, let seconds = Int64(words[0]), let size = UInt64(words[1]) else { return nil }
            return (Timestamp(seconds: seconds), size)
        }
    }

    /// The line of a look.
    static func line(_ time: Timestamp, _ size: UInt64) -> String {
        "\(time.sinceEpoch.components.seconds) \(size)\n"
    }

    /// All lines.
    var text: String { marks.map { Self.line($0.time, $0.size) }.joined() }

    /// Half of the looks, the last one among them: what was written has its time or a later one.
    var thinned: LogTimes {
        LogTimes(marks.enumerated().filter { (marks.count - 1 - $0.offset).isMultiple(of: 2) }.map(\.element))
    }

    /// The size at the last look.
    var lastSize: UInt64 { marks.last?.size ?? 0 }

    /// When what is at a place was seen first; nil when nobody has looked since it was written.
    func time(at offset: UInt64) -> Timestamp? {
        var (low, high) = (0, marks.count)
        while low < high {
            let middle = (low + high) / 2
            if marks[middle].size > offset { high = middle } else { low = middle + 1 }
        }
        return low < marks.count ? marks[low].time : nil
    }

    /// Where what was seen first at a time or later begins.
    func offset(since time: Timestamp) -> UInt64 { marks.last { $0.time < time }?.size ?? 0 }
}
