// SPDX-License-Identifier: Apache-2.0

/// Which system calls a workload may make: a value that compares, prints and compiles to a BPF program.
///
/// Rules are matched by libseccomp's meaning, not by order: a rule for one system call wins over the default action, and
/// a rule without comparisons over those with some for the same call. Where two with comparisons and other actions both
/// hold, which wins is libseccomp's affair: ``CompiledFilter/action(on:)`` tells.
public struct SeccompFilter: Hashable, Sendable {
    /// What happens to a system call that no rule names.
    public var defaultAction: Action
    /// What happens to a system call of an architecture that is not in ``architectures``; on x86-64 that includes x32.
    /// ENOSYS is what a kernel without that architecture answers, and kills nobody who only asks.
    public var foreignAction: Action
    /// The architectures whose system calls are filtered, beside the native one, which always is.
    public var architectures: [Architecture]
    /// The rules.
    public var rules: [Rule]
    /// What happens to a system call whose number is above all that the rules name, on its architecture: it is newer than
    /// the rules. Nil gives it the default action.
    public var newerAction: Action?
    /// How the kernel is to install it.
    public var flags: Flags = []

    /// A filter.
    public init(
        default defaultAction: Action, foreign foreignAction: Action = .notImplemented,
        architectures: [Architecture] = [], rules: [Rule] = [], newer newerAction: Action? = nil
    ) {
        self.defaultAction = defaultAction
        self.foreignAction = foreignAction
        self.architectures = architectures
        self.rules = rules
        self.newerAction = newerAction
    }

    /// How the kernel is to install a filter.
    public struct Flags: OptionSet, Hashable, Sendable {
        /// The kernel's bits; those without a name here are kept.
        public let rawValue: UInt32
        /// A set of bits as the kernel has them.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Logs what is not allowed. C name: `SECCOMP_FILTER_FLAG_LOG`. Since Linux 4.14.
        public static let log = Flags(rawValue: 1 << 1)
        /// Leaves off the guard against speculative store bypass. C name: `SECCOMP_FILTER_FLAG_SPEC_ALLOW`. Since Linux
        /// 4.17.
        public static let speculationAllowed = Flags(rawValue: 1 << 2)
        /// Who waits for the listener's answer can only be killed. C name: `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`.
        /// Since Linux 5.19.
        public static let killableWait = Flags(rawValue: 1 << 5)
    }

    /// What the kernel does with a system call.
    public enum Action: Hashable, Sendable {
        /// Ends the process. C name: `SCMP_ACT_KILL_PROCESS`. Since Linux 4.14.
        case killProcess
        /// Ends the thread. C name: `SCMP_ACT_KILL_THREAD`.
        case killThread
        /// Sends SIGSYS. C name: `SCMP_ACT_TRAP`.
        case trap
        /// Fails the call with an error number. C name: `SCMP_ACT_ERRNO`.
        case errno(UInt16)
        /// Tells a tracer, which finds the number in the event's message. C name: `SCMP_ACT_TRACE`.
        case trace(UInt16)
        /// Asks whoever holds the listener that comes with the installation, and waits. C name: `SCMP_ACT_NOTIFY`. Since
        /// Linux 5.0.
        case notify
        /// Lets it pass, and logs it. C name: `SCMP_ACT_LOG`. Since Linux 4.14.
        case log
        /// Lets it pass. C name: `SCMP_ACT_ALLOW`.
        case allow
    }

    /// An action for some system calls, where all comparisons hold.
    public struct Rule: Hashable, Sendable {
        /// Names of system calls, as in `syscalls(2)`.
        public var syscalls: [String]
        /// What happens to them.
        public var action: Action
        /// What must hold for the arguments: all of it, at most one comparison an argument.
        public var arguments: [Argument]

        /// A rule.
        public init(_ action: Action, _ syscalls: [String], where arguments: [Argument] = []) {
            self.syscalls = syscalls
            self.action = action
            self.arguments = arguments
        }
    }

    /// A comparison of one argument of a system call, as an unsigned 64-bit number.
    ///
    /// The kernel passes all 64 bits on, but reads only 32 of most: compare an `int` with ``Test/low32(_:)``, or a
    /// caller passes by with a bit set above.
    public struct Argument: Hashable, Sendable {
        /// Which argument, 0 to 5.
        public var index: UInt32
        /// What must hold for it.
        public var test: Test

        /// A comparison.
        public init(_ index: UInt32, _ test: Test) {
            self.index = index
            self.test = test
        }
    }

    /// What must hold for an argument.
    public enum Test: Hashable, Sendable {
        /// Is another number. C name: `SCMP_CMP_NE`.
        case notEqual(UInt64)
        /// Is less. C name: `SCMP_CMP_LT`.
        case less(UInt64)
        /// Is less or equal. C name: `SCMP_CMP_LE`.
        case lessOrEqual(UInt64)
        /// Is equal. C name: `SCMP_CMP_EQ`.
        case equal(UInt64)
        /// Is greater or equal. C name: `SCMP_CMP_GE`.
        case greaterOrEqual(UInt64)
        /// Is greater. C name: `SCMP_CMP_GT`.
        case greater(UInt64)
        /// The bits of the mask are these. C name: `SCMP_CMP_MASKED_EQ`.
        case maskedEqual(mask: UInt64, UInt64)

        /// The low 32 bits are these.
        public static func low32(_ value: UInt32) -> Test { .maskedEqual(mask: 0xffff_ffff, UInt64(value)) }
    }
}

extension SeccompFilter.Test {
    /// Tests, for a rule each, of which one holds exactly where the low 32 bits have one set that is not in `harmless`,
    /// but are not all set: -1 is a question to many calls.
    ///
    /// libseccomp takes neither two comparisons of one argument nor a rule with the default action, so "all but these"
    /// cannot be said to it directly. Seen as a ring, the other bits are partly set exactly where one is set and the
    /// next is not: two bits to a test. Where they are all set, it takes a harmless one that is not.
    static func low32(beyond harmless: UInt32) -> [SeccompFilter.Test] {
        let bits = (0..<32).map { UInt32(1) << $0 }
        let ring = bits.filter { harmless & $0 == 0 }
        let partly = zip(ring, ring.dropFirst() + ring.prefix(1)).map { bit, next in
            SeccompFilter.Test.maskedEqual(mask: UInt64(bit | next), UInt64(bit))
        }
        let all = bits.filter { harmless & $0 != 0 }.map { bit in
            SeccompFilter.Test.maskedEqual(mask: UInt64(~harmless | bit), UInt64(~harmless))
        }
        return partly + all
    }
}
