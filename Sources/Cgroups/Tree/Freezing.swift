// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel

/// What became of a request to freeze or thaw.
public enum FreezeOutcome: Hashable, Sendable {
    /// Every process stands still.
    case frozen
    /// They may run.
    case running
    /// Time ran out before all of them stood still, and the request was taken back: they run, or will in a moment.
    case timedOut
    /// Thawed here, but an ancestor is frozen, so they still stand.
    case heldByAncestor
    /// The cgroup was removed meanwhile.
    case gone
}

extension Cgroup {
    /// Stops every process in the cgroup and below it, and waits until all stand still.
    ///
    /// The kernel reaches that at its own time: a process in an uninterruptible call holds it up. When the time runs out
    /// the request is taken back, so that nothing freezes later behind the caller's back. Since Linux 5.2.
    public borrowing func freeze(timeout: Duration? = nil) throws(KernelError) -> FreezeOutcome {
        try freeze(timeout: timeout, undo: true)
    }

    borrowing func freeze(timeout: Duration?, undo: Bool) throws(KernelError) -> FreezeOutcome {
        do throws(KernelError) {
            try write(true, to: .freeze)
            do throws(KernelError) {
                if try wait(until: { $0.frozen == true }, Deadline(after: timeout)).reached { return .frozen }
            } catch {
                if undo && !error.meansCgroupIsGone { try? write(false, to: .freeze) }
                throw error
            }
            if undo { try write(false, to: .freeze) }
            return .timedOut
        } catch {
            if error.meansCgroupIsGone { return .gone }
            throw error
        }
    }

    /// Lets the processes run again, and waits until none stands still on this cgroup's account. Since Linux 5.2.
    public borrowing func thaw(timeout: Duration? = nil) throws(KernelError) -> FreezeOutcome {
        do {
            try write(false, to: .freeze)
            // An ancestor's freeze would make this wait for ever, so ask first.
            if try isFrozenAbove() { return .heldByAncestor }
            return try wait(until: { $0.frozen != true }, Deadline(after: timeout)).reached ? .running : .timedOut
        } catch {
            if error.meansCgroupIsGone { return .gone }
            throw error
        }
    }

    private borrowing func isFrozenAbove() throws(KernelError) -> Bool {
        guard let parent = try parent() else { return false }
        if try parent.read(.freeze) == true { return true }
        return try parent.isFrozenAbove()
    }
}
