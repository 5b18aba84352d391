// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import Synchronization

/// The changes of a watcher's cgroups as they come.
///
/// ```swift
/// var watcher = try CgroupWatcher()
/// try watcher.add(pod)
/// for try await change in try CgroupChanges(of: watcher) where change.oomKills > 0 { … }
/// ```
/// It ends when every watched cgroup is gone, or when the task is cancelled.
///
/// One thread of its own waits in `epoll_wait`, for all cgroups together: a wait on a thread of the concurrency pool
/// would starve the tasks there, and neither Dispatch nor Foundation is at hand. The thread ends, and the descriptors are
/// closed, when the sequence ends, is cancelled or is let go of. A slow reader loses nothing and fills no memory: changes
/// of one cgroup that nobody has taken yet become one, from the oldest state before to the newest after. One reader.
public struct CgroupChanges: AsyncSequence, Sendable {
    /// What comes.
    public typealias Element = CgroupChange
    /// Why it may end early.
    public typealias Failure = KernelError

    private let owner: Owner

    /// Starts to wait.
    public init(of watcher: consuming CgroupWatcher) throws(KernelError) {
        let mailbox = Mailbox(stop: watcher.stopping)
        let held = Mutex<CgroupWatcher?>(consume watcher)
        let box = WatcherBox(held)
        try startThread {
            guard var watcher = box.take() else { return }
            mailbox.fill(from: &watcher)
        }
        owner = Owner(mailbox)
    }

    /// The reader.
    public func makeAsyncIterator() -> Iterator { Iterator(owner: owner) }

    /// Takes the changes one by one.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let owner: Owner

        /// The next change, as soon as there is one; nil at the end.
        public mutating func next() async throws(KernelError) -> CgroupChange? {
            try await next(isolation: nil)
        }

        /// The same, on the caller's actor.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(KernelError) -> CgroupChange? {
            try await owner.mailbox.next()
        }
    }

    /// Ends the thread when the last sequence or reader is gone; the thread itself holds only the mailbox.
    fileprivate final class Owner: Sendable {
        let mailbox: Mailbox
        init(_ mailbox: Mailbox) { self.mailbox = mailbox }
        deinit { mailbox.end() }
    }
}

/// Hands the watcher over to its thread.
private final class WatcherBox: Sendable {
    private let watcher: Mutex<CgroupWatcher?>
    init(_ watcher: consuming Mutex<CgroupWatcher?>) { self.watcher = watcher }
    func take() -> CgroupWatcher? { watcher.withLock { $0.take() } }
}

/// Between the thread that waits and the task that reads.
private final class Mailbox: Sendable {
    private struct State {
        var changes: [CgroupChange] = []
        var failure: KernelError?
        var isEnded = false
        var reader: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let stop: WakeUp

    init(stop: WakeUp) { self.stop = stop }

    /// The thread's body.
    func fill(from watcher: inout CgroupWatcher) {
        do throws(KernelError) {
            while !watcher.isEmpty {
                let changes = try watcher.wait()
                if changes.isEmpty { break }
                put(changes)
            }
            finish(nil)
        } catch { finish(error) }
    }

    private func put(_ changes: [CgroupChange]) {
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            for change in changes {
                if let waiting = state.changes.firstIndex(where: { $0.watch == change.watch }) {
                    state.changes[waiting].after = change.after
                } else {
                    state.changes.append(change)
                }
            }
            return state.reader.take()
        }
        reader?.resume()
    }

    private func finish(_ failure: KernelError?) {
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if !state.isEnded { state.failure = failure }
            state.isEnded = true
            return state.reader.take()
        }
        reader?.resume()
    }

    /// Ends the thread and the reading; what was not taken is dropped.
    func end() {
        stop.raise()
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.isEnded = true
            state.changes = []
            return state.reader.take()
        }
        reader?.resume()
    }

    func next() async throws(KernelError) -> CgroupChange? {
        while true {
            let (change, failure, isEnded) = state.withLock { state -> (CgroupChange?, KernelError?, Bool) in
                if !state.changes.isEmpty { return (state.changes.removeFirst(), nil, false) }
                return (nil, state.failure.take(), state.isEnded)
            }
            if let change { return change }
            if let failure { throw failure }
            if isEnded { return nil }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state -> Bool in
                        if !state.changes.isEmpty || state.isEnded { return true }
                        state.reader = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                end()
            }
        }
    }
}
