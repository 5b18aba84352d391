// SPDX-License-Identifier: Apache-2.0

/// The value of an interface file that is a number or no limit at all: `pids.max`. (Files of bytes hold a `ByteCount`.)
///
/// It prints the one text that every kernel reads alike: `max` or decimal digits. The kernel would also take
/// `0100000` (as octal) or `0x10`; none of them can be written with this type.
public enum Limit: Hashable, Sendable {
    /// No limit. The kernel's word is `max`.
    case max
    /// The number: tasks, or microseconds.
    case value(UInt64)
}

extension Limit {
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
    /// So many.
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

extension Limit: InterfaceValue {
    /// Reads the whole file.
    public init?(kernelText text: Substring) { self.init(text) }
    /// `max`, or decimal digits.
    public var kernelText: String { description }
    /// In words.
    public static var form: String { "a number in decimal digits, or max" }
    /// Outside of the file's range.
    public func refusal(in file: CgroupFile) -> String? { value.flatMap { file.rangeRefusal(Int64(clamping: $0)) } }
}
