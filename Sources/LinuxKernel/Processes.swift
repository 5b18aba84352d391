// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// How a process ended.
public enum ExitStatus: Hashable, Sendable, CustomStringConvertible {
    /// It exited with this code.
    case exited(Int32)
    /// A signal ended it, with or without a core dump.
    case killed(signal: Int32)

    /// What a shell shows: the code, or 128 plus the signal.
    public var shellCode: Int32 {
        switch self {
        case .exited(let code): code
        case .killed(let signal): 128 + signal
        }
    }

    /// In words: `exited with code 1`, `was killed by signal 9`.
    public var description: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .killed(let signal): "was killed by signal \(signal)"
        }
    }
}

/// What a process used, as counted by the kernel (`struct rusage`).
public struct ResourceUsage: Hashable, Sendable {
    /// Processor time in user mode, in microseconds.
    public var userMicroseconds: Int64
    /// Processor time in the kernel, in microseconds.
    public var systemMicroseconds: Int64
    /// The largest resident size, in KiB.
    public var maxResidentKibibytes: Int64
}

/// How a child ended, with what it used.
public struct Exit: Hashable, Sendable {
    /// Code or signal.
    public var status: ExitStatus
    /// Time and memory.
    public var usage: ResourceUsage
    /// Somebody else has reaped it: the kernel remembers how it ended (since Linux 6.15), but `usage` is zero, for what it
    /// used is known to that somebody only.
    public var wasReapedElsewhere = false
}

/// The process system calls, by process descriptor.
package enum ProcessCall {
    /// `pidfd_open` (since Linux 5.3).
    package static func open(_ pid: Int32) throws(KernelError) -> Descriptor {
        Descriptor(owning: try valueOrError(bk_pidfd_open(pid, 0), "pidfd_open", "process \(pid)"))
    }

    /// `pidfd_send_signal` (since Linux 5.1); false when the process has ended.
    @discardableResult
    package static func send(signal: Int32, to process: borrowing Descriptor) throws(KernelError) -> Bool {
        let result = bk_pidfd_send_signal(process.number, signal)
        if result == -Errno.noSuchProcess.rawValue { return false }
        try valueOrError(result, "pidfd_send_signal", process.name, value: "\(signal)")
        return true
    }

    /// How a process ended that somebody has reaped (`ioctl` `PIDFD_GET_INFO`, since Linux 6.15); nil when the kernel does
    /// not tell.
    package static func exitOfReaped(_ process: borrowing Descriptor) -> Exit? {
        var status: Int32 = 0
        guard unsafe bk_pidfd_exit_status(process.number, &status) == 1 else { return nil }
        let signal = status & 0x7f
        return Exit(
            status: signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal: signal),
            usage: ResourceUsage(userMicroseconds: 0, systemMicroseconds: 0, maxResidentKibibytes: 0),
            wasReapedElsewhere: true)
    }

    /// A limit of a process, soft and hard (`prlimit`, since Linux 2.6.36).
    package static func limit(
        _ resource: UInt32, ofProcess pid: Int32, called name: String
    ) throws(KernelError) -> (soft: UInt64, hard: UInt64) {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        try valueOrError(unsafe bk_resource_limit(pid, resource, 0, &soft, &hard), "prlimit", name)
        return (soft, hard)
    }

    /// Sets a limit of a process (`prlimit`).
    package static func setLimit(
        _ resource: UInt32, ofProcess pid: Int32, to limit: (soft: UInt64, hard: UInt64), called name: String
    ) throws(KernelError) {
        var (soft, hard) = limit
        try valueOrError(unsafe bk_resource_limit(pid, resource, 1, &soft, &hard), "prlimit", name)
    }

    /// Sets the niceness of a process (`setpriority`).
    package static func setNiceness(_ niceness: Int32, ofProcess pid: Int32) throws(KernelError) {
        try valueOrError(bk_set_niceness(pid, niceness), "setpriority", "process \(pid)", value: "\(niceness)")
    }

    /// `waitid` `P_PIDFD` (since Linux 5.4): reaps the child. Nil when it still runs and `blocking` is false.
    package static func wait(for process: borrowing Descriptor, blocking: Bool) throws(KernelError) -> Exit? {
        try end(of: process, blocking: blocking, keeping: false)
    }

    /// The same, and the child is left to be reaped later (`WNOWAIT`): its number stays its own, and `/proc/PID` there.
    package static func peek(at process: borrowing Descriptor) throws(KernelError) -> ExitStatus? {
        try end(of: process, blocking: true, keeping: true)?.status
    }

    private static func end(
        of process: borrowing Descriptor, blocking: Bool, keeping: Bool
    ) throws(KernelError) -> Exit? {
        var raw = bk_exit()
        let number = process.number
        let result = uninterrupted { unsafe bk_wait_pidfd(number, blocking ? 1 : 0, keeping ? 1 : 0, &raw) }
        if result == -Errno.noChildProcess.rawValue {
            throw KernelError(
                "waitid P_PIDFD", process.name, errno: .noChildProcess,
                hint:
                    "somebody else in this process has waited for it, or SIGCHLD is ignored; before Linux 6.15 its end is "
                    + "lost then: use a reaper")
        }
        try valueOrError(result, "waitid P_PIDFD", process.name)
        guard result == 1 else { return nil }
        return Exit(
            status: raw.code == 1 ? .exited(raw.status) : .killed(signal: raw.status),
            usage: ResourceUsage(
                userMicroseconds: raw.user_microseconds, systemMicroseconds: raw.system_microseconds,
                maxResidentKibibytes: raw.max_resident_kibibytes))
    }

    /// The effective capabilities of the calling thread (`capget`).
    package static var effectiveCapabilities: UInt64 {
        var set: UInt64 = 0
        return unsafe bk_effective_capabilities(&set) == 0 ? set : 0
    }

    /// The number of a process by its descriptor (`Pid:` in `/proc/self/fdinfo`, since Linux 5.3).
    package static func number(of process: borrowing Descriptor) throws(KernelError) -> Int32 {
        let text = try readKernelFile(FilePath("/proc/self/fdinfo/\(process.number)"))
        let line = text.split(separator: "\n").first { $0.hasPrefix("Pid:") }
        guard let pid = line.flatMap({ Int32($0.dropFirst(4).trimmingPrefix { $0 == "\t" || $0 == " " }) }), pid > 0
        else {
            throw KernelError(
                "read", "fdinfo", in: process.name, errno: .noSuchProcess,
                hint: line == nil ? "this is no process descriptor" : "the process has ended, or is not visible here")
        }
        return pid
    }

    /// Whether the process may be looked into by its own user, and so its `/proc` files belong to that user
    /// (`PR_GET_DUMPABLE`): not after it has changed its ids.
    package static var isDumpable: Bool { bk_is_dumpable() == 1 }

    /// Whether set-user-ID programs run without effect (`PR_GET_NO_NEW_PRIVS`, since Linux 3.5).
    package static var hasNoNewPrivileges: Bool { bk_has_no_new_privileges() == 1 }

    /// The bytes of a memory page.
    package static var pageSize: UInt64 { UInt64(bk_page_size()) }
}

