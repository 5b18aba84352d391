// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import SystemPackage

/// Whether something was mounted or unmounted in this mount namespace since a moment: the kernel tells by an event on the
/// table (`poll` of `/proc/self/mountinfo`, since Linux 2.6.30).
package final class MountChanges: Sendable {
    private let table: Descriptor
    private let isQuiet = Mutex(true)

    /// From now on; fails where there is no table to watch.
    package init() throws(KernelError) {
        table = try Descriptor.open("/proc/self/mountinfo", .reading)
        // What came before it was opened is no event of its.
        _ = try poll([(table.number, .priority)], timeoutMilliseconds: 0)
    }

    /// Whether nothing has changed. An event is told once, so the answer stays no.
    package var areNone: Bool {
        isQuiet.withLock { quiet in
            guard quiet else { return false }
            let events = try? poll([(table.number, .priority)], timeoutMilliseconds: 0)
            quiet = events?.first?.isEmpty ?? false
            return quiet
        }
    }
}
