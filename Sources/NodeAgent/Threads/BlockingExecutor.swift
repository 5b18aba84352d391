// SPDX-License-Identifier: Apache-2.0

/// Runs an actor on a thread of its own, which is there while there is something to do: waiting for the disk on a thread of
/// the concurrency pool would hold up the pods.
final class BlockingExecutor: SerialExecutor {
    private let thread = WorkThreads(count: 1)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        thread.add { unsafe job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
