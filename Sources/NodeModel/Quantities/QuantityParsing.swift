// SPDX-License-Identifier: Apache-2.0

extension Quantity {
    /// Reads a quantity as Kubernetes writes it: an optional sign, digits with an optional decimal point, and one of
    /// the suffixes `n u m k M G T P E`, `Ki Mi Gi Ti Pi Ei`, or an exponent such as `e3` or `E-2`.
    ///
    /// What is finer than a billionth is rounded away from zero, what is larger than 2^63 - 1 is limited to it.
    /// - Throws: ``QuantityError`` naming the text and what is wrong in it.
    public init(parsing text: String) throws(QuantityError) {
        var rest = text.utf8[...]
        let negative = rest.first == UInt8(ascii: "-")
        if negative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }

        var digits = DecimalDigits()
        while let byte = rest.first {
            if byte == UInt8(ascii: "."), !digits.isFraction {
                digits.isFraction = true
            } else if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                digits.append(byte - UInt8(ascii: "0"))
            } else {
                break
            }
            rest.removeFirst()
        }
        guard digits.count > 0 else { throw .noNumber(text) }

        let magnitude: Int128
        switch try Self.suffix(rest, of: text) {
        case .binary(let shift): magnitude = digits.nanos(shiftedLeft: shift)
        case .decimal(let exponent): magnitude = digits.nanos(timesTenTo: exponent)
        }
        self.init(nanos: negative ? -magnitude : magnitude)
    }

    private enum Suffix {
        case binary(shift: Int)
        case decimal(exponent: Int)
    }

    private static func suffix(_ rest: Substring.UTF8View, of text: String) throws(QuantityError) -> Suffix {
        switch String(Substring(rest)) {
        case "n": return .decimal(exponent: -9)
        case "u": return .decimal(exponent: -6)
        case "m": return .decimal(exponent: -3)
        case "": return .decimal(exponent: 0)
        case "k": return .decimal(exponent: 3)
        case "M": return .decimal(exponent: 6)
        case "G": return .decimal(exponent: 9)
        case "T": return .decimal(exponent: 12)
        case "P": return .decimal(exponent: 15)
        case "E": return .decimal(exponent: 18)
        case "Ki": return .binary(shift: 10)
        case "Mi": return .binary(shift: 20)
        case "Gi": return .binary(shift: 30)
        case "Ti": return .binary(shift: 40)
        case "Pi": return .binary(shift: 50)
        case "Ei": return .binary(shift: 60)
        default: break
        }
        if let first = rest.first, first == UInt8(ascii: "e") || first == UInt8(ascii: "E") {
            // An exponent too long for an Int64 is refused below, as in Kubernetes.
            if let exponent = Int64(Substring(rest.dropFirst())) {
                return .decimal(exponent: Int(min(max(exponent, -1_000_000), 1_000_000)))
            }
        }
        let suffix = Substring(rest)
        if let character = suffix.first(where: { !"0123456789eEinumkKMGTP+-".contains($0) }) {
            throw .unexpectedCharacter(text, character: character)
        }
        throw .unknownSuffix(text, suffix: String(suffix))
    }
}

/// The digits of a decimal number, kept exactly as far as they can matter: a quantity has at most 19 digits in front of
/// the point and 9 behind it, so after 30 significant ones only "is there anything more" decides the rounding.
private struct DecimalDigits {
    private var significant: UInt128 = 0
    private var significantCount = 0
    /// The power of ten that `significant` is to be multiplied with.
    private var scale = 0
    /// Whether a digit other than zero was dropped.
    private var isInexact = false
    var isFraction = false
    var count = 0

    mutating func append(_ digit: UInt8) {
        count += 1
        if significantCount < 30 {
            significant = significant * 10 + UInt128(digit)
            if significant > 0 { significantCount += 1 }
            if isFraction { scale -= 1 }
        } else {
            if digit != 0 { isInexact = true }
            if !isFraction { scale += 1 }
        }
    }

    func nanos(timesTenTo exponent: Int) -> Int128 {
        scaled((high: 0, low: significant), timesTenTo: scale + exponent + 9)
    }

    func nanos(shiftedLeft shift: Int) -> Int128 {
        // 30 digits take 100 bits and `Ei` 60 more: the product needs two words.
        scaled(significant.multipliedFullWidth(by: UInt128(1) << UInt128(shift)), timesTenTo: scale + 9)
    }

    private func scaled(_ product: (high: UInt128, low: UInt128), timesTenTo exponent: Int) -> Int128 {
        var (high, low) = product
        var inexact = isInexact
        if high == 0, low == 0 { return inexact ? 1 : 0 }
        if exponent < 0 {
            var left = -exponent
            while left > 0, high > 0 || low > 0 {
                left -= 1
                let upper = high.quotientAndRemainder(dividingBy: 10)
                let lower = UInt128(10).dividingFullWidth((high: upper.remainder, low: low))
                if lower.remainder > 0 { inexact = true }
                (high, low) = (upper.quotient, lower.quotient)
            }
        } else {
            for _ in 0..<exponent {
                let (raised, overflow) = low.multipliedReportingOverflow(by: 10)
                if overflow { return Quantity.largestNanos }
                low = raised
            }
        }
        let largest = UInt128(Quantity.largestNanos)
        if high > 0 || low >= largest { return Quantity.largestNanos }
        return Int128(low) + (inexact ? 1 : 0)
    }
}
