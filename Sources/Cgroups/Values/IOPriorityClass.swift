// SPDX-License-Identifier: Apache-2.0

/// The value of `io.prio.class`: what becomes of the I/O priority of a cgroup's requests. Unknown words are kept.
public struct IOPriorityClass: RawRepresentable, Hashable, Sendable, InterfaceValue {
    /// The kernel's word.
    public let rawValue: String
    /// The class of this word.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Requests keep what they have. The C name is `no-change`.
    public static let noChange = IOPriorityClass(rawValue: "no-change")
    /// Requests below become real-time. The C name is `promote-to-rt`, since Linux 6.5.
    public static let promoteToRealTime = IOPriorityClass(rawValue: "promote-to-rt")
    /// Requests above become best-effort. The C name is `restrict-to-be`.
    public static let restrictToBestEffort = IOPriorityClass(rawValue: "restrict-to-be")
    /// All become idle. The C name is `idle`.
    public static let idle = IOPriorityClass(rawValue: "idle")
    /// Those without a class become real-time; since Linux 6.5 another word for `promote-to-rt`. The C name is
    /// `none-to-rt`.
    public static let noneToRealTime = IOPriorityClass(rawValue: "none-to-rt")

    private static let known: [IOPriorityClass] = [
        noChange, promoteToRealTime, restrictToBestEffort, idle, noneToRealTime,
    ]

    /// Reads the whole file.
    public init?(kernelText text: Substring) {
        let word = text.withoutNewline
        guard !word.isEmpty, !word.contains(" ") else { return nil }
        rawValue = String(word)
    }
    /// The word.
    public var kernelText: String { rawValue }
    /// In words.
    public static var form: String { "one of " + known.map(\.rawValue).joined(separator: ", ") }
    /// A text with a word that is not known is refused.
    public static func refusal(ofText text: Substring, in file: CgroupFile) -> String? {
        guard let value = Self(kernelText: text), known.contains(value) else { return "\(file.name) takes \(form)" }
        return nil
    }
}
