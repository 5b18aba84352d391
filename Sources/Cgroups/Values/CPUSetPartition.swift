// SPDX-License-Identifier: Apache-2.0

/// The value of `cpuset.cpus.partition`: whether a cgroup has its processors for itself.
///
/// The kernel takes a kind that it cannot give, and tells only on reading that it is invalid, and why.
public struct CPUSetPartition: Hashable, Sendable, InterfaceValue {
    /// What is asked for. Unknown words are kept.
    public struct Kind: RawRepresentable, Hashable, Sendable {
        /// The kernel's word.
        public let rawValue: String
        /// The kind of this word.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// No partition: the processors are shared with the parent.
        public static let member = Kind(rawValue: "member")
        /// A scheduling domain of its own.
        public static let root = Kind(rawValue: "root")
        /// A domain without load balancing. Since Linux 6.1.
        public static let isolated = Kind(rawValue: "isolated")
    }
    /// What is asked for.
    public let kind: Kind
    /// Whether the kernel could not give it.
    public let isInvalid: Bool
    /// Why it could not; nil before Linux 6.1.
    public let reason: String?

    /// A partition to ask for.
    public init(_ kind: Kind) {
        self.kind = kind
        isInvalid = false
        reason = nil
    }

    /// A partition to ask for. The C name is `member`.
    public static var member: CPUSetPartition { CPUSetPartition(.member) }
    /// A partition to ask for. The C name is `root`.
    public static var root: CPUSetPartition { CPUSetPartition(.root) }
    /// A partition to ask for. The C name is `isolated`, since Linux 6.1.
    public static var isolated: CPUSetPartition { CPUSetPartition(.isolated) }

    /// Reads the whole file: `root`, `root invalid`, `root invalid (why)`.
    public init?(kernelText text: Substring) {
        let words = text.withoutNewline.split(
            separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard let first = words.first, !first.isEmpty, words.count == 1 || words[1] == "invalid" else { return nil }
        kind = Kind(rawValue: String(first))
        isInvalid = words.count > 1
        guard words.count == 3 else {
            reason = nil
            return
        }
        guard words[2].hasPrefix("("), words[2].hasSuffix(")"), words[2].count > 2 else { return nil }
        reason = String(words[2].dropFirst().dropLast())
    }

    /// The kind, and whether and why it is invalid.
    public var kernelText: String {
        kind.rawValue + (isInvalid ? " invalid" : "") + (reason.map { " (\($0))" } ?? "")
    }
    /// In words.
    public static var form: String { "member, root or isolated" }
    /// That it is invalid is for the kernel to say.
    public var refusal: String? { isInvalid ? "a partition is asked for by its kind alone" : nil }

    /// A text with another word is refused.
    public static func refusal(ofText text: Substring, in file: CgroupFile) -> String? {
        guard let value = Self(kernelText: text), [.member, .root, .isolated].contains(value.kind) else {
            return "\(file.name) takes \(form)"
        }
        return value.refusal
    }
}
