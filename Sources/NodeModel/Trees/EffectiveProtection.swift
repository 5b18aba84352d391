// SPDX-License-Identifier: Apache-2.0

/// What protection from reclaim a cgroup really has: for each level from below the reclaim's target down to it, what is
/// asked, what the kernel makes of it, and which ancestor cuts it.
///
/// `memory.min` and `memory.low` are two separate chains by one rule (``ofLevel(setting:usage:parentEffective:parentUsage:siblingsProtectedUsage:recursive:)``),
/// and so are `dmem.min` and `dmem.low`, in bytes: a page size of 1, always recursive. The kernel computes them anew each
/// time that reclaim walks the tree; they are in no file.
public struct EffectiveProtection: Sendable, Hashable {
    /// One of the two chains.
    public enum Knob: String, Sendable, Hashable, CaseIterable {
        /// Never reclaimed: `memory.min`.
        case min
        /// Reclaimed only when nothing unprotected is left: `memory.low`.
        case low
    }

    /// Why an ancestor cuts what is claimed below it.
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        /// It asks for nothing, so whatever is claimed below is worth nothing.
        case asksNothing
        /// It asks for less than this one child claims.
        case asksLess
        /// Its children claim more together than it has, and share it by their claims.
        case shared
    }

    /// Where protection is lost.
    public struct Cut: Sendable, Hashable {
        /// The ancestor that has too little for its children.
        public var by: CgroupPath
        /// The child of it on the way down, whose claim is cut.
        public var child: CgroupPath
        /// Why that is too little.
        public var reason: Reason
        /// What that ancestor asks for.
        public var asked: ByteCount
        /// What it has for its children.
        public var has: ByteCount
        /// What its children claim together.
        public var claimed: ByteCount
    }

    /// One chain at one level.
    public struct Share: Sendable, Hashable {
        /// What the file says.
        public var asked: ByteCount
        /// How much reclaim spares now; nil for a cgroup that uses nothing, for which the kernel computes nothing.
        public var effective: ByteCount?
        /// How much reclaim spares at least, whatever the siblings come to use, once the cgroup uses what it asks for.
        /// It is what is asked when no ancestor asks for less than its children together.
        public var assured: ByteCount
        /// The ancestor on whose account `effective` is less than what is both asked and used now; nil when it is not.
        public var cut: Cut?
        /// The ancestor on whose account less is assured than asked; nil when it is not.
        public var weakness: Cut?
    }

    /// One cgroup on the way down.
    public struct Level: Sendable, Hashable {
        /// Which.
        public var path: CgroupPath
        /// What it uses, with all below it.
        public var usage: ByteCount
        /// Its `memory.high`.
        public var high: ByteCount
        /// Its `memory.max`.
        public var max: ByteCount
        /// The chain of `memory.min`.
        public var min: Share
        /// The chain of `memory.low`.
        public var low: Share

        /// One of the two chains.
        public subscript(_ knob: Knob) -> Share { knob == .min ? min : low }
    }

    /// Where reclaim starts; nil for somewhere above the tree that is seen. Its own setting does not count.
    public let target: CgroupPath?
    /// Whether what is left over goes to unprotected use (`memory_recursiveprot`).
    public let recursive: Bool
    /// From the first level below the target down to the cgroup in question.
    public let levels: [Level]
}

/// Why the effective protection cannot be computed.
public enum EffectiveProtectionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The tree does not hold the cgroup.
    case noSuchCgroup(CgroupPath)
    /// Reclaim that starts there does not come to the cgroup, or the cgroup is where it starts.
    case notBelow(CgroupPath, target: CgroupPath)

    /// Names the cgroup and the cause.
    public var description: String {
        switch self {
        case .noSuchCgroup(let path): "the tree does not hold \(path)"
        case .notBelow(let path, let target):
            path == target
                ? "\(path) is where that reclaim starts: its own protection does not count there, only its children's"
                : "\(path) is not below \(target), so reclaim that starts there does not come to it"
        }
    }
}
