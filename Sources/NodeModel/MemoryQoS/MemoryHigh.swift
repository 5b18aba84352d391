// SPDX-License-Identifier: Apache-2.0

/// Where throttling begins between what a container asks for and what it may use at most; above 0, at most 1.
public struct ThrottlingFactor: Sendable, Hashable {
    /// The factor.
    public let value: Double

    /// The default of Kubernetes 1.27 to 1.36.
    public static let standard = ThrottlingFactor(unchecked: 0.9)

    /// A factor.
    /// - Throws: ``ThrottlingFactorError`` unless 0 < value <= 1. What is not a number is refused too, which Kubernetes'
    ///   own check lets through.
    public init(_ value: Double) throws(ThrottlingFactorError) {
        guard value > 0, value <= 1 else { throw ThrottlingFactorError(value: value) }
        self.value = value
    }

    private init(unchecked value: Double) { self.value = value }
}

/// A factor outside of 0 < factor <= 1.
public struct ThrottlingFactorError: Error, Sendable, CustomStringConvertible {
    /// The refused value.
    public let value: Double

    /// Names the value and the rule.
    public var description: String { "the throttling factor \(value) is not above 0 and at most 1" }
}

/// The value of a container's `memory.high`, above which its processes are slowed down and reclaimed from.
///
/// Source: KEP-2570, "memory.high"; the fixed form of Kubernetes issue 137685, by which containers that ask for nothing
/// and have no limit are throttled too.
public enum MemoryHigh {
    /// The throttling limit, or nil when the file is to keep the kernel's `max`.
    ///
    /// The limit is `request + factor * (top - request)`, rounded down to a whole page, where `top` is the container's
    /// limit or, without one, what the node can allocate. None is set when request and limit are equal, when `top` is
    /// unknown, or when rounding takes it to the request or below.
    ///
    /// The sum is done in `Double`, in this order of operations, because Kubernetes does: above 2^53 bytes and at the
    /// edge of a page the result is its, not the exact one.
    /// - Parameters:
    ///   - request: the memory the container asks for.
    ///   - limit: the memory it may use at most; zero for none.
    ///   - nodeAllocatable: the memory the node has for pods; nil or zero when unknown.
    ///   - factor: where between request and top throttling begins; nil for never.
    ///   - pageSize: the base page size of the node in bytes.
    public static func limit(
        request: ByteCount, limit: ByteCount, nodeAllocatable: ByteCount?, factor: ThrottlingFactor?,
        pageSize: ByteCount
    ) -> ByteCount? {
        guard let factor, pageSize > .zero else { return nil }
        if request == limit, request > .zero { return nil }
        let top = limit > .zero && limit < .max ? limit : nodeAllocatable ?? .zero
        guard top > .zero, top < .max else { return nil }

        let from = Double(request.bytes)
        let raw = from + (Double(top.bytes) - from) * factor.value
        // Whole numbers are taken by way of integers: `rounded` would need the C library.
        guard raw >= 0, raw < 0x1p63 else { return nil }
        let pages = UInt64(Double(UInt64(raw)) / Double(pageSize.bytes))
        let (high, overflow) = pages.multipliedReportingOverflow(by: pageSize.bytes)
        if overflow { return nil }
        return high > request.bytes ? ByteCount(high) : nil
    }
}