/// What `poll` reported of one descriptor.
package struct PollEvents: OptionSet, Hashable, Sendable {
    package let rawValue: Int16
    package init(rawValue: Int16) { self.rawValue = rawValue }
    package static let readable = PollEvents(rawValue: 0x1)
    package static let priority = PollEvents(rawValue: 0x2)
    package static let writable = PollEvents(rawValue: 0x4)
    package static let error = PollEvents(rawValue: 0x8)
    package static let hangUp = PollEvents(rawValue: 0x10)
}

/// Waits until one of up to 16 descriptors is ready (`poll`). Numbers, because a descriptor that is owned elsewhere
/// cannot be put into an array; -1 is skipped. An interrupting signal returns with nothing ready.
package func poll(
    _ numbers: [CInt], for events: PollEvents = [.readable], timeoutMilliseconds: Int32 = -1
) throws(KernelError) -> [PollEvents] {
    try poll(numbers.map { ($0, events) }, timeoutMilliseconds: timeoutMilliseconds)
}

/// The same, with each descriptor's own events.
package func poll(
    _ requests: [(number: CInt, events: PollEvents)], timeoutMilliseconds: Int32 = -1
) throws(KernelError) -> [PollEvents] {
    var ready = [Int16](repeating: 0, count: requests.count)
    let numbers = requests.map(\.number)
    let events = requests.map(\.events.rawValue)
    let result = unsafe numbers.withUnsafeBufferPointer { numbers in
        unsafe events.withUnsafeBufferPointer { events in
            unsafe ready.withUnsafeMutableBufferPointer { ready -> CInt in
                guard let first = numbers.baseAddress, let wanted = events.baseAddress, let out = ready.baseAddress
                else { return 0 }
                return unsafe bk_poll(first, wanted, out, numbers.count, timeoutMilliseconds)
            }
        }
    }
    if result != -Errno.interrupted.rawValue { try valueOrError(result, "poll", "\(requests.count) descriptors") }
    return ready.map(PollEvents.init(rawValue:))
}

/// Signals as a readable descriptor (`signalfd`): they are blocked in this thread, and in threads it starts later.
public struct SignalDescriptor: ~Copyable, Sendable {
    package let descriptor: Descriptor

    /// Blocks the signals and opens a descriptor for them. What the process ignores stays ignored: the starter wanted
    /// it so, as nohup(1) does.
    public init(_ all: [Int32]) throws(KernelError) {
        let signals = all.filter { bk_is_ignored($0) == 0 }
        let result = unsafe signals.withUnsafeBufferPointer { buffer -> CInt in
            guard let first = buffer.baseAddress else { return -22 }
            return unsafe bk_signal_descriptor(first, buffer.count)
        }
        descriptor = Descriptor(owning: try valueOrError(result, "signalfd", "\(signals)"))
    }

    /// The next pending signal, or nil.
    public borrowing func next() -> Int32? {
        let signal = bk_next_signal(descriptor.number)
        return signal > 0 ? signal : nil
    }
}

/// The caller's effective user id, in its own user namespace.
package var effectiveUserID: UInt32 { bk_effective_user_id() }

/// The caller's effective group id, likewise.
package var effectiveGroupID: UInt32 { bk_effective_group_id() }

/// The caller's process id.
package var processID: Int32 { bk_process_id() }
