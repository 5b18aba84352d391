// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage

/// Watches what is mounted in a mount namespace, woken by the kernel (`poll` of `/proc/PID/mountinfo`).
///
/// ``wait(timeout:)`` blocks the calling thread; ``MountTableChanges`` is the same as an AsyncSequence. Changes that undo
/// each other between two looks are not seen. The descriptors are closed when the watcher goes out of scope.
public struct MountTableWatcher: ~Copyable, Sendable {
    private let queue: ReadinessQueue
    private let stop: WakeUp
    private let file: Descriptor
    private let path: FilePath
    /// The table as last seen.
    public private(set) var table: MountTable

    /// Watches the namespace of the calling thread from now on.
    public init() throws(MountTableError) { try self.init(watching: "/proc/thread-self/mountinfo") }

    /// Watches the namespace that a process is in now; the process may end meanwhile.
    public init(of pid: Int32) throws(MountTableError) { try self.init(watching: FilePath("/proc/\(pid)/mountinfo")) }

    private init(watching path: FilePath) throws(MountTableError) {
        self.path = path
        let queue = try of(path) { () throws(KernelError) in try ReadinessQueue() }
        let stop = try of(path) { () throws(KernelError) in try WakeUp() }
        // What changes from here on is told.
        let file = try of(path) { () throws(KernelError) in try Descriptor.open(path, .reading) }
        try of(path) { () throws(KernelError) in try queue.add(stop.number, for: .readable, token: 0) }
        try of(path) { () throws(KernelError) in try queue.add(file.number, for: .priority, token: 1) }
        table = try Self.read(file, path)
        self.queue = queue
        self.stop = stop
        self.file = file
    }

    private static func read(_ file: borrowing Descriptor, _ path: FilePath) throws(MountTableError) -> MountTable {
        try of(path) { () throws(KernelError) in try file.rewind() }
        return try MountTable(bytes: try of(path) { () throws(KernelError) in try file.readBytes() })
    }

    /// Raised from any thread, it ends every wait, now and later.
    var stopping: WakeUp { stop }

    /// Waits for changes and returns them; none when the time passed first, or when the waiting was ended from elsewhere.
    public mutating func wait(timeout: Duration? = nil) throws(MountTableError) -> [MountTableChange] {
        let end = timeout.map { ContinuousClock.now + $0 }
        while true {
            let time = Self.milliseconds(until: end)
            let tokens = try of(path) { () throws(KernelError) in try queue.wait(timeoutMilliseconds: time) }
            if tokens.contains(0) { return [] }
            if tokens.contains(1) {
                let now = try Self.read(file, path)
                let changes = now.changes(since: table)
                table = now
                if !changes.isEmpty { return changes }
            }
            if let end, ContinuousClock.now >= end { return [] }
        }
    }

    private static func milliseconds(until end: ContinuousClock.Instant?) -> Int32 {
        guard let end else { return -1 }
        let (seconds, attoseconds) = (end - ContinuousClock.now).components
        return Int32(clamping: max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1))
    }
}

/// A failed call as one of the table's file.
private func of<Value: ~Copyable>(
    _ path: FilePath, _ body: () throws(KernelError) -> Value
) throws(MountTableError) -> Value {
    do { return try body() } catch { throw .unreadable(path, error.errno) }
}

/// The changes of a mount table as they come.
///
/// ```swift
/// for try await change in try MountTableChanges(of: MountTableWatcher()) { print(change.entry.target) }
/// ```
/// One thread of its own waits; it ends, and the descriptors are closed, when the sequence is cancelled or let go of. A
/// slow reader loses nothing and fills no memory. One reader.
public struct MountTableChanges: AsyncSequence, Sendable {
    /// What comes.
    public typealias Element = MountTableChange
    /// Why it may end early.
    public typealias Failure = MountTableError

    private let owner: MailboxOwner<MountTableChange, MountTableError>

    /// Starts to wait.
    public init(of watcher: consuming MountTableWatcher) throws(MountTableError) {
        let mailbox = Mailbox<MountTableChange, MountTableError>(stop: watcher.stopping) { waiting, change in
            Self.merge(change, into: &waiting)
        }
        let handover = Handover(consume watcher)
        do {
            try startThread {
                guard var watcher = handover.take() else { return }
                do throws(MountTableError) {
                    while true {
                        let changes = try watcher.wait()
                        if changes.isEmpty { break }
                        mailbox.put(changes)
                    }
                    mailbox.finish(nil)
                } catch { mailbox.finish(error) }
            }
        } catch { throw .failed(call: error.call, error.errno) }
        owner = MailboxOwner(mailbox)
    }

    /// What nobody has taken yet of the same mount becomes one: a mount that came and went is none.
    static func merge(_ change: MountTableChange, into waiting: inout [MountTableChange]) {
        guard let index = waiting.lastIndex(where: { $0.entry.isSameMount(as: change.entry) }) else {
            waiting.append(change)
            return
        }
        switch (waiting[index], change) {
        case (.mounted, .unmounted): waiting.remove(at: index)
        case (.mounted, .changed(_, let after)): waiting[index] = .mounted(after)
        case (.changed(let before, _), .changed(_, let after)): waiting[index] = .changed(before: before, after: after)
        default: waiting.append(change)
        }
    }

    /// The reader.
    public func makeAsyncIterator() -> Iterator { Iterator(owner: owner) }

    /// Takes the changes one by one.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let owner: MailboxOwner<MountTableChange, MountTableError>

        /// The next change, as soon as there is one; nil at the end.
        public mutating func next() async throws(MountTableError) -> MountTableChange? {
            try await next(isolation: nil)
        }

        /// The same, on the caller's actor.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(MountTableError) -> MountTableChange? {
            try await owner.mailbox.next()
        }
    }
}
