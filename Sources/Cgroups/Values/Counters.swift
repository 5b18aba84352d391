// SPDX-License-Identifier: Apache-2.0

/// The content of a file of lines `key number`, in the kernel's order. Keys that nobody knows are kept.
public struct Counters: Hashable, Sendable, StatusValue {
    /// One line.
    public struct Entry: Hashable, Sendable {
        /// The key; in some files it holds `:`, `/` and dots.
        public let key: String
        /// The number.
        public let value: UInt64
    }

    /// Where a line's key is in the text, and its number: `memory.stat` has sixty keys, and a reader wants six.
    private struct Line: Sendable {
        let start: Int32
        let end: Int32
        let value: UInt64
    }
    private let bytes: [UInt8]
    private let lines: [Line]

    /// The lines.
    public var entries: [Entry] { lines.map { Entry(key: key($0), value: $0.value) } }

    /// The number behind a key; nil when the kernel has no such key, which is not zero.
    public subscript(_ key: String) -> UInt64? {
        let wanted = key.utf8
        let count = wanted.count
        for line in lines where Int(line.end - line.start) == count {
            if bytes[Int(line.start)..<Int(line.end)].elementsEqual(wanted) { return line.value }
        }
        return nil
    }

    /// Reads the whole file.
    public init?(kernelText text: Substring) { self.init(kernelBytes: text.utf8.span) }

    /// Reads the whole file.
    public init?(kernelBytes bytes: Span<UInt8>) {
        guard bytes.count <= Int32.max else { return nil }
        var lines: [Line] = []
        lines.reserveCapacity(bytes.count / 12)
        var start = 0
        while start < bytes.count {
            // The number follows the last blank: regions of device memory have names of their drivers' choice.
            var blank = start
            var end = start
            while end < bytes.count, bytes[end] != newline {
                if bytes[end] == space { blank = end }
                end += 1
            }
            if end > start {
                var place = blank + 1
                guard blank > start, let value = decimal(bytes, &place), place == end else { return nil }
                lines.append(Line(start: Int32(start), end: Int32(blank), value: value))
            }
            start = end + 1
        }
        self.lines = lines
        self.bytes = copy(bytes)
    }

    /// Compares the entries: empty lines and a missing last newline are of no matter.
    public static func == (one: Counters, other: Counters) -> Bool { one.entries == other.entries }
    /// Hashes the entries.
    public func hash(into hasher: inout Hasher) { hasher.combine(entries) }

    /// The lines.
    public var kernelText: String { fileText.last == "\n" ? String(fileText.dropLast()) : fileText }
    /// The text that was read; nothing where there is no key.
    public var fileText: String { lines.map { "\(key($0)) \($0.value)\n" }.joined() }

    private func key(_ line: Line) -> String {
        String(decoding: bytes[Int(line.start)..<Int(line.end)], as: UTF8.self)
    }
}

/// A value that is read from counters, and keeps all of them.
public protocol CountedValue: StatusValue {
    /// Everything the kernel told.
    var counters: Counters { get }
    /// Takes the counters; nil when one is missing that no kernel leaves out.
    init?(counters: Counters)
}

extension CountedValue {
    /// Reads the whole file.
    public init?(kernelText text: Substring) { self.init(kernelBytes: text.utf8.span) }
    /// Reads the whole file.
    public init?(kernelBytes bytes: Span<UInt8>) {
        guard let counters = Counters(kernelBytes: bytes) else { return nil }
        self.init(counters: counters)
    }
    /// The lines.
    public var kernelText: String { counters.kernelText }
    /// The lines.
    public var fileText: String { counters.fileText }
}
