// SPDX-License-Identifier: Apache-2.0

/// A number of bytes, as the memory files of a control group hold it. `.max` means "no limit".
public struct ByteCount: Sendable, Hashable, Comparable {
    /// The number of bytes; `UInt64.max` for "no limit".
    public let bytes: UInt64

    /// So many bytes.
    public init(_ bytes: UInt64) { self.bytes = bytes }

    /// No bytes.
    public static let zero = ByteCount(0)
    /// No limit: the kernel's word `max`.
    public static let max = ByteCount(UInt64.max)

    /// So many bytes.
    public static func bytes(_ count: UInt64) -> ByteCount { ByteCount(count) }
    /// So many times 1024 bytes, at most ``max``.
    public static func kibibytes(_ count: UInt64) -> ByteCount { scaled(count, 10) }
    /// So many times 1024^2 bytes, at most ``max``.
    public static func mebibytes(_ count: UInt64) -> ByteCount { scaled(count, 20) }
    /// So many times 1024^3 bytes, at most ``max``.
    public static func gibibytes(_ count: UInt64) -> ByteCount { scaled(count, 30) }
    /// So many times 1024^4 bytes, at most ``max``.
    public static func tebibytes(_ count: UInt64) -> ByteCount { scaled(count, 40) }

    /// The bytes a quantity asks for, rounded up to a whole byte.
    /// - Throws: ``QuantityError/negative(_:)`` when it is below zero.
    public init(_ quantity: Quantity) throws(QuantityError) {
        guard let bytes = UInt64(exactly: quantity.value) else { throw .negative("\(quantity)") }
        self.bytes = bytes
    }

    /// Reads a Kubernetes quantity (`512Mi`, `1G`, `0.5Gi`, `1e3`, `4096`), rounded up to a whole byte, or the
    /// kernel's word `max`.
    /// - Throws: ``QuantityError`` naming the text and what is wrong in it.
    public init(parsing text: String) throws(QuantityError) {
        if text == "max" {
            self = .max
            return
        }
        let quantity = try Quantity(parsing: text)
        guard quantity >= .zero else { throw .negative(text) }
        try self.init(quantity)
    }

    /// The sum; ``max`` when it does not fit or one of the two is ``max``.
    public static func + (left: ByteCount, right: ByteCount) -> ByteCount {
        let (sum, overflow) = left.bytes.addingReportingOverflow(right.bytes)
        return overflow ? .max : ByteCount(sum)
    }

    /// The difference; zero when the right side is larger, ``max`` when the left side is ``max``.
    public static func - (left: ByteCount, right: ByteCount) -> ByteCount {
        if left == .max { return .max }
        return left > right ? ByteCount(left.bytes - right.bytes) : .zero
    }

    /// Adds, with ``max`` as the ceiling.
    public static func += (left: inout ByteCount, right: ByteCount) { left = left + right }

    /// Orders by size; ``max`` is last.
    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    private static func scaled(_ count: UInt64, _ shift: UInt64) -> ByteCount {
        let (product, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
        return overflow ? .max : ByteCount(product)
    }
}

extension ByteCount: CustomStringConvertible {
    /// The bytes in decimal, or `max`: the text the kernel takes and prints.
    public var description: String { self == .max ? "max" : "\(bytes)" }
}

extension Sequence<ByteCount> {
    /// The sum of all, with ``ByteCount/max`` as the ceiling.
    public func total() -> ByteCount { reduce(.zero, +) }
}
