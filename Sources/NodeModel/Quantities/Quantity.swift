// SPDX-License-Identifier: Apache-2.0

/// An exact amount of a Kubernetes resource, such as `250m` of a cpu or `1.5Gi` of memory.
///
/// Amounts are whole billionths (`n`), the finest step Kubernetes knows; no floating point takes part. The magnitude
/// never exceeds 2^63 - 1: larger texts and larger sums stop there, as in Kubernetes.
///
/// Source: k8s.io/apimachinery, pkg/api/resource/quantity.go.
public struct Quantity: Sendable, Hashable, Comparable {
    /// The amount in billionths.
    public let nanos: Int128

    static let nanosPerUnit: Int128 = 1_000_000_000
    static let largestNanos: Int128 = Int128(Int64.max) * nanosPerUnit

    /// An amount of so many billionths, limited to a magnitude of 2^63 - 1 units.
    public init(nanos: Int128) {
        self.nanos = min(max(nanos, -Self.largestNanos), Self.largestNanos)
    }

    /// An amount of whole units: cpus, or bytes.
    public init(_ units: Int64) {
        self.init(nanos: Int128(units) * Self.nanosPerUnit)
    }

    /// An amount of thousandths: millicpus.
    public init(milli: Int64) {
        self.init(nanos: Int128(milli) * 1_000_000)
    }

    /// Nothing.
    public static let zero = Quantity(nanos: 0)

    /// Whole units, rounded away from zero: half a byte takes a byte.
    public var value: Int64 { rounded(to: Self.nanosPerUnit) }

    /// Thousandths, rounded away from zero and limited to what an `Int64` holds: for cpu, millicpus.
    public var milliValue: Int64 { rounded(to: 1_000_000) }

    /// The sum, limited to a magnitude of 2^63 - 1 units.
    public static func + (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nanos: left.nanos + right.nanos)
    }

    /// Orders by amount: `1Ki` equals `1024`.
    public static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }

    private func rounded(to step: Int128) -> Int64 {
        let (quotient, remainder) = nanos.quotientAndRemainder(dividingBy: step)
        return Int64(clamping: remainder == 0 ? quotient : quotient + nanos.signum())
    }
}

extension Quantity: CustomStringConvertible {
    /// Whole units as plain digits, anything finer with the coarsest of the suffixes `m`, `u` and `n` that is exact.
    public var description: String {
        if nanos % Self.nanosPerUnit == 0 { return "\(nanos / Self.nanosPerUnit)" }
        if nanos % 1_000_000 == 0 { return "\(nanos / 1_000_000)m" }
        if nanos % 1_000 == 0 { return "\(nanos / 1_000)u" }
        return "\(nanos)n"
    }
}

/// Why a text is no quantity or no byte count.
public enum QuantityError: Error, Sendable, Hashable {
    /// There is no number in front.
    case noNumber(String)
    /// What follows the number is no suffix Kubernetes knows.
    case unknownSuffix(String, suffix: String)
    /// The text holds something after the number and the suffix, or a second decimal point.
    case unexpectedCharacter(String, character: Character)
    /// A byte count cannot be below zero.
    case negative(String)
}

extension QuantityError: CustomStringConvertible {
    /// Names the text and the cause.
    public var description: String {
        switch self {
        case .noNumber(let text):
            "'\(text)' is not a quantity: it does not start with a number"
        case .unknownSuffix(let text, let suffix):
            "'\(text)' is not a quantity: '\(suffix)' is not one of n u m k M G T P E Ki Mi Gi Ti Pi Ei e<exponent>"
        case .unexpectedCharacter(let text, let character):
            "'\(text)' is not a quantity: unexpected '\(character)'"
        case .negative(let text):
            "'\(text)' is below zero, and a number of bytes cannot be"
        }
    }
}
