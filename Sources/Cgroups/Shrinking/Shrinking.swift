// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

/// What came of lowering `memory.max`.
public enum ShrinkOutcome: Hashable, Sendable {
    /// The limit is in force, and this much is in use.
    case shrunk(usage: ByteCount)
    /// The time ran out, the values of before are back, and usage is so far above the wanted limit: what is left is
    /// anonymous memory without swap, memory protected below, or in use faster than it can be taken.
    case above(ByteCount)
    /// The limit was lowered, and then a process took so much more at that instant that the kernel killed. Seen as
    /// `oom_kill` of `memory.events`, so it may also be a kill for another reason at the same time.
    case killed(usage: ByteCount)
    /// The cgroup was removed meanwhile.
    case gone
}

extension Cgroup {
    /// Lowers `memory.max` without killing: a write of it below what is in use takes back what it can, kills for the
    /// rest, and reports success.
    ///
    /// 1. `memory.high` is lowered to a little below the wanted limit (without blocking where the kernel can, since
    ///    Linux 6.16), so that the processes stop growing: above it they are slowed down, not killed.
    /// 2. Memory is taken back in steps of at most 16 MiB by `memory.reclaim`; before Linux 5.19 by writing
    ///    `memory.high` again, which does the same in the writer.
    /// 3. Once usage is at most the limit, `memory.max` is written and read back, and `memory.high` is put back.
    ///
    /// When the deadline comes first, or a call fails, or `while` says no more, the values of before are put back. When
    /// the caller is killed in the middle, `memory.high` stays lowered and `memory.max` is the old one or already the new
    /// one, which usage is below: nothing is killed, and the processes are slow. What `memory.high` was before is on the
    /// cgroup (`UnfinishedShrink`): the next `shrink`, or `finishShrink`, puts it back.
    ///
    /// Two at once on one cgroup are refused (EBUSY). A raise is one write. Since Linux 4.5.
    public borrowing func shrink(
        to limit: ByteCount, deadline: Duration, while goOn: () -> Bool = { true }
    ) throws(KernelError) -> ShrinkOutcome {
        do throws(KernelError) {
            if let hint = limit.refusal ?? (limit == .zero ? "a limit of zero kills whatever is inside" : nil) {
                throw KernelError(
                    "write", "memory.max", value: "\(limit)", in: location, errno: .invalidArgument, hint: hint)
            }
            guard let old = try read(.memoryMax), try read(.memoryHigh) != nil else {
                throw KernelError(
                    "openat2", "memory.max", in: location, errno: .noSuchFileOrDirectory,
                    hint: "the root cgroup has no limits of its own")
            }
            if limit < old, let floor = try read(.memoryMin), floor > limit {
                throw KernelError(
                    "write", "memory.max", value: "\(limit)", in: location, errno: .invalidArgument,
                    hint: "memory.min is \(floor): what is protected cannot be taken back; lower it first")
            }
            let lock = try lockForShrink()
            // An earlier one that was cut off ends here, and what it lowered is back.
            _ = try takeBackUnfinished()
            let outcome: ShrinkOutcome
            if limit >= old {
                try write(limit, to: .memoryMax)
                outcome = .shrunk(usage: try usedMemory())
            } else {
                let plan = Shrink(limit: limit, oldMax: old, oldHigh: try read(.memoryHigh) ?? .max)
                outcome = try shrink(plan, Deadline(after: deadline), while: goOn)
            }
            _ = consume lock
            return outcome
        } catch {
            if error.meansCgroupIsGone { return .gone }
            throw error
        }
    }

    private borrowing func shrink(
        _ plan: Shrink, _ deadline: Deadline, while goOn: () -> Bool
    ) throws(KernelError) -> ShrinkOutcome {
        do throws(KernelError) {
            var usage = try usedMemory()
            // Room between the two: a process that runs into memory.high is slowed down before it reaches memory.max.
            if plan.lowersHigh {
                try note(UnfinishedShrink(before: plan.oldHigh, lowered: plan.high))
                try writeWithoutBlocking(plan.high, to: .memoryHigh)
            }
            while usage > plan.limit {
                if deadline.passed || !goOn() {
                    usage = try usedMemory()
                    if usage <= plan.limit { break }
                    try undo(plan)
                    return .above(usage - plan.limit)
                }
                let after = try takeBack(usage, plan)
                // Nothing more to take now: a process may give some up by itself, so the time is used, but not burnt.
                if after >= usage {
                    pause(milliseconds: min(50, deadline.milliseconds < 0 ? 50 : deadline.milliseconds))
                }
                usage = after
            }
            let kills = try read(.memoryEvents)?.oomKill
            try writeWithoutBlocking(plan.limit, to: .memoryMax)
            guard try read(.memoryMax) == plan.kept else {
                throw KernelError(
                    "write", "memory.max", value: "\(plan.limit)", in: location, errno: .ioError,
                    hint: "it reads back as another value: somebody else writes it too")
            }
            try restoreHigh(plan)
            usage = try usedMemory()
            return try read(.memoryEvents)?.oomKill == kills ? .shrunk(usage: usage) : .killed(usage: usage)
        } catch {
            if !error.meansCgroupIsGone { try? undo(plan) }
            throw error
        }
    }

    /// The values of before, the limit first: while it is low, `memory.high` is what keeps from it.
    private borrowing func undo(_ plan: Shrink) throws(KernelError) {
        try write(plan.oldMax, to: .memoryMax)
        try restoreHigh(plan)
    }

    private borrowing func restoreHigh(_ plan: Shrink) throws(KernelError) {
        guard plan.lowersHigh else { return }
        try write(plan.oldHigh, to: .memoryHigh)
        try note(nil)
    }

    /// One step of reclaim; what is in use afterwards.
    private borrowing func takeBack(_ usage: ByteCount, _ plan: Shrink) throws(KernelError) -> ByteCount {
        let excess = usage > plan.high ? usage - plan.high : .bytes(ProcessCall.pageSize)
        if let outcome = try reclaim(ReclaimRequest(min(excess, .mebibytes(16)))) { return outcome.usage }
        try write(plan.high, to: .memoryHigh)
        return try usedMemory()
    }

    /// Without reclaim and kills in the writer, where the kernel can.
    private borrowing func writeWithoutBlocking(
        _ value: ByteCount, to file: InterfaceFile<ByteCount>
    ) throws(KernelError) { try write(value, to: file, nonBlocking: Self.writesLimitsWithoutBlocking) }
}

/// The values of one shrink.
private struct Shrink {
    let limit: ByteCount
    let oldMax: ByteCount
    let oldHigh: ByteCount
    /// Where the processes are slowed down meanwhile: a sixteenth below the limit, at most 4 MiB; never above the
    /// `memory.high` of before.
    let high: ByteCount
    /// What the kernel keeps of the limit: whole pages.
    let kept: ByteCount

    var lowersHigh: Bool { high < oldHigh }

    init(limit: ByteCount, oldMax: ByteCount, oldHigh: ByteCount) {
        self.limit = limit
        self.oldMax = oldMax
        self.oldHigh = oldHigh
        let page = UInt64(ProcessCall.pageSize)
        kept = .bytes(limit.bytes / page * page)
        let room = max(page, min(limit.bytes / 16, 4 << 20)) / page * page
        high = min(oldHigh, kept > .bytes(room) ? kept - .bytes(room) : kept)
    }
}
