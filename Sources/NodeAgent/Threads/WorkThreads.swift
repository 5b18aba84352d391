// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Synchronization

/// A few threads for calls that take as long as the kernel likes: on those of the concurrency pool they would hold up every
/// task. A thread ends when nothing is left to do.
final class WorkThreads: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var running = 0
    }

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
        let isNeeded = state.withLock { state in
            state.waiting.append(body)
            guard state.running < count else { return false }
            state.running += 1
            return true
        }
        guard isNeeded else { return }
        // A process at its limit of threads waits until there is one: what is asked for cannot be refused.
        while (try? startThread { self.work() }) == nil { pause(milliseconds: 10) }
    }

    private func work() {
        while true {
            let next = state.withLock { state -> (@Sendable () -> Void)? in
                if state.waiting.isEmpty {
                    state.running -= 1
                    return nil
                }
                return state.waiting.removeFirst()
            }
            guard let next else { return }
            next()
        }
    }
}
