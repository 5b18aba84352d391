// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
package import SystemPackage

/// Tells when something changed in one directory (`inotify`): a name came, went or was moved, a file behind one was written
/// and closed, or its attributes changed. What it was is for the reader to look at: several changes are told as one.
///
/// Of a file that a symbolic link leads to outside of the directory, nothing is told.
package final class DirectoryChanges: Sendable {
    /// What happened since the last time.
    package enum Change: Hashable, Sendable {
        /// Something in the directory.
        case entries
        /// The directory was moved or removed; no more is told.
        case gone
    }

    private let owner: MailboxOwner<Change, Never>

    /// From now on; a thread of its own waits for them as long as this object is there.
    package init(_ path: FilePath) throws(KernelError) {
        let queue = Descriptor(owning: try valueOrError(bk_inotify_create(), "inotify_init1", "IN_CLOEXEC"))
        try valueOrError(
            unsafe bk_inotify_add_changes(queue.number, path.string), "inotify_add_watch", path.string)
        let stop = try WakeUp()
        let mailbox = Mailbox<Change, Never>(stop: stop) { waiting, change in
            if waiting.last != .gone { waiting = [change] }
        }
        owner = MailboxOwner(mailbox)
        let handover = Handover(queue)
        try startThread {
            guard let queue = handover.take() else { return }
            Self.attend(queue, stop, mailbox)
        }
    }

    /// The next change, as soon as there is one; nil at the end, which a cancelled task reaches at once.
    package func next() async -> Change? { await owner.mailbox.next() }

    private static func attend(_ queue: borrowing Descriptor, _ stop: WakeUp, _ mailbox: Mailbox<Change, Never>) {
        var buffer = [UInt8](repeating: 0, count: 8192)
        while let ready = try? poll([queue.number, stop.number]), ready[1].isEmpty {
            guard !ready[0].isEmpty else { continue }
            // Nothing to read after all is no end; the next poll waits.
            let count = (try? queue.read(into: &buffer)) ?? 0
            if count == 0 { continue }
            if isEnd(buffer[..<count]) {
                mailbox.put([.gone])
                break
            }
            mailbox.put([.entries])
        }
        mailbox.finish(nil)
    }

    /// `struct inotify_event`: four numbers of four bytes (watch, mask, cookie, length of the name), then the name.
    static func isEnd(_ bytes: ArraySlice<UInt8>) -> Bool {
        // IN_DELETE_SELF, IN_MOVE_SELF, IN_UNMOUNT, IN_IGNORED
        let ends: UInt32 = 0x400 | 0x800 | 0x2000 | 0x8000
        var rest = bytes
        while rest.count >= 16 {
            let number = { (index: Int) -> UInt32 in
                rest[(rest.startIndex + index * 4)..<(rest.startIndex + index * 4 + 4)].reversed()
                    .reduce(0) { $0 << 8 | UInt32($1) }
            }
            if number(1) & ends != 0 { return true }
            rest = rest.dropFirst(16 + Int(number(3)))
        }
        return false
    }
}
