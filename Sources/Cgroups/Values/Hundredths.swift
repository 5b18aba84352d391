// SPDX-License-Identifier: Apache-2.0

/// A number with two decimals, exactly as the kernel prints it: `12.34`.
public struct Hundredths: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// A hundred times the number.
    public let count: UInt64
    /// So many hundredths.
    public init(_ count: UInt64) { self.count = count }

    /// Reads digits, a point and two digits.
    public init?(_ text: some StringProtocol) {
        let text = Substring(text)
        let bytes = text.utf8.span
        var place = 0
        guard let count = hundredths(bytes, &place), place == bytes.count else { return nil }
        self.count = count
    }

    /// The nearest binary number.
    public var value: Double { Double(count) / 100 }
    /// Digits, a point and two digits.
    public var description: String { "\(count / 100)." + (count % 100 < 10 ? "0" : "") + "\(count % 100)" }
    /// By size.
    public static func < (one: Hundredths, other: Hundredths) -> Bool { one.count < other.count }
}
