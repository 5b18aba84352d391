// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

/// Waits for any number of descriptors at once (`epoll`), without a look at those where nothing happened.
package struct ReadinessQueue: ~Copyable, Sendable {
    private let epoll: Descriptor

    package init() throws(KernelError) {
        epoll = Descriptor(owning: try valueOrError(bk_epoll_create(), "epoll_create1", "EPOLL_CLOEXEC"))
    }

    /// Adds a descriptor. The token comes back when it is ready.
    package borrowing func add(_ number: CInt, for events: PollEvents, token: UInt64) throws(KernelError) {
        try valueOrError(
            bk_epoll_add(epoll.number, number, UInt32(UInt16(bitPattern: events.rawValue)), token), "epoll_ctl",
            "descriptor \(number)")
    }

    /// Takes a descriptor out again.
    package borrowing func remove(_ number: CInt) { _ = bk_epoll_remove(epoll.number, number) }

    /// The tokens of what is ready; none after the time, or when a signal came.
    package borrowing func wait(timeoutMilliseconds: Int32) throws(KernelError) -> [UInt64] {
        let number = epoll.number
        var ready = [bk_ready](repeating: bk_ready(), count: 64)
        let result = unsafe ready.withUnsafeMutableBufferPointer { buffer -> CInt in
            guard let first = buffer.baseAddress else { return 0 }
            return unsafe bk_epoll_wait(number, first, buffer.count, timeoutMilliseconds)
        }
        if result == -Errno.interrupted.rawValue { return [] }
        try valueOrError(result, "epoll_wait", "epoll")
        return ready[..<Int(result)].map(\.token)
    }
}

/// A flag that wakes whoever polls its descriptor (`eventfd`). Once raised it stays so until it is lowered.
package final class WakeUp: Sendable {
    private let descriptor: Descriptor

    package init() throws(KernelError) {
        descriptor = Descriptor(owning: try valueOrError(bk_eventfd(), "eventfd2", "EFD_CLOEXEC"))
    }

    /// For `poll` and `epoll`: readable once it is raised. Valid as long as this object.
    package var number: CInt { descriptor.number }

    /// Raises it. Of no effect a second time.
    package func raise() {
        // Eight bytes that hold a one: the counter cannot overflow, for nobody raises it 2^64 times.
        try? descriptor.write([1, 0, 0, 0, 0, 0, 0, 0])
    }

    /// Lowers it.
    package func lower() {
        var counter = [UInt8](repeating: 0, count: 8)
        _ = try? descriptor.read(into: &counter)
    }
}

/// Runs a body on a thread of its own, which ends with it; every signal is blocked there.
///
/// For calls that block as long as the kernel likes: on a thread of the concurrency pool they would starve the tasks.
package func startThread(_ body: @escaping @Sendable () -> Void) throws(KernelError) {
    let held = unsafe Unmanaged.passRetained(ThreadBody(body))
    let result = unsafe bk_start_thread(
        { unsafe Unmanaged<ThreadBody>.fromOpaque($0).takeRetainedValue().run() }, held.toOpaque())
    guard result == 0 else {
        unsafe held.release()
        throw KernelError("pthread_create", "a waiting thread", errno: Errno(rawValue: -result))
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Does nothing for a while (`poll` of nothing): shorter when a signal comes.
package func pause(milliseconds: Int32) { _ = try? poll([CInt](), timeoutMilliseconds: milliseconds) }
