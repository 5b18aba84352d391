// SPDX-License-Identifier: Apache-2.0

/// The value of an interface file that is a number or no limit at all: `memory.max`, `pids.max`.
///
/// It prints the one text that every kernel reads alike: `max` or decimal digits. The kernel would also take
/// `0100000` (as octal), `0x10`, `1G`, a lone newline (as zero) and numbers over 64 bits (wrapped round, before
/// Linux 7); none of them can be written with this type.
public enum Limit: Hashable, Sendable {
    /// No limit. The kernel's word is `max`.
    case max
    /// The number: bytes, or tasks.
    case value(UInt64)
}

extension Limit {
    /// So many bytes.
    public static func bytes(_ count: UInt64) -> Limit { .value(count) }
    /// So many times 1024 bytes; no limit when that is over 64 bits.
    public static func kibibytes(_ count: UInt64) -> Limit { scaled(count, by: 1 << 10) }
    /// So many times 1024² bytes; no limit when that is over 64 bits.
    public static func mebibytes(_ count: UInt64) -> Limit { scaled(count, by: 1 << 20) }
    /// So many times 1024³ bytes; no limit when that is over 64 bits.
    public static func gibibytes(_ count: UInt64) -> Limit { scaled(count, by: 1 << 30) }

    private static func scaled(_ count: UInt64, by unit: UInt64) -> Limit {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: unit)
        return overflow ? .max : .value(bytes)
    }

    /// Reads what the kernel prints: `max` or decimal digits, and one newline at the end.
    public init?(_ text: some StringProtocol) {
        let word = text.last == "\n" ? text.dropLast() : text[...]
        if word == "max" {
            self = .max
        } else if let number = UInt64(decimal: word) {
            self = .value(number)
        } else {
            return nil
        }
    }

    /// The number, or nil for no limit.
    public var value: UInt64? {
        switch self {
        case .max: nil
        case .value(let number): number
        }
    }

    /// The number of pages the kernel counts as no limit (`PAGE_COUNTER_MAX`), in bytes, for the largest page size in
    /// use (64 KiB): some paths of the kernel print it as a number instead of `max`.
    private static let pageCounterMaximum = UInt64(Int64.max) / 65536 * 65536

    /// The same, with the number that page counters cannot exceed read as no limit.
    var withoutPageCounterMaximum: Limit {
        if let value, value >= Self.pageCounterMaximum { return .max }
        return self
    }
}

extension Limit: CustomStringConvertible {
    /// `max`, or decimal digits.
    public var description: String {
        switch self {
        case .max: "max"
        case .value(let number): String(number)
        }
    }
}

extension Limit: ExpressibleByIntegerLiteral {
    /// So many bytes, or tasks.
    public init(integerLiteral value: UInt64) { self = .value(value) }
}

extension Limit: Comparable {
    /// No limit is the largest.
    public static func < (one: Limit, other: Limit) -> Bool {
        switch (one, other) {
        case (.max, _): false
        case (.value, .max): true
        case (.value(let one), .value(let other)): one < other
        }
    }
}

extension FixedWidthInteger {
    /// Decimal digits only: `UInt64("+1")` is a number to Swift, and no text of the kernel.
    init?(decimal text: some StringProtocol) {
        guard let first = text.utf8.first, first != UInt8(ascii: "+") else { return nil }
        self.init(text, radix: 10)
    }
}
