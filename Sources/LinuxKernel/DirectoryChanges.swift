// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
package import SystemPackage

/// Tells when something changed in one directory (`inotify`): a name came, went or was moved, a file behind one was written
/// and closed, or its attributes changed. What it was is for the reader to look at: several changes are told as one.
///
/// Of a file that a symbolic link leads to outside of the directory, nothing is told.
package final class DirectoryChanges: Sendable {
    /// What happened since the last time; of several the last in this order.
    package enum Change: Comparable, Sendable {
        /// Files that are whole: they were moved here, or written and closed, or their attributes changed.
        case whole
        /// Something that may go on: a name was made, which is not written yet, or went, as when an editor puts another
        /// file in its place.
        case unsettled
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
            waiting = [max(waiting.last ?? change, change)]
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
            let change = Self.change(in: buffer[..<count])
            mailbox.put([change])
            if change == .gone { break }
        }
        mailbox.finish(nil)
    }

    /// What events tell together. `struct inotify_event`: four numbers of four bytes (watch, mask, cookie, length of the name),
    /// then the name.
    static func change(in events: ArraySlice<UInt8>) -> Change {
        var change = Change.whole
        var rest = events
        while rest.count >= 16 {
            let number = { (index: Int) -> UInt32 in
                rest[(rest.startIndex + index * 4)..<(rest.startIndex + index * 4 + 4)].reversed()
                    .reduce(0) { $0 << 8 | UInt32($1) }
            }
            let name = rest.dropFirst(16)
            change = max(change, Self.change(number(1), isHidden: name.first == UInt8(ascii: ".")))
            rest = name.dropFirst(Int(number(3)))
        }
        return change
    }

    private static func change(_ mask: UInt32, isHidden: Bool) -> Change {
        // IN_DELETE_SELF, IN_MOVE_SELF, IN_UNMOUNT, IN_IGNORED
        if mask & (0x400 | 0x800 | 0x2000 | 0x8000) != 0 { return .gone }
        // IN_MOVED_FROM, IN_CREATE, IN_DELETE. What begins with a dot was there for the sake of another file.
        return mask & (0x40 | 0x100 | 0x200) != 0 && !isHidden ? .unsettled : .whole
    }
}
