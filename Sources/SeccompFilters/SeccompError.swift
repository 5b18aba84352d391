// SPDX-License-Identifier: Apache-2.0

/// Why a filter or profile cannot be read, compiled or installed.
public enum SeccompError: Error, Hashable, Sendable {
    /// libseccomp does not know the system call.
    case unknownSyscall(String)
    /// libseccomp does not know the architecture.
    case unknownArchitecture(String)
    /// Not one of the OCI's actions.
    case unknownAction(String)
    /// An action that needs somebody listening, which is not supported.
    case unsupportedAction(String)
    /// Not one of the OCI's comparisons.
    case unknownOperator(String)
    /// Not a kernel version such as `4.8`.
    case malformedKernelVersion(String)
    /// An error number that does not fit the kernel's 16 bits.
    case errnoOutOfRange(Int, syscalls: [String])
    /// Two fields of a profile that say the same thing.
    case ambiguousProfile(String)
    /// libseccomp refused a rule.
    case refusedRule(syscall: String, errno: Int32)
    /// libseccomp refused another call.
    case refused(call: String, subject: String, errno: Int32)
    /// The program has more than the kernel's 4,096 instructions.
    case tooLong
    /// The kernel refused the program.
    case notInstalled(errno: Int32)
    /// A thread of this process has a filter that the others do not have.
    case notSynchronized(thread: Int)
}

extension SeccompError: CustomStringConvertible {
    /// What is wrong, with the value it is wrong in.
    public var description: String {
        switch self {
        case .unknownSyscall(let name): "'\(name)' is no system call that the installed libseccomp knows"
        case .unknownArchitecture(let name): "'\(name)' is no architecture that the installed libseccomp knows"
        case .unknownAction(let name): "'\(name)' is not a seccomp action"
        case .unsupportedAction(let name): "the seccomp action \(name) needs a listener, which is not supported"
        case .unknownOperator(let name): "'\(name)' is not a seccomp comparison"
        case .malformedKernelVersion(let text): "'\(text)' is not a kernel version (such as 4.8)"
        case .errnoOutOfRange(let number, let syscalls):
            "errnoRet \(number) for \(syscalls.joined(separator: ", ")): expected 0 to 65535"
        case .ambiguousProfile(let fields): "a seccomp profile has either \(fields), not both"
        case .refusedRule(let syscall, let errno): "libseccomp refuses the rule for \(syscall): errno \(errno)"
        case .refused(let call, let subject, let errno): "\(call) \(subject): errno \(errno)"
        case .tooLong: "the seccomp program is longer than the kernel's 4096 instructions"
        case .notInstalled(let errno): "the kernel refuses the seccomp program: errno \(errno)"
        case .notSynchronized(let thread): "thread \(thread) has a seccomp filter of its own"
        }
    }
}
