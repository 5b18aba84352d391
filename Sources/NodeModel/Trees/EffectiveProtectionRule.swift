// SPDX-License-Identifier: Apache-2.0

extension EffectiveProtection {
    /// The kernel's rule for one level: how much of a cgroup's memory reclaim spares, in pages; nil for a cgroup that
    /// uses nothing, for which the kernel computes nothing anew.
    ///
    /// Shares go by *used* claims: an idle sibling takes nothing, and what a parent has is divided in proportion when
    /// its children claim and use more. With `recursive`, what they leave goes to unprotected use. It does not hold for
    /// the first level below the reclaim's target: there the effective value is the setting.
    ///
    /// Divisions round down. What would not fit 64 bits is exact here, where the kernel's product wraps round.
    ///
    /// Source: `effective_protection` in mm/page_counter.c (up to Linux 6.10 in mm/memcontrol.c), as of 5.7.
    ///
    /// - Parameters:
    ///   - setting: what the cgroup asks for.
    ///   - usage: what it uses, with all below it.
    ///   - parentEffective: what its parent has by this rule.
    ///   - parentUsage: what its parent uses.
    ///   - siblingsProtectedUsage: the sum over the parent's children, this one included, of the smaller of setting and
    ///     usage.
    ///   - recursive: whether cgroup2 is mounted with `memory_recursiveprot` (since Linux 5.7; always so for `dmem`).
    public static func ofLevel(
        setting: UInt64, usage: UInt64, parentEffective: UInt64, parentUsage: UInt64, siblingsProtectedUsage: UInt64,
        recursive: Bool
    ) -> UInt64? {
        if usage == 0 { return nil }
        let claimed = Swift.min(usage, setting)
        if siblingsProtectedUsage > parentEffective {
            return scaled(claimed, by: parentEffective, over: siblingsProtectedUsage)
        }
        guard recursive, parentUsage > siblingsProtectedUsage, usage > claimed else { return claimed }
        let unclaimed = scaled(
            parentEffective - siblingsProtectedUsage, by: usage - claimed, over: parentUsage - siblingsProtectedUsage)
        let (sum, overflow) = claimed.addingReportingOverflow(unclaimed)
        return overflow ? UInt64.max : sum
    }

    /// `value * factor / divisor`, rounded down, exact, at most what 64 bits hold.
    static func scaled(_ value: UInt64, by factor: UInt64, over divisor: UInt64) -> UInt64 {
        UInt64(clamping: UInt128(value) * UInt128(factor) / UInt128(divisor))
    }
}
