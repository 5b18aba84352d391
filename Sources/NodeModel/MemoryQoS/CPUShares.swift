// SPDX-License-Identifier: Apache-2.0

/// The relative weight of a cpu request as cgroup v1 counted it: 1024 a cpu. Kubernetes still thinks in shares and turns
/// them into `cpu.weight` by two different formulas, both here.
///
/// Source: Kubernetes, pkg/kubelet/cm/helpers_linux.go; opencontainers/cgroups, utils.go.
public struct CPUShares: Sendable, Hashable, Comparable {
    /// The number of shares.
    public let count: UInt64

    /// So many shares, as they are.
    public init(_ count: UInt64) { self.count = count }

    /// The fewest shares a request gives.
    public static let minimum = CPUShares(2)
    /// The most shares a request gives: 256 cpus.
    public static let maximum = CPUShares(262_144)

    /// The shares of a request in millicpus, rounded down and kept between ``minimum`` and ``maximum``.
    public init(milliCPU: Int64) {
        let exact = Int128(milliCPU) * 1024 / 1000
        count = UInt64(min(max(exact, 2), 262_144))
    }

    /// The millicpus these shares stand for, rounded up; zero below ``minimum``.
    public var milliCPU: Int64 {
        if count < Self.minimum.count { return 0 }
        return Int64(clamping: (UInt128(count) * 1000 + 1023) / 1024)
    }

    /// The `cpu.weight` the kubelet writes for pods and classes: a straight line from 2 … 262144 to 1 … 10000.
    public var linearWeight: UInt64 {
        if self >= .maximum { return 10_000 }
        if self <= .minimum { return 1 }
        return 1 + (count - 2) * 9_999 / 262_142
    }

    /// The shares read back from a weight the kubelet wrote; not always those that were written.
    public init(linearWeight weight: UInt64) {
        let exact = UInt128(weight > 0 ? weight - 1 : 0) * 262_142 / 9_999 + 2
        count = UInt64(clamping: exact)
    }

    /// Whether a weight read back as `readBack` shares is what writing these shares leaves behind.
    public func survivesRoundTrip(as readBack: CPUShares) -> Bool {
        CPUShares(linearWeight: linearWeight) == readBack
    }

    /// The `cpu.weight` container runtimes write since June 2025: a curve through (2, 1), (1024, 100) and
    /// (262144, 10000), so that one cpu gets the kernel's default weight. Zero shares give zero: not written.
    public var runtimeWeight: UInt64 {
        if count == 0 { return 0 }
        if self <= .minimum { return 1 }
        if self >= .maximum { return 10_000 }
        let l = binaryLogarithm(count)
        let power = tenToThePower((l * l + 125 * l) / 612 - 7.0 / 34.0)
        let whole = UInt64(power)
        return Double(whole) < power ? whole + 1 : whole
    }

    /// Orders by number.
    public static func < (left: CPUShares, right: CPUShares) -> Bool { left.count < right.count }
}

extension CPUShares: CustomStringConvertible {
    /// The number.
    public var description: String { "\(count)" }
}

// The standard library has no logarithm, and this module imports nothing else; rounding too is left to integers, for a
// `Double` is rounded by the C library, which a program of this module alone would not be linked with. Both functions
// are for numbers above zero and only exact enough for the curve above; a test compares all its values with the C
// library's.

private func binaryLogarithm(_ count: UInt64) -> Double {
    let number = Double(count)
    // log2(m) = 2/ln 2 * artanh((m - 1) / (m + 1)), for m in 1 ..< 2.
    let ratio = (number.significand - 1) / (number.significand + 1)
    return Double(number.exponent) + oddPowers(of: ratio) * (2 / naturalLogarithmOfTwo)
}

private func oddPowers(of ratio: Double) -> Double {
    var sum = 0.0
    for power in (0...20).reversed() { sum = sum * ratio * ratio + 1 / Double(2 * power + 1) }
    return sum * ratio
}

private func tenToThePower(_ exponent: Double) -> Double {
    let whole = Int(exponent)
    var scale = 1.0
    for _ in 0..<whole { scale *= 10 }
    // e^y for y below 2.31: the series, from its smallest term.
    let y = (exponent - Double(whole)) * naturalLogarithmOfTen
    var sum = 1.0
    for term in (1...32).reversed() { sum = 1 + sum * y / Double(term) }
    return sum * scale
}

private let naturalLogarithmOfTwo = 0.693_147_180_559_945_3
private let naturalLogarithmOfTen = 2.302_585_092_994_045_7
