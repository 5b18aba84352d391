// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// Counts the system calls of this thread and of all that it starts, threads and processes, by the kernel's own tracepoint
/// `raw_syscalls:sys_enter` (`perf_event_open`, since Linux 2.6.31). What is counted takes longer meanwhile.
package struct CallCounter: ~Copyable {
    private let counter: Descriptor
    /// What reading the counter costs by itself.
    private let own: UInt64

    package init() throws(KernelError) {
        let tracing = try MountCall.newFileSystem("tracefs")
        let file = try tracing.open("events/raw_syscalls/sys_enter/id", .reading, resolve: [])
        guard let id = UInt64(try file.readText().trimmingNewline) else {
            throw KernelError("read", "raw_syscalls/sys_enter/id", errno: .invalidArgument)
        }
        let counter = Descriptor(
            owning: try valueOrError(bk_count_tracepoint(id), "perf_event_open", "raw_syscalls:sys_enter"))
        let before = try Self.value(of: counter)
        own = try Self.value(of: counter) - before
        self.counter = counter
    }

    private static func value(of counter: borrowing Descriptor) throws(KernelError) -> UInt64 {
        var bytes = [UInt8](repeating: 0, count: 8)
        guard try counter.read(into: &bytes) == 8 else {
            throw KernelError("read", "a perf event", errno: .ioError)
        }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The calls that an act makes.
    package borrowing func calls<Failure: Error>(of act: () throws(Failure) -> Void) throws(Failure) -> UInt64? {
        guard let before = try? Self.value(of: counter) else { return nil }
        try act()
        guard let after = try? Self.value(of: counter) else { return nil }
        return after - before - own
    }
}
