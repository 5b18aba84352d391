// SPDX-License-Identifier: Apache-2.0

/// A limit of the command (`prlimit`), which what it starts inherits.
public struct ResourceLimit: Hashable, Sendable, CustomStringConvertible {
    /// What is limited, by the kernel's number.
    public struct Kind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The kernel's number.
        public let rawValue: UInt32
        /// A kind by its number; those without a name here are kept.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// A kind by its name, such as `RLIMIT_NOFILE`, as an OCI configuration has it, or `nofile`.
        public init?(named name: String) {
            let upper = name.uppercased()
            let bare = upper.hasPrefix("RLIMIT_") ? String(upper.dropFirst(7)) : upper
            guard let number = Self.names.firstIndex(of: bare) else { return nil }
            rawValue = UInt32(number)
        }

        /// `RLIMIT_CPU`: seconds of processor time.
        public static let cpu = Kind(rawValue: 0)
        /// `RLIMIT_FSIZE`: bytes of a file.
        public static let fileSize = Kind(rawValue: 1)
        /// `RLIMIT_DATA`: bytes of data.
        public static let data = Kind(rawValue: 2)
        /// `RLIMIT_STACK`: bytes of the stack.
        public static let stack = Kind(rawValue: 3)
        /// `RLIMIT_CORE`: bytes of a core dump.
        public static let core = Kind(rawValue: 4)
        /// `RLIMIT_RSS`: of no effect.
        public static let residentSet = Kind(rawValue: 5)
        /// `RLIMIT_NPROC`: processes of the user, in its user namespace and each above (since Linux 5.14; of the user before).
        public static let processes = Kind(rawValue: 6)
        /// `RLIMIT_NOFILE`: one more than the highest descriptor.
        public static let openFiles = Kind(rawValue: 7)
        /// `RLIMIT_MEMLOCK`: bytes of locked memory.
        public static let lockedMemory = Kind(rawValue: 8)
        /// `RLIMIT_AS`: bytes of address space.
        public static let addressSpace = Kind(rawValue: 9)
        /// `RLIMIT_LOCKS`: of no effect.
        public static let locks = Kind(rawValue: 10)
        /// `RLIMIT_SIGPENDING`: queued signals of the user.
        public static let pendingSignals = Kind(rawValue: 11)
        /// `RLIMIT_MSGQUEUE`: bytes of POSIX message queues of the user.
        public static let messageQueues = Kind(rawValue: 12)
        /// `RLIMIT_NICE`: 20 less the lowest niceness.
        public static let niceness = Kind(rawValue: 13)
        /// `RLIMIT_RTPRIO`: the highest real-time priority.
        public static let realTimePriority = Kind(rawValue: 14)
        /// `RLIMIT_RTTIME`: microseconds of real-time scheduling without a blocking call.
        public static let realTimeMicroseconds = Kind(rawValue: 15)

        private static let names = [
            "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS", "LOCKS", "SIGPENDING",
            "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
        ]

        /// The C name, such as `RLIMIT_NOFILE`.
        public var description: String {
            Self.names.indices.contains(Int(rawValue)) ? "RLIMIT_\(Self.names[Int(rawValue)])" : "RLIMIT \(rawValue)"
        }
    }

    /// What is limited.
    public var kind: Kind
    /// What the kernel enforces; `.max` is no limit.
    public var soft: UInt64
    /// How far the command may raise it; `.max` is no limit. More than the caller's own takes CAP_SYS_RESOURCE.
    public var hard: UInt64

    /// A soft limit and a hard one; one alone is both.
    public init(_ kind: Kind, soft: UInt64, hard: UInt64? = nil) {
        self.kind = kind
        self.soft = soft
        self.hard = hard ?? soft
    }

    /// As `RLIMIT_NOFILE 1024:524288`.
    public var description: String {
        func text(_ value: UInt64) -> String { value == .max ? "unlimited" : "\(value)" }
        return "\(kind) \(text(soft)):\(text(hard))"
    }
}
