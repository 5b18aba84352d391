// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

/// What is done about a cgroup that crawls at `memory.high`.
public enum HighPolicy: Hashable, Sendable {
    /// Nothing: the caller is told.
    case report
    /// `memory.high` is raised by a share of itself (`0.25` is a quarter), up to a ceiling; there it is only reported.
    case raise(by: Double, ceiling: ByteCount)
    /// Everything inside is killed.
    case kill
}

/// What a supervisor saw, and did.
public enum HighVerdict: Hashable, Sendable {
    /// Within the time nothing crawled.
    case healthy
    /// It crawls; nothing was done. So much is in use, and this is the limit.
    case crawling(usage: ByteCount, high: ByteCount)
    /// It crawled, and the limit is another now.
    case raised(from: ByteCount, to: ByteCount)
    /// It crawled, and was killed.
    case killed(usage: ByteCount)
    /// The cgroup was removed.
    case gone
}

/// Watches a cgroup that is held at `memory.high`.
///
/// A task over `memory.high` whose memory cannot be reclaimed (anonymous, without swap) sleeps up to two seconds each
/// time it returns to user mode, for ever: no limit kills it, and it does nothing of use. Seen as pressure (`full`: no
/// process in the cgroup gets on) together with a rising `high` of `memory.events`: pressure alone may come from the disk,
/// events alone are what `memory.high` is for. Woken by a trigger of the kernel, not by a clock. Since Linux 5.2.
public struct HighSupervisor: ~Copyable, Sendable {
    private let cgroup: Cgroup
    private let trigger: PressureTrigger
    private let policy: HighPolicy
    private var events: UInt64

    private init(
        _ cgroup: consuming Cgroup, _ trigger: consuming PressureTrigger, _ policy: HighPolicy, _ events: UInt64
    ) {
        self.cgroup = cgroup
        self.trigger = trigger
        self.policy = policy
        self.events = events
    }

    /// Begins to watch.
    /// - Parameters:
    ///   - cgroup: what is watched; the handle may be closed afterwards.
    ///   - policy: what is done once it crawls.
    ///   - stall: how long within the window no process may have got on.
    ///   - window: 500 ms to 10 s; without CAP_SYS_RESOURCE a multiple of 2 s.
    /// - Throws: EINVAL for a policy that cannot help, and what `PressureTrigger.on` and reading `memory.events` throw.
    public static func watching(
        _ cgroup: borrowing Cgroup, policy: HighPolicy, stall: Duration = .milliseconds(1500),
        window: Duration = .seconds(2)
    ) throws(KernelError) -> HighSupervisor {
        if case .raise(let share, _) = policy, !(share > 0 && share.isFinite) {
            throw KernelError(
                "write", "memory.high", value: "\(share)", in: cgroup.location, errno: .invalidArgument,
                hint: "memory.high is raised by a share above zero")
        }
        guard let events = try cgroup.read(.memoryEvents)?.high else {
            throw KernelError(
                "pread", "memory.events", in: cgroup.location, errno: .noSuchFileOrDirectory,
                hint: "the root cgroup has no memory.high")
        }
        let trigger = try PressureTrigger.on(cgroup, .full, .memory, stall: stall, window: window)
        return HighSupervisor(try cgroup.duplicate(), trigger, policy, events)
    }

    /// Waits until the cgroup crawls, does what the policy says, and tells; to be called again as long as wanted.
    public mutating func wait(timeout: Duration? = nil) throws(KernelError) -> HighVerdict {
        let deadline = Deadline(after: timeout)
        do throws(KernelError) {
            while true {
                switch try trigger.wait(timeout: deadline.remaining) {
                case .timedOut: return .healthy
                case .gone: return .gone
                case .stalled: break
                }
                let now = try cgroup.read(.memoryEvents)?.high ?? 0
                defer { events = now }
                // The stall has another cause: it is at no memory.high of its own.
                guard now > events, let high = try cgroup.read(.memoryHigh), high < .max else { continue }
                return try act(high)
            }
        } catch {
            if error.meansCgroupIsGone { return .gone }
            throw error
        }
    }

    private borrowing func act(_ high: ByteCount) throws(KernelError) -> HighVerdict {
        let usage = try cgroup.usedMemory()
        switch policy {
        case .report: return .crawling(usage: usage, high: high)
        case .raise(let share, let ceiling):
            let step = Double(high.bytes) * share
            let page = ProcessCall.pageSize
            let raised = step >= 0x1p62 ? ceiling : min(ceiling, high + .bytes(max(UInt64(step), page)))
            guard raised > high else { return .crawling(usage: usage, high: high) }
            try cgroup.write(raised, to: .memoryHigh)
            return .raised(from: high, to: try cgroup.read(.memoryHigh) ?? raised)
        case .kill:
            try cgroup.kill()
            return .killed(usage: usage)
        }
    }
}
