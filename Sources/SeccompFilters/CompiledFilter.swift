// SPDX-License-Identifier: Apache-2.0

internal import CLibseccomp
internal import Synchronization

/// A filter as the kernel takes it.
public struct CompiledFilter: Hashable, Sendable {
    /// The BPF program: one word an instruction, in memory a C array of `struct sock_filter`.
    public let instructions: [UInt64]
    /// Names of system calls that the filter has rules for and the installed libseccomp does not know: their rules are
    /// not in the program.
    public let unknownSyscalls: [String]
    /// How the kernel is to install it.
    public let flags: SeccompFilter.Flags
    /// Whether a system call may be left to a listener: the filter is then of use only to who installs it with
    /// `SECCOMP_FILTER_FLAG_NEW_LISTENER` and holds the descriptor that this gives. A process that sends the descriptor
    /// away must not need the listener's answer for that.
    public let needsListener: Bool

    /// Puts the filter over every thread of the calling process, for good, and gives up gaining privileges by
    /// `execve`. A launch does this in the child instead. A filter that needs a listener is refused: the process would wait
    /// for its own answers. C name: `seccomp`. Since Linux 3.17.
    public func install() throws(SeccompError) {
        if needsListener { throw .needsListener }
        guard let count = UInt16(exactly: instructions.count) else { throw .tooLong }
        let result = unsafe instructions.withUnsafeBufferPointer { words -> Int in
            guard let first = words.baseAddress else { return -Int(EINVAL) }
            return unsafe bk_seccomp_install(first, count, flags.rawValue)
        }
        if result > 0 { throw .notSynchronized(thread: result) }
        if result < 0 { throw .notInstalled(errno: Int32(-result)) }
    }
}

extension SeccompFilter {
    /// Compiles the filter; equal filters give equal programs, and the last sixteen are kept.
    ///
    /// A rule whose action is the default changes nothing and is left out. A name that libseccomp does not know is
    /// left out and listed in the result, so that one profile serves many hosts, or refused where `strict`. `native` is
    /// the architecture that the rules are about beside ``architectures``: another than this machine's to look at it only.
    public func compiled(
        strict: Bool = false, for native: Architecture = .native
    ) throws(SeccompError) -> CompiledFilter {
        let key = CompiledFilterCache.Key(filter: self, isStrict: strict, native: native)
        if let kept = CompiledFilterCache.shared.filter(for: key) { return kept }
        let made = try compile(strict: strict, for: native)
        CompiledFilterCache.shared.keep(made, for: key)
        return made
    }

    private func compile(strict: Bool, for native: Architecture) throws(SeccompError) -> CompiledFilter {
        let context = try Context(default: defaultAction)
        try context.set(SCMP_FLTATR_ACT_BADARCH, foreignAction.code, "\(foreignAction)")
        if native != .native { try context.replaceNative(with: native) }
        for architecture in architectures where architecture != native { try context.add(architecture) }
        var unknown: [String] = []
        var needsListener = false
        var hasRules = false
        for rule in rules where rule.action != defaultAction {
            for name in rule.syscalls {
                if let number = syscallNumber(name) {
                    try context.add(rule, number, name)
                    hasRules = true
                    if rule.action == .notify { needsListener = true }
                } else if strict {
                    throw .unknownSyscall(name)
                } else if !unknown.contains(name) {
                    unknown.append(name)
                }
            }
        }
        // A binary tree over the numbers: a call costs a dozen comparisons and not one for each rule. libseccomp up to
        // 2.5.4 makes nonsense of a tree without rules.
        if hasRules { try context.set(SCMP_FLTATR_CTL_OPTIMIZE, 2, "a binary tree") }
        let program = newerGuard(native) + (try context.program())
        if program.count > 4096 { throw .tooLong }
        return CompiledFilter(
            instructions: program, unknownSyscalls: unknown, flags: flags,
            needsListener: needsListener || defaultAction == .notify)
    }
}

/// The filters compiled last. A node starts the same few over and over.
private final class CompiledFilterCache: Sendable {
    struct Key: Hashable {
        var filter: SeccompFilter
        var isStrict: Bool
        var native: SeccompFilter.Architecture
    }

    static let shared = CompiledFilterCache()
    private static let capacity = 16
    private let kept = Mutex<[(key: Key, filter: CompiledFilter)]>([])

    func filter(for key: Key) -> CompiledFilter? {
        kept.withLock { kept in
            guard let index = kept.firstIndex(where: { $0.key == key }) else { return nil }
            let entry = kept.remove(at: index)
            kept.append(entry)
            return entry.filter
        }
    }

    func keep(_ filter: CompiledFilter, for key: Key) {
        kept.withLock { kept in
            if kept.count == Self.capacity { kept.removeFirst() }
            kept.append((key, filter))
        }
    }
}

