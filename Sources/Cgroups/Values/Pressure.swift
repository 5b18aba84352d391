// SPDX-License-Identifier: Apache-2.0

/// Pressure stall information: the share of time in which processes waited for a resource. Since Linux 4.20.
///
/// Source of the form: `psi_show` in kernel/sched/psi.c.
public struct Pressure: Hashable, Sendable, StatusValue {
    /// One line.
    public struct Stall: Hashable, Sendable {
        /// Percent of the last 10 seconds, with the kernel's two decimals.
        public let percent10: Hundredths
        /// Percent of the last 60 seconds.
        public let percent60: Hundredths
        /// Percent of the last 300 seconds.
        public let percent300: Hundredths
        /// Microseconds since the cgroup was made.
        public let total: UInt64
        /// What follows on the line, with its blank; nothing up to Linux 7.2.
        let rest: String

        /// Percent of the last 10 seconds.
        public var average10: Double { percent10.value }
        /// Percent of the last 60 seconds.
        public var average60: Double { percent60.value }
        /// Percent of the last 300 seconds.
        public var average300: Double { percent300.value }
    }

    /// At least one process waited. Nil for `irq.pressure`, which has no such line.
    public let some: Stall?
    /// All of them waited at once. Nil for `cpu.pressure` before Linux 5.13.
    public let full: Stall?
    /// Lines of other kinds, as they are.
    private let others: [String]

    /// Reads the whole file.
    public init?(kernelText text: Substring) { self.init(kernelBytes: text.utf8.span) }

    /// Reads the whole file.
    public init?(kernelBytes bytes: Span<UInt8>) {
        var some: Stall?
        var full: Stall?
        var others: [String] = []
        var place = 0
        while place < bytes.count {
            let end = endOfLine(bytes, place)
            if skip("some ", bytes, &place) {
                some = Stall(bytes, &place, end)
                if some == nil { return nil }
            } else if skip("full ", bytes, &place) {
                full = Stall(bytes, &place, end)
                if full == nil { return nil }
            } else if place < end {
                others.append(text(bytes, place..<end))
            }
            place = end + 1
        }
        if some == nil && full == nil { return nil }
        self.some = some
        self.full = full
        self.others = others
    }

    /// The lines.
    public var kernelText: String {
        let known = [("some", some), ("full", full)].compactMap { kind, stall in stall.map { "\(kind) \($0.text)" } }
        return (known + others).joined(separator: "\n")
    }
}

extension Pressure.Stall {
    fileprivate init?(_ bytes: Span<UInt8>, _ place: inout Int, _ end: Int) {
        guard skip("avg10=", bytes, &place), let ten = hundredths(bytes, &place),
            skip(" avg60=", bytes, &place), let sixty = hundredths(bytes, &place),
            skip(" avg300=", bytes, &place), let threeHundred = hundredths(bytes, &place),
            skip(" total=", bytes, &place), let total = decimal(bytes, &place),
            place == end || place < end && bytes[place] == space
        else { return nil }
        percent10 = Hundredths(ten)
        percent60 = Hundredths(sixty)
        percent300 = Hundredths(threeHundred)
        self.total = total
        rest = place == end ? "" : Cgroups.text(bytes, place..<end)
    }

    fileprivate var text: String { "avg10=\(percent10) avg60=\(percent60) avg300=\(percent300) total=\(total)\(rest)" }
}
