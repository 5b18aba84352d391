// SPDX-License-Identifier: Apache-2.0

/// The value of `cpu.uclamp.min` and `cpu.uclamp.max`: a share of a processor's capacity, in percent with two decimals.
public enum UtilizationClamp: Hashable, Sendable, InterfaceValue {
    /// All of it. The kernel prints 100.00 so.
    case max
    /// So many percent.
    case percent(Hundredths)

    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        let word = text.withoutNewline
        if word == "max" {
            self = .max
        } else if let percent = Hundredths(word) {
            self = .percent(percent)
        } else {
            return nil
        }
    }

    /// `12.34`, or `max`.
    public var kernelText: String {
        switch self {
        case .max: "max"
        case .percent(let percent): percent.description
        }
    }
    /// In words.
    public static var form: String { "percent with two decimals, such as 12.34, or max" }
    /// More than everything is ERANGE.
    public var refusal: String? {
        if case .percent(let percent) = self, percent > Hundredths(10_000) { return "at most 100.00 percent" }
        return nil
    }
}
