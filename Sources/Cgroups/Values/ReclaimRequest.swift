// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// What is written to `memory.reclaim`: take so much memory from a cgroup now.
public struct ReclaimRequest: Hashable, Sendable, InterfaceValue {
    /// How much is taken from processes rather than from files.
    public enum Swappiness: Hashable, Sendable {
        /// From 0 (files only, while there are any) to 200.
        case value(UInt8)
        /// Only from processes. Linux 6.12 does not know it, 7.2 does.
        case max
    }
    /// So many bytes, in whole pages.
    public var amount: ByteCount
    /// Instead of the system's `vm.swappiness`; Linux 6.1 does not know it, 6.12 does.
    public var swappiness: Swappiness?

    /// So many bytes.
    public init(_ amount: ByteCount, swappiness: Swappiness? = nil) {
        self.amount = amount
        self.swappiness = swappiness
    }

    /// Reads what `kernelText` gives.
    public init?(kernelText text: Substring) {
        let words = text.withoutNewline.split(separator: " ", omittingEmptySubsequences: false)
        guard let first = words.first, words.count <= 2, let amount = UInt64(decimal: first) else { return nil }
        self.amount = ByteCount(amount)
        guard words.count == 2 else { return }
        let parts = words[1].split(separator: "=", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "swappiness" else { return nil }
        if parts[1] == "max" {
            swappiness = .max
        } else if let value = UInt8(decimal: parts[1]) {
            swappiness = .value(value)
        } else {
            return nil
        }
    }

    /// `1048576 swappiness=60`.
    public var kernelText: String {
        switch swappiness {
        case nil: amount.kernelText
        case .max: amount.kernelText + " swappiness=max"
        case .value(let value): amount.kernelText + " swappiness=\(value)"
        }
    }
    /// In words.
    public static var form: String { "bytes in decimal digits, and optionally swappiness=0 to 200 or max" }

    /// `max` is EINVAL here, and so is a swappiness over 200.
    public var refusal: String? {
        if amount == .max { return "an amount is a number" }
        if case .value(let value) = swappiness, value > 200 { return "swappiness is at most 200" }
        return amount.refusal
    }
}
