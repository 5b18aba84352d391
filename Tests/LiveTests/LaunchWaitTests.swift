// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("Waiting without a thread")
struct LaunchWaitTests {
    @Test("A task learns how the command ended, and what it used")
    func ended() async throws {
        let child = try Launch.script("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 7").start()
        let exit = try await child.ended()
        #expect(exit.status == .exited(7))
        #expect(exit.usage.userMicroseconds + exit.usage.systemMicroseconds > 0)
        #expect(exit.usage.maxResidentKibibytes > 0)
        #expect(!exit.wasReapedElsewhere)
    }

    @Test("Many tasks wait at once")
    func many() async throws {
        let count = scaled(60)
        let codes = try await withThrowingTaskGroup(of: Int32?.self) { group in
            for number in 0..<count {
                group.addTask {
                    let child = try Launch.script("sleep 0.1; exit \(number)").start()
                    guard case .exited(let code) = try await child.ended().status else { return nil }
                    return code
                }
            }
            return try await group.reduce(into: Set<Int32>()) { if let code = $1 { $0.insert(code) } }
        }
        #expect(codes == Set(0..<Int32(count)))
    }

    @Test("A cancelled task kills its command, and gets that end")
    func cancelled() async throws {
        let pid = AsyncStream<Int32>.makeStream()
        let task = Task {
            let child = try Launch("/bin/sleep", arguments: ["300"]).start()
            pid.continuation.yield(child.pid)
            return try await child.ended()
        }
        var iterator = pid.stream.makeAsyncIterator()
        let started = try #require(await iterator.next())
        task.cancel()
        #expect(try await task.value.status == .killed(signal: 9))
        #expect(!isRunning(started))
    }

    @Test("A task that was cancelled before it waits does not hang")
    func cancelledBefore() async throws {
        let task = Task {
            let child = try Launch("/bin/sleep", arguments: ["300"]).start()
            while !Task.isCancelled { await Task.yield() }
            return try await child.ended()
        }
        task.cancel()
        #expect(try await task.value.status == .killed(signal: 9))
    }

    @Test("A wait has an end, of a thread and of a task")
    func deadline() async throws {
        let child = try Launch("/bin/sleep", arguments: ["300"]).start()
        #expect(try await !child.hasEnded(within: .milliseconds(30)))
        #expect(try Self.poll(child, .milliseconds(30)) == false)
        #expect(try Self.poll(child, .zero) == false)
        try child.send(signal: 15)
        #expect(try await child.hasEnded(within: .seconds(60)))
        #expect(try Self.poll(child, .zero))
        #expect(try child.wait().status == .killed(signal: 15))
    }

    /// Outside of a task, where the thread waits.
    static func poll(_ child: borrowing Child, _ time: Duration) throws(KernelError) -> Bool {
        try child.hasEnded(within: time)
    }

    @Test("Where SIGCHLD is ignored the end is told by the kernel", .needs(.feature("pidfd_get_namespace")))
    func reapedElsewhere() async throws {
        let version = try KernelVersion.running()
        guard version >= KernelVersion(6, 15) else { try Test.cancel("before Linux 6.15 the end is lost") }
        await #expect(processExitsWith: .success) {
            signal(SIGCHLD, SIG_IGN)
            let first = try await Launch.script("exit 5").start().ended()
            precondition(first.status == .exited(5) && first.wasReapedElsewhere)
            let second = try await Launch.script("ulimit -c 0; kill -9 $$; sleep 1").start().ended()
            precondition(second.status == .killed(signal: 9))
        }
    }

    @Test("Waits leave no descriptor and no thread")
    func flat() async {
        await #expect(processExitsWith: .success) {
            func once() async throws {
                var launch = Launch("/bin/true")
                launch.streams = Streams(input: .null, output: .null, error: .null)
                let exit = try await launch.start().ended()
                precondition(exit.status == .exited(0))
                let slow = try Launch("/bin/sleep", arguments: ["0.02"]).start()
                let ended = try await slow.hasEnded(within: .seconds(60))
                precondition(ended)
                _ = try await slow.ended()
            }
            try await once()
            let before = openDescriptors(withQueues: true).count
            for _ in 0..<max(12, scaled(30)) { try await once() }
            // The waiting thread ends a moment after the last wait; the runtime opens some for good when it wants to.
            precondition(eventually { openDescriptors(withQueues: true).count < before + 6 }, "\(openDescriptors())")
            precondition(!hasChildren())
        }
    }
}
