// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Synchronization

/// A few threads for calls that take as long as the kernel likes: on those of the concurrency pool they would hold up every
/// task. A thread ends when there was nothing to do for a while.
final class WorkThreads: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        /// How many threads there are.
        var count = 0
        /// Those that have nothing to do.
        var idle: [WakeUp] = []
    }
    /// How long a thread waits for more to do.
    private static let patience: Int32 = 5000

    private let state = Mutex(State())
    private let count: Int

    /// - Parameter count: how many bodies run at the same time; with one, they follow each other.
    init(count: Int) { self.count = count }

    /// Runs a body on one of the threads. The task waits, and no thread does for it.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws(PodRuntimeError) -> Value {
        let result: Result<Value, PodRuntimeError> = await withCheckedContinuation { continuation in
            add {
                do { continuation.resume(returning: .success(try body())) } catch {
                    continuation.resume(returning: .failure(PodRuntimeError(of: error)))
                }
            }
        }
        return try result.get()
    }

    /// Has a body run on one of the threads, when it is its turn.
    func add(_ body: @escaping @Sendable () -> Void) {
        let (idle, isNeeded) = state.withLock { state -> (WakeUp?, Bool) in
            state.waiting.append(body)
            if let idle = state.idle.popLast() { return (idle, false) }
            guard state.count < count else { return (nil, false) }
            state.count += 1
            return (nil, true)
        }
        idle?.raise()
        guard isNeeded else { return }
        // A process at its limit of threads waits until there is one: what is asked for cannot be refused.
        while (try? startThread { self.work() }) == nil { pause(milliseconds: 10) }
    }

    private func work() {
        // Without a descriptor for it, a thread does not wait.
        let wakeUp = try? WakeUp()
        while true {
            let (next, isOver) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
                if !state.waiting.isEmpty { return (state.waiting.removeFirst(), false) }
                guard let wakeUp else {
                    state.count -= 1
                    return (nil, true)
                }
                state.idle.append(wakeUp)
                return (nil, false)
            }
            if let next {
                next()
            } else if isOver {
                return
            } else if let wakeUp, !hasMore(wakeUp) {
                return
            }
        }
    }

    /// Waits until there is more to do; false when there was nothing for long.
    private func hasMore(_ wakeUp: WakeUp) -> Bool {
        _ = try? poll([wakeUp.number], timeoutMilliseconds: Self.patience)
        let isOver = state.withLock { state in
            // Whoever has taken it from the list has something for this thread.
            guard let place = state.idle.firstIndex(where: { $0 === wakeUp }) else { return false }
            state.idle.remove(at: place)
            state.count -= 1
            return true
        }
        if !isOver { wakeUp.lower() }
        return !isOver
    }
}
