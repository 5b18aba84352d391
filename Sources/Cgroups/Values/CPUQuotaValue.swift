// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// The value of `cpu.max`.
extension CPUQuota: InterfaceValue {
    /// Reads the whole file: the quota or `max`, and the period.
    public init?(kernelText text: Substring) {
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count == 2, let quota = Limit(words[0]), let period = UInt64(decimal: words[1]) else { return nil }
        self.init(microseconds: quota.value.map { Int64(clamping: $0) }, period: period)
    }

    /// Both numbers: a quota alone would keep the period of before.
    public var kernelText: String { description }
}
