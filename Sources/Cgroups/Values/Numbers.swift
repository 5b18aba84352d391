// SPDX-License-Identifier: Apache-2.0

/// A number that is no count of bytes: tasks, microseconds, a weight.
extension UInt64: InterfaceValue {
    /// Reads the whole file.
    public init?(kernelText text: Substring) { self.init(kernelBytes: text.utf8.span) }
    /// Reads the whole file.
    public init?(kernelBytes bytes: Span<UInt8>) {
        guard let number = wholeDecimal(bytes) else { return nil }
        self = number
    }
    /// Decimal digits.
    public var kernelText: String { String(self) }
    /// In words.
    public static var form: String { "a number in decimal digits" }
    /// Outside of the file's range.
    public func refusal(in file: CgroupFile) -> String? { file.rangeRefusal(Int64(clamping: self)) }
}

/// A number that may be negative: `cpu.weight.nice`.
extension Int64: InterfaceValue {
    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        let word = text.withoutNewline
        if word.first == "-" {
            // -0 is no text of the kernel, and neither is a second sign.
            guard let size = UInt64(decimal: word.dropFirst()), size > 0, let number = Int64(word, radix: 10) else {
                return nil
            }
            self = number
        } else {
            guard let number = Int64(decimal: word) else { return nil }
            self = number
        }
    }
    /// Decimal digits, with a minus sign below zero.
    public var kernelText: String { String(self) }
    /// In words.
    public static var form: String { "a number in decimal digits" }
    /// Outside of the file's range.
    public func refusal(in file: CgroupFile) -> String? { file.rangeRefusal(self) }
}

/// A switch.
extension Bool: InterfaceValue {
    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        switch text.withoutNewline {
        case "0": self = false
        case "1": self = true
        default: return nil
        }
    }
    /// `0` or `1`.
    public var kernelText: String { self ? "1" : "0" }
    /// In words.
    public static var form: String { "0 or 1" }
}

extension CgroupFile {
    /// Why a number must not be written here.
    func rangeRefusal(_ number: Int64) -> String? {
        guard let range, !range.contains(number) else { return nil }
        return "\(name) takes numbers from \(range.lowerBound) to \(range.upperBound)"
    }

    /// The form of a value in words, with the file's range.
    func form(of value: any InterfaceValue.Type) -> String {
        range.map { "\(value.form), from \($0.lowerBound) to \($0.upperBound)" } ?? value.form
    }
}
