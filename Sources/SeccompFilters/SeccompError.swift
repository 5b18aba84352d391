// SPDX-License-Identifier: Apache-2.0

internal import CLibseccomp
internal import LinuxKernel

/// Why a filter or profile cannot be read, compiled or installed.
public enum SeccompError: Error, Hashable, Sendable {
    /// What is wrong, and where in a profile: `syscalls[3].action`.
    indirect case field(path: String, reason: SeccompError)
    /// The text is no JSON.
    case malformedText(line: Int, column: Int, reason: String)
    /// A field has another kind of value.
    case wrongKind(expected: String, found: String)
    /// A field that must be there is not.
    case missing
    /// libseccomp does not know the system call.
    case unknownSyscall(String)
    /// libseccomp does not know the architecture.
    case unknownArchitecture(String)
    /// Not one of the OCI's actions.
    case unknownAction(String)
    /// An action that cannot stand here.
    case unsupportedAction(String)
    /// Not one of the OCI's comparisons.
    case unknownOperator(String)
    /// Not one of the kernel's flags.
    case unknownFlag(String)
    /// Not the name of an error number.
    case unknownErrno(String)
    /// A system call has six arguments.
    case argumentOutOfRange(UInt32)
    /// Not a kernel version such as `4.8`.
    case malformedKernelVersion(String)
    /// An error number that does not fit the kernel's 16 bits.
    case errnoOutOfRange(Int)
    /// Two fields of a profile that say the same thing.
    case ambiguousProfile(String)
    /// libseccomp refused a rule.
    case refusedRule(syscall: String, errno: Int32)
    /// libseccomp refused another call.
    case refused(call: String, subject: String, errno: Int32)
    /// The program has more than the kernel's 4,096 instructions.
    case tooLong
    /// The filter notifies a listener, and nobody listens.
    case needsListener
    /// The kernel refused the program.
    case notInstalled(errno: Int32)
    /// A thread of this process has a filter that the others do not have.
    case notSynchronized(thread: Int)
}

extension SeccompError: CustomStringConvertible {
    /// What is wrong, with the value it is wrong in.
    public var description: String {
        switch self {
        case .field(let path, let reason): "\(path): \(reason)"
        case .malformedText(let line, let column, let reason): "line \(line), column \(column): \(reason)"
        case .wrongKind(let expected, let found): "expected \(expected), found \(found)"
        case .missing: "is missing"
        case .unknownSyscall(let name):
            "'\(name)' is no system call that the installed libseccomp knows"
                + nearMatchHint(to: name, among: SystemCall.names(on: .native))
        case .unknownArchitecture(let name):
            "'\(name)' is no architecture that the installed libseccomp knows"
                + nearMatchHint(to: name, among: SeccompFilter.Architecture.spellings)
        case .unknownAction(let name):
            "'\(name)' is not a seccomp action" + nearMatchHint(to: name, among: SeccompProfile.actionNames)
        case .unsupportedAction(let name): "the seccomp action \(name) cannot stand here"
        case .unknownOperator(let name):
            "'\(name)' is not a seccomp comparison" + nearMatchHint(to: name, among: SeccompProfile.operatorNames)
        case .unknownFlag(let name):
            "'\(name)' is not a seccomp flag" + nearMatchHint(to: name, among: SeccompProfile.flagNames.map(\.name))
        case .unknownErrno(let name):
            "'\(name)' is not the name of an error number" + nearMatchHint(to: name, among: errnoNames.keys)
        case .argumentOutOfRange(let index): "\(index) is no argument of a system call: expected 0 to 5"
        case .malformedKernelVersion(let text): "'\(text)' is not a kernel version (such as 4.8)"
        case .errnoOutOfRange(let number): "\(number) is no error number: expected 0 to 65535"
        case .ambiguousProfile(let fields): "a seccomp profile has either \(fields), not both"
        case .refusedRule(let syscall, let errno): "libseccomp refuses the rule for \(syscall): errno \(errno)"
        case .refused("seccomp_arch_add", let subject, EDOM):
            "a filter for \(subject) cannot be made here: it has another byte order than this machine"
        case .refused(let call, let subject, let errno): "\(call) \(subject): errno \(errno)"
        case .tooLong: "the seccomp program is longer than the kernel's 4096 instructions"
        case .needsListener: "the filter notifies a listener (SCMP_ACT_NOTIFY), and nobody listens"
        case .notInstalled(let errno): "the kernel refuses the seccomp program: errno \(errno)"
        case .notSynchronized(let thread): "thread \(thread) has a seccomp filter of its own"
        }
    }
}
