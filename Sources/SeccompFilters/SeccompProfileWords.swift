// SPDX-License-Identifier: Apache-2.0

extension SeccompProfile.Syscalls {
    /// What the entry says, conditions aside.
    func rules(_ path: String) throws(SeccompError) -> [SeccompFilter.Rule] {
        if name != nil, names?.isEmpty == false {
            throw .field(path: path + ".name", reason: .ambiguousProfile("name or names"))
        }
        let names = name.map { [$0] } ?? names ?? []
        if let index = names.firstIndex(of: "") {
            throw .field(path: name == nil ? "\(path).names[\(index)]" : path + ".name", reason: .unknownSyscall(""))
        }
        let action = try readAction(
            action, errnoRet, errno, path + ".action", path + ".errnoRet", path + ".errno")
        var arguments: [SeccompFilter.Argument] = []
        for (index, argument) in (args ?? []).enumerated() {
            arguments.append(try argument.comparison("\(path).args[\(index)]"))
        }
        // libseccomp takes one comparison an argument; of several, runc makes alternatives, and so does everybody's
        // profile mean them.
        if Set(arguments.map(\.index)).count < arguments.count {
            return arguments.map { SeccompFilter.Rule(action, names, where: [$0]) }
        }
        return [SeccompFilter.Rule(action, names, where: arguments)]
    }
}

extension SeccompProfile.Argument {
    fileprivate func comparison(_ path: String) throws(SeccompError) -> SeccompFilter.Argument {
        if index > 5 { throw .field(path: path + ".index", reason: .argumentOutOfRange(index)) }
        let test: SeccompFilter.Test =
            switch op {
            case "SCMP_CMP_NE": .notEqual(value)
            case "SCMP_CMP_LT": .less(value)
            case "SCMP_CMP_LE": .lessOrEqual(value)
            case "SCMP_CMP_EQ": .equal(value)
            case "SCMP_CMP_GE": .greaterOrEqual(value)
            case "SCMP_CMP_GT": .greater(value)
            case "SCMP_CMP_MASKED_EQ": .maskedEqual(mask: value, valueTwo ?? 0)
            default: throw .field(path: path + ".op", reason: .unknownOperator(op))
            }
        return SeccompFilter.Argument(index, test)
    }
}

extension SeccompProfile {
    static let actionNames = [
        "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO",
        "SCMP_ACT_TRACE", "SCMP_ACT_LOG", "SCMP_ACT_ALLOW", "SCMP_ACT_NOTIFY",
    ]
    static let operatorNames = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"].map { "SCMP_CMP_" + $0 }
    static let flagNames: [(name: String, flag: SeccompFilter.Flags)] = [
        // A command has one thread when its filter is installed, so there is nothing to synchronise.
        ("SECCOMP_FILTER_FLAG_TSYNC", []), ("SECCOMP_FILTER_FLAG_LOG", .log),
        ("SECCOMP_FILTER_FLAG_SPEC_ALLOW", .speculationAllowed),
        ("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", .killableWait),
    ]
}

/// An action with its error number, which the name gives where there is one; each error names the field it is in.
func readAction(
    _ name: String, _ number: Int?, _ errno: String?, _ path: String, _ numberPath: String, _ errnoPath: String
) throws(SeccompError) -> SeccompFilter.Action {
    var value = number ?? 1
    if let errno, !errno.isEmpty {
        guard let named = errnoNames[errno] else { throw .field(path: errnoPath, reason: .unknownErrno(errno)) }
        value = Int(named)
    }
    guard let number = UInt16(exactly: value) else { throw .field(path: numberPath, reason: .errnoOutOfRange(value)) }
    switch name {
    case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return .killThread
    case "SCMP_ACT_KILL_PROCESS": return .killProcess
    case "SCMP_ACT_TRAP": return .trap
    case "SCMP_ACT_ERRNO": return .errno(number)
    case "SCMP_ACT_TRACE": return .trace(number)
    case "SCMP_ACT_LOG": return .log
    case "SCMP_ACT_ALLOW": return .allow
    case "SCMP_ACT_NOTIFY": return .notify
    default: throw .field(path: path, reason: .unknownAction(name))
    }
}

/// The error numbers that a filter may sensibly answer with; the same on x86 and ARM.
let errnoNames: [String: UInt16] = [
    "EPERM": 1, "ENOENT": 2, "ESRCH": 3, "EINTR": 4, "EIO": 5, "ENXIO": 6, "E2BIG": 7, "ENOEXEC": 8, "EBADF": 9,
    "ECHILD": 10, "EAGAIN": 11, "EWOULDBLOCK": 11, "ENOMEM": 12, "EACCES": 13, "EFAULT": 14, "ENOTBLK": 15,
    "EBUSY": 16, "EEXIST": 17, "EXDEV": 18, "ENODEV": 19, "ENOTDIR": 20, "EISDIR": 21, "EINVAL": 22, "ENFILE": 23,
    "EMFILE": 24, "ENOTTY": 25, "ETXTBSY": 26, "EFBIG": 27, "ENOSPC": 28, "ESPIPE": 29, "EROFS": 30, "EMLINK": 31,
    "EPIPE": 32, "EDOM": 33, "ERANGE": 34, "EDEADLK": 35, "ENAMETOOLONG": 36, "ENOLCK": 37, "ENOSYS": 38,
    "ENOTEMPTY": 39, "ELOOP": 40, "ENODATA": 61, "ENOLINK": 67, "EPROTO": 71, "EOVERFLOW": 75, "EUSERS": 87,
    "ENOTSOCK": 88, "EPROTOTYPE": 91, "ENOPROTOOPT": 92, "EPROTONOSUPPORT": 93, "ESOCKTNOSUPPORT": 94,
    "EOPNOTSUPP": 95, "ENOTSUP": 95, "EPFNOSUPPORT": 96, "EAFNOSUPPORT": 97, "EADDRINUSE": 98,
    "EADDRNOTAVAIL": 99, "ENETDOWN": 100, "ENETUNREACH": 101, "ECONNREFUSED": 111, "EHOSTUNREACH": 113,
    "EDQUOT": 122, "ECANCELED": 125,
]
