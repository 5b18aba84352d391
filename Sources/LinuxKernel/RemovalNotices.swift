// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// Tells which entries of directories were removed (`inotify`, `IN_DELETE`). One instance for any number of directories;
/// a user has few (`fs.inotify.max_user_instances`).
///
/// It is the parent that is watched: of a removed cgroup itself Linux 6.12 and 6.18 tell nothing, and 7.2 does.
package final class RemovalNotices: Sendable {
    /// What was removed since the last look.
    package struct Taken: Sendable {
        /// The directory's number, and the entry's name.
        package var entries: [(directory: CInt, name: String)] = []
        /// Whether the kernel had more to tell than it keeps (`IN_Q_OVERFLOW`), so that anything may be gone.
        package var isIncomplete = false
    }

    private let queue: Descriptor

    package init() throws(KernelError) {
        queue = Descriptor(owning: try valueOrError(bk_inotify_create(), "inotify_init1", "IN_CLOEXEC"))
    }

    /// For `poll` and `epoll`: readable once there is something to take. Valid as long as this object.
    package var number: CInt { queue.number }

    /// Watches a directory. The number of a directory that is watched already is the one it has.
    package func watch(_ directory: borrowing Descriptor) throws(KernelError) -> CInt {
        // The only call there is takes a path; this one leads to the open directory, wherever that is.
        let path = "/proc/self/fd/\(directory.number)"
        return try valueOrError(unsafe bk_inotify_add(queue.number, path), "inotify_add_watch", directory.name)
    }

    /// No longer watches a directory; of no effect when the kernel has ended that with the directory.
    package func stop(_ directory: CInt) { _ = bk_inotify_remove(queue.number, directory) }

    /// Takes what there is; never waits.
    package func take() throws(KernelError) -> Taken {
        var taken = Taken()
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let count: Int
            do { count = try queue.read(into: &buffer) } catch {
                if error.errno == .resourceTemporarilyUnavailable { return taken }
                throw error
            }
            Self.parse(buffer[..<count], into: &taken)
            // One read gives all that fits: with room for another the queue was empty.
            if count + 16 + 256 <= buffer.count { return taken }
        }
    }

    /// `struct inotify_event`: four numbers of four bytes (watch, mask, cookie, length of the name), then the name with
    /// NULs behind it.
    static func parse(_ bytes: ArraySlice<UInt8>, into taken: inout Taken) {
        var rest = bytes
        while rest.count >= 16 {
            let number = { (index: Int) -> UInt32 in
                rest[(rest.startIndex + index * 4)..<(rest.startIndex + index * 4 + 4)].reversed()
                    .reduce(0) { $0 << 8 | UInt32($1) }
            }
            let (watch, mask, length) = (CInt(bitPattern: number(0)), number(1), Int(number(3)))
            let name = rest.dropFirst(16).prefix(length).prefix { $0 != 0 }
            if mask & 0x4000 != 0 { taken.isIncomplete = true }
            if mask & 0x200 != 0 { taken.entries.append((watch, String(decoding: name, as: UTF8.self))) }
            rest = rest.dropFirst(16 + length)
        }
    }
}