/// A libseccomp filter context, released with its owner.
@safe private struct Context: ~Copyable {
    // The kernel's limit on a program. C name: BPF_MAXINSNS.
    private static let maximumInstructions = 4096

    private let pointer: UnsafeMutableRawPointer

    init(default action: SeccompFilter.Action) throws(SeccompError) {
        guard let made = unsafe seccomp_init(action.code) else {
            throw .refused(call: "seccomp_init", subject: "\(action)", errno: EINVAL)
        }
        unsafe pointer = made
    }

    deinit { unsafe seccomp_release(pointer) }

    // The subject is for the error alone: printing an action takes longer than compiling a filter.
    func set(
        _ attribute: scmp_filter_attr, _ value: UInt32, _ subject: @autoclosure () -> String
    ) throws(SeccompError) {
        let result = unsafe seccomp_attr_set(pointer, attribute, value)
        if result != 0 { throw .refused(call: "seccomp_attr_set", subject: subject(), errno: -result) }
    }

    func replaceNative(with architecture: SeccompFilter.Architecture) throws(SeccompError) {
        // Added first, for a filter without any is refused; one of another byte order cannot be beside it.
        try add(architecture)
        let result = unsafe seccomp_arch_remove(pointer, SeccompFilter.Architecture.native.token)
        if result != 0 { throw .refused(call: "seccomp_arch_remove", subject: "native", errno: -result) }
    }

    func add(_ architecture: SeccompFilter.Architecture) throws(SeccompError) {
        let token = architecture.token
        if token == 0 { throw .unknownArchitecture(architecture.rawValue) }
        let result = unsafe seccomp_arch_add(pointer, token)
        if result != 0 && result != -EEXIST {
            throw .refused(call: "seccomp_arch_add", subject: architecture.rawValue, errno: -result)
        }
    }

    func add(_ rule: SeccompFilter.Rule, _ number: Int32, _ name: String) throws(SeccompError) {
        let comparisons = rule.arguments.map(\.comparison)
        let result = unsafe comparisons.withUnsafeBufferPointer {
            unsafe seccomp_rule_add_array(pointer, rule.action.code, number, UInt32($0.count), $0.baseAddress)
        }
        if result != 0 { throw .refusedRule(syscall: name, errno: -result) }
    }

    func program() throws(SeccompError) -> [UInt64] {
        var result = 0
        let words = unsafe [UInt64](unsafeUninitializedCapacity: Self.maximumInstructions) { buffer, count in
            if let first = buffer.baseAddress { result = unsafe bk_seccomp_export(pointer, first, buffer.count) }
            count = max(result, 0)
        }
        if result == -Int(E2BIG) { throw .tooLong }
        if result < 0 { throw .refused(call: "seccomp_export_bpf", subject: "program", errno: Int32(-result)) }
        return words
    }
}

extension SeccompFilter.Action {
    /// EPERM, the usual refusal.
    public static var notPermitted: SeccompFilter.Action { .errno(UInt16(EPERM)) }
    /// ENOSYS, what a kernel without the call answers; programs then try another way.
    public static var notImplemented: SeccompFilter.Action { .errno(UInt16(ENOSYS)) }

    /// The kernel's 32-bit answer. C names: `SECCOMP_RET_ALLOW` and so on.
    var code: UInt32 {
        switch self {
        case .killProcess: SCMP_ACT_KILL_PROCESS
        case .killThread: SCMP_ACT_KILL_THREAD
        case .trap: SCMP_ACT_TRAP
        case .errno(let number): 0x0005_0000 | UInt32(number)
        case .trace(let number): 0x7ff0_0000 | UInt32(number)
        case .notify: SCMP_ACT_NOTIFY
        case .log: SCMP_ACT_LOG
        case .allow: SCMP_ACT_ALLOW
        }
    }
}

extension SeccompFilter.Argument {
    fileprivate var comparison: scmp_arg_cmp {
        let (op, a, b): (scmp_compare, UInt64, UInt64) =
            switch test {
            case .notEqual(let value): (SCMP_CMP_NE, value, 0)
            case .less(let value): (SCMP_CMP_LT, value, 0)
            case .lessOrEqual(let value): (SCMP_CMP_LE, value, 0)
            case .equal(let value): (SCMP_CMP_EQ, value, 0)
            case .greaterOrEqual(let value): (SCMP_CMP_GE, value, 0)
            case .greater(let value): (SCMP_CMP_GT, value, 0)
            case .maskedEqual(let mask, let value): (SCMP_CMP_MASKED_EQ, mask, value)
            }
        return scmp_arg_cmp(arg: index, op: op, datum_a: a, datum_b: b)
    }
}
