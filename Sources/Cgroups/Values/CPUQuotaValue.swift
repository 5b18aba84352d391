// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// The value of `cpu.max`.
///
/// Source of the bounds: `tg_set_cfs_bandwidth` in kernel/sched/core.c.
extension CPUQuota: InterfaceValue {
    /// Reads the whole file: the quota or `max`, and the period.
    public init?(kernelText text: Substring) {
        let words = text.withoutNewline.split(separator: " ", omittingEmptySubsequences: false)
        // A quota of zero means none to `CPUQuota`, and nothing to the kernel: it is not to become `max` here.
        guard words.count == 2, let quota = Limit(words[0]), quota != 0, let period = UInt64(decimal: words[1]),
            period > 0
        else { return nil }
        self.init(microseconds: quota.value.map { Int64(clamping: $0) }, period: period)
    }

    /// Both numbers: a quota alone would keep the period of before.
    public var kernelText: String { description }
    /// In words.
    public static var form: String { "microseconds or max, then optionally the microseconds of the period" }

    /// The kernel's bounds for the quota, in microseconds (`max_cfs_runtime`: 44 bits).
    static let quotaBounds: ClosedRange<Int64> = 1000...((1 << 44) - 1)
    /// The kernel's bounds for the period, in microseconds.
    static let periodBounds: ClosedRange<UInt64> = 1000...1_000_000

    /// What the kernel answers EINVAL.
    public var refusal: String? {
        if let microseconds, !Self.quotaBounds.contains(microseconds) {
            return "a quota is \(Self.quotaBounds.lowerBound) to \(Self.quotaBounds.upperBound) microseconds, or max"
        }
        if !Self.periodBounds.contains(period) {
            return "a period is \(Self.periodBounds.lowerBound) to \(Self.periodBounds.upperBound) microseconds"
        }
        return nil
    }

    /// As a text, a quota alone keeps the period.
    public static func refusal(ofText text: Substring, in file: CgroupFile) -> String? {
        let alone = Limit(text).map { $0.description + " \(CPUQuota.defaultPeriod)" }
        guard Limit(text) != 0, let quota = CPUQuota(kernelText: alone.map { $0[...] } ?? text) else {
            return "\(file.name) takes \(form)"
        }
        return quota.refusal
    }
}
