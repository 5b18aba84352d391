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
    /// When the deadline comes first, or a call fails, the values of before are put back. When the caller is killed in
    /// the middle, `memory.high` stays lowered and `memory.max` is the old one or already the new one, which usage is
    /// below: nothing is killed, the processes are slow, and `memory.high` is to be written again (`finishShrink`).
    /// A raise is one write. Since Linux 4.5.
    public borrowing func shrink(to limit: ByteCount, deadline: Duration) throws(KernelError) -> ShrinkOutcome {
        do throws(KernelError) {
            if let hint = limit.refusal ?? (limit == .zero ? "a limit of zero kills whatever is inside" : nil) {
                throw KernelError(
                    "write", "memory.max", value: "\(limit)", in: location, errno: .invalidArgument, hint: hint)
            }
            guard let old = try read(.memoryMax), let high = try read(.memoryHigh) else {
                throw KernelError(
                    "openat2", "memory.max", in: location, errno: .noSuchFileOrDirectory,
                    hint: "the root cgroup has no limits of its own")
            }
            if limit >= old {
                try write(limit, to: .memoryMax)
                return .shrunk(usage: try usedMemory())
            }
            if let floor = try read(.memoryMin), floor > limit {
                throw KernelError(
                    "write", "memory.max", value: "\(limit)", in: location, errno: .invalidArgument,
                    hint: "memory.min is \(floor): what is protected cannot be taken back; lower it first")
            }
            return try shrink(Shrink(limit: limit, oldMax: old, oldHigh: high), Deadline(after: deadline))
        } catch {
            if error.meansCgroupIsGone { return .gone }
            throw error
        }
    }

    /// Takes back the `memory.high` that a `shrink` left behind because its caller was killed: no limit, or what is
    /// told. Does nothing where it is not below the limit given.
    public borrowing func finishShrink(high: ByteCount = .max) throws(KernelError) {
        if let now = try read(.memoryHigh), now < high { try write(high, to: .memoryHigh) }
    }

    private borrowing func shrink(_ plan: Shrink, _ deadline: Deadline) throws(KernelError) -> ShrinkOutcome {
        do throws(KernelError) {
            var usage = try usedMemory()
            // Room between the two: a process that runs into memory.high is slowed down before it reaches memory.max.
            if plan.high < plan.oldHigh { try writeWithoutBlocking(plan.high, .memoryHigh) }
            while usage > plan.limit {
                if deadline.passed {
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
            try writeWithoutBlocking(plan.limit, .memoryMax)
            guard try read(.memoryMax) == plan.kept else {
                throw KernelError(
                    "write", "memory.max", value: "\(plan.limit)", in: location, errno: .ioError,
                    hint: "it reads back as another value: somebody else writes it too")
            }
            if plan.high < plan.oldHigh { try write(plan.oldHigh, to: .memoryHigh) }
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
        try write(plan.oldHigh, to: .memoryHigh)
    }

    /// One step of reclaim; what is in use afterwards.
    private borrowing func takeBack(_ usage: ByteCount, _ plan: Shrink) throws(KernelError) -> ByteCount {
        let excess = usage > plan.high ? usage - plan.high : .bytes(4096)
        if let outcome = try reclaim(min(excess, .mebibytes(16))) { return outcome.usage }
        try write(plan.high, to: .memoryHigh)
        return try usedMemory()
    }

    /// A limit with O_NONBLOCK: from Linux 6.16 the kernel then only sets it, and neither reclaims nor kills in the
    /// writer; older ones take no notice of the flag.
    private borrowing func writeWithoutBlocking(
        _ value: ByteCount, _ file: InterfaceFile<ByteCount>
    ) throws(KernelError) {
        do {
            let opened = try directory.open(file.file.name, [.writing, .nonBlocking])
            try opened.writeValue(value.kernelText, called: file.file.name, in: location)
        } catch {
            // The usual way says what is wrong.
            try write(value, to: file)
        }
    }
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
