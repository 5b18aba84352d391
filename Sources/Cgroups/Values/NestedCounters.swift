// SPDX-License-Identifier: Apache-2.0

/// The content of a nested keyed file that is only read: `io.stat`, `memory.numa_stat`, `rdma.current`.
public struct NestedCounters: Hashable, Sendable, StatusValue {
    /// The lines, in the kernel's order.
    public let lines: [KeyedLine]

    /// The line of this name.
    public subscript(_ name: String) -> KeyedLine? { lines.first { $0.name == name } }
    /// A whole number of a line; nil where the kernel tells none, which is not zero.
    public subscript(_ name: String, _ key: String) -> UInt64? { self[name]?[key]?.number }

    /// The sum of a key over all lines, at most 2^64-1; nil when no line has it.
    public func sum(of key: String) -> UInt64? {
        let numbers = lines.compactMap { $0[key]?.number }
        if numbers.isEmpty { return nil }
        return numbers.reduce(0) {
            let (sum, overflow) = $0.addingReportingOverflow($1)
            return overflow ? UInt64.max : sum
        }
    }

    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        var lines: [KeyedLine] = []
        for line in text.split(separator: "\n") {
            guard let line = KeyedLine(line) else { return nil }
            lines.append(line)
        }
        self.lines = lines
    }

    /// The lines.
    public var kernelText: String { lines.map(\.text).joined(separator: "\n") }
    /// The lines; nothing where there is no device.
    public var fileText: String { lines.map { $0.text + "\n" }.joined() }
}

/// Marks the content of files that keep their other lines when one is written.
protocol LineByLine {}

/// The content of a file with a line for each device or resource, which is written one line at a time.
public struct KernelLines<Line: InterfaceValue & Hashable>: Hashable, Sendable, StatusValue, LineByLine {
    /// The lines, in the kernel's order.
    public let lines: [Line]

    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        var lines: [Line] = []
        for line in text.split(separator: "\n") {
            guard let line = Line(kernelText: line) else { return nil }
            lines.append(line)
        }
        self.lines = lines
    }

    /// The lines.
    public var kernelText: String { lines.map(\.kernelText).joined(separator: "\n") }
    /// The lines; nothing where there is none.
    public var fileText: String { lines.map { $0.kernelText + "\n" }.joined() }
}
