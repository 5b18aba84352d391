// SPDX-License-Identifier: Apache-2.0

/// What is written to a pressure file to be woken: so much waiting within a window of time.
///
/// The kernel remembers it as long as the descriptor is open that it was written to, one for each descriptor. Since
/// Linux 5.2. Source of the rules: Documentation/accounting/psi.rst and `psi_trigger_create` in kernel/sched/psi.c.
public struct PressureThreshold: Hashable, Sendable, InterfaceValue {
    /// Whose waiting counts.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// At least one process's.
        case some
        /// All of them at once.
        case full
    }
    /// Whose waiting counts.
    public var kind: Kind
    /// Microseconds of waiting.
    public var stall: UInt64
    /// Microseconds of the window.
    public var window: UInt64

    /// So many microseconds of waiting in a window of so many.
    public init(_ kind: Kind, stall: UInt64, window: UInt64) {
        self.kind = kind
        self.stall = stall
        self.window = window
    }

    /// The same in durations, of which only whole microseconds count.
    public init(_ kind: Kind, stall: Duration, window: Duration) {
        self.init(kind, stall: stall.wholeMicroseconds, window: window.wholeMicroseconds)
    }

    /// Reads what `kernelText` gives.
    public init?(kernelText text: Substring) {
        let words = text.withoutNewline.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, let kind = Kind(rawValue: String(words[0])), let stall = UInt64(decimal: words[1]),
            let window = UInt64(decimal: words[2])
        else { return nil }
        self.init(kind, stall: stall, window: window)
    }

    /// `some 150000 1000000`.
    public var kernelText: String { "\(kind.rawValue) \(stall) \(window)" }
    /// In words.
    public static var form: String { "\"some\" or \"full\", microseconds of waiting, microseconds of the window" }

    /// What every kernel answers EINVAL. Windows under half a second are EINVAL on 6.1 and good on 6.12; without
    /// CAP_SYS_RESOURCE, newer kernels take only multiples of two seconds.
    public var refusal: String? {
        if stall == 0 { return "no time of waiting is none to wait for" }
        if window == 0 || window > 10_000_000 { return "the window is at most 10000000 microseconds, and not zero" }
        return stall > window ? "more waiting than the window is long is never reached" : nil
    }

    /// The interrupts' file knows no `some`.
    public func refusal(in file: CgroupFile) -> String? {
        if file.name == "irq.pressure" && kind == .some { return "irq.pressure has only \"full\"" }
        return refusal
    }

    /// A trigger ends when the descriptor is closed that it was written to, so as text it is of no use.
    public static func refusal(ofText text: Substring, in file: CgroupFile) -> String? {
        guard let trigger = PressureThreshold(kernelText: text) else {
            return "\(file.name) takes \(form), and only as long as its writer keeps it open"
        }
        return trigger.refusal(in: file) ?? "a trigger ends when its writer closes \(file.name)"
    }
}

extension Duration {
    /// None for a negative one; far more than any window for one that is too long for the number.
    fileprivate var wholeMicroseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(min(seconds, 1_000_000_000)) * 1_000_000 + UInt64(attoseconds / 1_000_000_000_000)
    }
}
