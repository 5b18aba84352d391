// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Synchronization

/// Runs an actor on a thread of its own, which is there while there is something to do: waiting for the disk on a thread of
/// the concurrency pool would hold up the pods.
final class BlockingExecutor: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isRunning = false
    }
    private let state = Mutex(State())

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = state.withLock { state in
            state.jobs.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if !isFirst { return }
        // A process at its limit of threads waits until there is one: a job cannot be refused.
        while (try? startThread { self.drain() }) == nil { pause(milliseconds: 10) }
    }

    private func drain() {
        while true {
            let jobs = state.withLock { state in
                if state.jobs.isEmpty { state.isRunning = false }
                return state.jobs.take()
            }
            if jobs.isEmpty { return }
            for job in jobs { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
        }
    }
}

extension [UnownedJob] {
    fileprivate mutating func take() -> [UnownedJob] {
        defer { self = [] }
        return self
    }
}
