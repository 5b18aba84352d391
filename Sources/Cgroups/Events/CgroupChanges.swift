// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel

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

    private let owner: MailboxOwner<CgroupChange, KernelError>

    /// Starts to wait.
    public init(of watcher: consuming CgroupWatcher) throws(KernelError) {
        let mailbox = Mailbox<CgroupChange, KernelError>(stop: watcher.stopping) { waiting, change in
            if let earlier = waiting.firstIndex(where: { $0.watch == change.watch }) {
                waiting[earlier].after = change.after
            } else {
                waiting.append(change)
            }
        }
        let handover = Handover(consume watcher)
        try startThread {
            guard var watcher = handover.take() else { return }
            do throws(KernelError) {
                while !watcher.isEmpty {
                    let changes = try watcher.wait()
                    if changes.isEmpty { break }
                    mailbox.put(changes)
                }
                mailbox.finish(nil)
            } catch { mailbox.finish(error) }
        }
        owner = MailboxOwner(mailbox)
    }

    /// The reader.
    public func makeAsyncIterator() -> Iterator { Iterator(owner: owner) }

    /// Takes the changes one by one.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let owner: MailboxOwner<CgroupChange, KernelError>

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
}
