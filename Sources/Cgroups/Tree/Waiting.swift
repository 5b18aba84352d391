// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

extension Cgroup {
    /// Waits until no living process is in the cgroup or below it: woken by the kernel (`poll` for `POLLPRI` on
    /// `cgroup.events`), not by a clock. False when processes are still there after the time; a cgroup that was
    /// removed is empty.
    public borrowing func waitUntilEmpty(timeout: Duration? = nil) throws(KernelError) -> Bool {
        do {
            return try wait(until: { !$0.populated }, Deadline(after: timeout)).reached
        } catch {
            if error.meansCgroupIsGone { return true }
            throw error
        }
    }

    /// Waits until the content of `cgroup.events` is as wanted; with it, the last content seen.
    borrowing func wait(
        until condition: (CgroupEvents) -> Bool, _ deadline: Deadline
    ) throws(KernelError) -> (reached: Bool, last: CgroupEvents) {
        let name = StatusFile<CgroupEvents>.events.file.name
        let file: Descriptor
        do { file = try directory.open(name, .reading) } catch { throw gone(error.placed(in: location)) }
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            // Reading also arms the descriptor: poll reports a change since the last read of it.
            let count: Int
            do { count = try file.readAgain(into: &buffer) } catch { throw gone(error) }
            let text = String(decoding: buffer[..<count], as: UTF8.self)
            guard let events = CgroupEvents(kernelText: text[...]) else {
                throw KernelError("read", name, value: text.trimmingNewline, in: location, errno: .badMessage)
            }
            if condition(events) { return (true, events) }
            let left = deadline.milliseconds
            if left == 0 { return (false, events) }
            // Of a removed cgroup, poll reports an error at once, and the next read says ENODEV.
            _ = try poll([file.number], for: .priority, timeoutMilliseconds: left)
        }
    }
}

/// A point in time to wait for at most; nil is for ever.
struct Deadline: Sendable {
    let instant: ContinuousClock.Instant?

    init(after timeout: Duration?) {
        // Longer than a life, and far from where the arithmetic ends.
        instant = timeout.map { ContinuousClock.now + min($0, .seconds(4_000_000_000)) }
    }

    /// What is left, as `poll` wants it: -1 for ever, 0 when it has passed, rounded up so that no wait is cut to zero.
    var milliseconds: Int32 {
        guard let instant else { return -1 }
        let left = instant - ContinuousClock.now
        if left <= .zero { return 0 }
        let (seconds, attoseconds) = left.components
        return Int32(clamping: seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }

    /// What is left; nil for ever, zero when it has passed.
    var remaining: Duration? { instant.map { max(.zero, $0 - ContinuousClock.now) } }

    var passed: Bool { milliseconds == 0 }

    /// The earlier of this and so much time from now.
    func orSooner(_ duration: Duration) -> Deadline {
        let soon = Deadline(after: duration)
        guard let instant, let other = soon.instant, instant < other else { return soon }
        return self
    }
}
