// SPDX-License-Identifier: Apache-2.0

internal import CLinuxLaunch
internal import Synchronization

/// Who may look at the caller's memory while a child of other ids shares it, or a copy of it.
///
/// Up to its exec a child has the caller's memory, and ids or namespaces in which others may have the right to trace it: a
/// process of its new user, a root of the namespace it joins. The kernel takes the memory from their eyes only with the
/// child's first change of ids, and then for good, from the caller too: `/proc/PID` becomes root's, and no core is dumped.
/// So it is taken before the clone, and given back when the last child that was in between has its own
/// (`PR_SET_DUMPABLE`).
package enum CallerMemory {
    private struct Shared {
        var children = 0
        var wasDumpable = false
    }

    private static let shared = Mutex(Shared())

    /// Whether others of its ids may look at it now.
    package static var isShown: Bool { bk_dumpable() == 1 }

    /// Hides the memory, as often as it is called.
    static func hide() {
        shared.withLock { shared in
            if shared.children == 0 {
                shared.wasDumpable = bk_dumpable() == 1
                if shared.wasDumpable { _ = bk_set_dumpable(0) }
            }
            shared.children += 1
        }
    }

    /// Undoes one `hide`; with the last one the memory is as it was.
    static func show() {
        shared.withLock { shared in
            shared.children -= 1
            if shared.children == 0, shared.wasDumpable { _ = bk_set_dumpable(1) }
        }
    }
}
