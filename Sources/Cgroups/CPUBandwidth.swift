// SPDX-License-Identifier: Apache-2.0

/// The value of `cpu.max`: how much processor time may be used in each period.
public struct CPUBandwidth: Hashable, Sendable, CustomStringConvertible {
    /// Microseconds of processor time in each period, at least 1000.
    public var quota: Limit
    /// The period in microseconds, from 1000 to 1 000 000.
    public var period: UInt64

    /// So many microseconds in each period.
    public init(quota: Limit, period: UInt64 = 100_000) {
        self.quota = quota
        self.period = period
    }

    /// No limit.
    public static let max = CPUBandwidth(quota: .max)

    /// So many thousandths of a processor, at least the 1000 microseconds that the kernel takes.
    public static func milliCPUs(_ count: UInt64, period: UInt64 = 100_000) -> CPUBandwidth {
        let (product, overflow) = count.multipliedReportingOverflow(by: period)
        return CPUBandwidth(quota: overflow ? .max : .value(Swift.max(1000, product / 1000)), period: period)
    }

    /// Quota and period.
    public var description: String { "\(quota) \(period)" }
}

extension CPUBandwidth: InterfaceValue {
    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count == 2, let quota = Limit(words[0]), let period = UInt64(decimal: words[1]) else { return nil }
        self.init(quota: quota, period: period)
    }

    /// Both numbers: a quota alone would keep the period of before.
    public var kernelText: String { description }
}
