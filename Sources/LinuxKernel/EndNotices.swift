// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Tells tasks when processes have ended: one `epoll` and one thread for all of them, which last while anybody waits.
///
/// A process descriptor is readable once its process has ended, whoever reaps it (since Linux 5.3).
package enum EndNotices {
    /// What the one thread works with.
    private final class Watch: Sendable {
        let queue: ReadinessQueue
        /// Raised when nobody waits any more.
        let wakeUp: WakeUp

        init() throws(KernelError) {
            queue = try ReadinessQueue()
            wakeUp = try WakeUp()
            try queue.add(wakeUp.number, for: .readable, token: 0)
        }
    }

    private struct Waiting {
        var watch: Watch?
        var tasks: [UInt64: (number: CInt, continuation: CheckedContinuation<Bool, Never>)] = [:]
        var lastToken: UInt64 = 0

        /// Takes a task out; the last one lets the thread end.
        mutating func take(_ token: UInt64) -> CheckedContinuation<Bool, Never>? {
            guard let task = tasks.removeValue(forKey: token), let watch else { return nil }
            watch.queue.remove(task.number)
            if tasks.isEmpty {
                watch.wakeUp.raise()
                self.watch = nil
            }
            return task.continuation
        }
    }

    private static let waiting = Mutex(Waiting())

    /// Suspends the task until the process has ended; false when the task was cancelled before.
    package static func ended(_ process: borrowing Descriptor) async throws(KernelError) -> Bool {
        // A number of its own: a queue takes each but once, and several tasks may wait for one process.
        let own = try process.duplicate()
        let number = own.number
        let token = waiting.withLock { waiting in
            waiting.lastToken += 1
            return waiting.lastToken
        }
        let failure = Mutex<KernelError?>(nil)
        let hasEnded = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                do throws(KernelError) {
                    try add(token, number, continuation)
                    // A cancellation that came before the task was here found nothing to cancel.
                    if Task.isCancelled { cancel(token) }
                } catch {
                    failure.withLock { $0 = error }
                    continuation.resume(returning: false)
                }
            }
        } onCancel: {
            cancel(token)
        }
        _ = consume own
        if let error = failure.withLock({ $0 }) { throw error }
        return hasEnded
    }

    /// The same for what is read from: suspends the task until there is something to read, or its other end is closed.
    package static func readable(_ descriptor: borrowing Descriptor) async throws(KernelError) -> Bool {
        try await ended(descriptor)
    }

    private static func add(
        _ token: UInt64, _ number: CInt, _ continuation: CheckedContinuation<Bool, Never>
    ) throws(KernelError) {
        try waiting.withLock { (waiting) throws(KernelError) in
            var isNew = false
            let watch: Watch
            if let running = waiting.watch {
                watch = running
            } else {
                watch = try Watch()
                isNew = true
            }
            try watch.queue.add(number, for: .readable, token: token)
            if isNew {
                try startThread { attend(watch) }
                waiting.watch = watch
            }
            waiting.tasks[token] = (number, continuation)
        }
    }

    private static func cancel(_ token: UInt64) {
        waiting.withLock { $0.take(token) }?.resume(returning: false)
    }

    private static func attend(_ watch: Watch) {
        while true {
            // Cannot fail but by a signal, and those are blocked here.
            let tokens = (try? watch.queue.wait(timeoutMilliseconds: -1)) ?? []
            let (ready, isOver) = waiting.withLock { waiting in
                (tokens.compactMap { waiting.take($0) }, waiting.watch !== watch)
            }
            for continuation in ready { continuation.resume(returning: true) }
            if isOver { return }
        }
    }
}
