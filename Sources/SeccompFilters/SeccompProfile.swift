// SPDX-License-Identifier: Apache-2.0

/// A seccomp profile as Docker, Podman and the OCI write it in JSON. ``resolved(for:)`` makes it a filter.
///
/// The names are the format's own. ``init(parsing:)`` reads the whole format; what it does not have is passed over and
/// listed in ``unknownFields``.
public struct SeccompProfile: Hashable, Sendable {
    /// What happens to a system call that no entry names: `SCMP_ACT_ERRNO`, `SCMP_ACT_ALLOW`, …
    public var defaultAction: String
    /// The error number of the default action; EPERM where it has none.
    public var defaultErrnoRet: Int?
    /// The same by name (`ENOSYS`), as Podman writes it; it wins over the number.
    public var defaultErrno: String?
    /// Architectures beside the native one, as `SCMP_ARCH_X86`.
    public var architectures: [String]?
    /// The same by native architecture. A profile has either.
    public var archMap: [ArchMapEntry]?
    /// Flags of the installation, as `SECCOMP_FILTER_FLAG_LOG`.
    public var flags: [String]?
    /// The socket of who answers for `SCMP_ACT_NOTIFY`.
    public var listenerPath: String?
    /// What it is told with the listener.
    public var listenerMetadata: String?
    /// The entries.
    public var syscalls: [Syscalls]?
    /// Where in the document there are fields that the format does not have: a misspelled one has no effect.
    public var unknownFields: [String] = []

    /// A profile without entries.
    public init(defaultAction: String) { self.defaultAction = defaultAction }

    /// Which other architectures go with a native one.
    public struct ArchMapEntry: Hashable, Sendable {
        /// The native architecture.
        public var architecture: String
        /// Those that its kernel runs too.
        public var subArchitectures: [String]?
    }

    /// One action for some system calls.
    public struct Syscalls: Hashable, Sendable {
        /// The names.
        public var names: [String]?
        /// The old form: a single name.
        public var name: String?
        /// What happens to them.
        public var action: String
        /// The error number of the action; EPERM where it has none.
        public var errnoRet: Int?
        /// The same by name, as Podman writes it; it wins over the number.
        public var errno: String?
        /// What must hold for the arguments.
        public var args: [Argument]?
        /// When the entry counts.
        public var includes: Condition?
        /// When it does not.
        public var excludes: Condition?
        /// What its author says of it.
        public var comment: String?

        /// An entry.
        public init(_ names: [String], action: String) {
            self.names = names
            self.action = action
        }
    }

    /// A comparison of an argument.
    public struct Argument: Hashable, Sendable {
        /// Which argument, 0 to 5.
        public var index: UInt32
        /// The number to compare with; for `SCMP_CMP_MASKED_EQ` the mask.
        public var value: UInt64
        /// For `SCMP_CMP_MASKED_EQ` the number to compare with.
        public var valueTwo: UInt64?
        /// The comparison, as `SCMP_CMP_EQ`.
        public var op: String
    }

    /// A condition on the host and the workload; in `includes` all must hold, in `excludes` none may.
    public struct Condition: Hashable, Sendable {
        /// Capabilities of the workload's bounding set.
        public var caps: [String]?
        /// Architectures, by Go's or libseccomp's name.
        public var arches: [String]?
        /// The oldest kernel, as `4.8`.
        public var minKernel: String?
    }
}
