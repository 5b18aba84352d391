// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("How a command ends")
struct LaunchEndTests {
    /// A plan with and without an init of its own.
    static func plan(_ script: String, reaper: Bool) throws -> Launch {
        var launch = Launch.script(script)
        guard reaper else { return launch }
        launch.user = try testMap
        launch.namespaces = [.pid]
        launch.reaper = true
        return launch
    }

    @Test(
        "An exit code arrives, with and without a reaper", .needs(.root), arguments: [0, 1, 7, 127, 255], [true, false])
    func exitCodes(code: Int32, reaper: Bool) throws {
        #expect(try finish(Self.plan("exit \(code)", reaper: reaper)).exit.status == .exited(code))
    }

    @Test(
        "A killing signal arrives, with and without a reaper", .needs(.root), arguments: [6, 9, 15] as [Int32],
        [true, false])
    func signals(signal: Int32, reaper: Bool) throws {
        // A trapless shell that kills itself; the second command keeps dash from becoming it.
        let found = try finish(Self.plan("ulimit -c 0; kill -\(signal) $$; sleep 5; true", reaper: reaper))
        #expect(found.exit.status == .killed(signal: signal))
    }

    @Test("A reaper hands signals on to the command", .needs(.root), arguments: [1, 2, 10, 12, 15] as [Int32])
    func forwarding(signal: Int32) throws {
        let scratch = try Scratch()
        var launch = try Self.plan(
            "trap 'echo got; exit 42' \(signal); echo ready; while :; do sleep 0.05; done", reaper: true)
        launch.streams.output = try outputFile(scratch, "out")
        let child = try launch.start()
        #expect(eventually { scratch.text("out") == "ready\n" })
        try child.send(signal: signal)
        let exit = try child.wait()
        #expect(exit.status == .exited(42))
        #expect(scratch.text("out") == "ready\ngot\n")
    }

    @Test("A signal that the command does not handle ends it, as under no reaper", .needs(.root))
    func unhandled() throws {
        let child = try Self.plan("echo; exec sleep 60", reaper: true).start()
        usleep(50_000)
        try child.send(signal: 15)
        let exit = try child.wait()
        #expect(exit.status == .killed(signal: 15))
    }

    @Test("A killed reaper takes the command with it", .needs(.root))
    func killedReaper() throws {
        let scratch = try Scratch()
        var launch = try Self.plan("echo ready; exec sleep 60", reaper: true)
        launch.streams.output = try outputFile(scratch, "out")
        let child = try launch.start()
        #expect(eventually { scratch.text("out") == "ready\n" })
        let inside = try readKernelFile(FilePath("/proc/\(child.pid)/task/\(child.pid)/children"))
        try child.send(signal: 9)
        let exit = try child.wait()
        #expect(exit.status == .killed(signal: 9))
        let command = try #require(Int32(inside.split(separator: " ").first ?? ""))
        #expect(eventually { !isRunning(command) })
    }

    @Test("A reaper reaps orphans, and what is left ends with the command", .needs(.root))
    func orphans() throws {
        let scratch = try Scratch()
        var launch = try Self.plan(
            """
            for i in 1 2 3 4 5; do (sleep 0.01 & ) ; done
            (sleep 300 & )
            sleep 0.3; echo ready; sleep 300
            """, reaper: true)
        launch.streams.output = try outputFile(scratch, "out")
        let child = try launch.start()
        #expect(eventually { scratch.text("out") == "ready\n" })
        let pid = child.pid
        func children() -> [Int32] {
            ((try? readKernelFile(FilePath("/proc/\(pid)/task/\(pid)/children"))) ?? "")
                .split(separator: " ").compactMap { Int32($0) }
        }
        // The command and the orphan that still sleeps; the five others were reaped.
        #expect(eventually { children().count == 2 })
        let left = children()
        try child.send(signal: 15)
        let exit = try child.wait()
        #expect(exit.status == .killed(signal: 15))
        #expect(eventually { !left.contains(where: isRunning) })
    }

    @Test("Without a reaper an end is told by a descriptor, and no SIGCHLD is needed")
    func manyAtOnce() throws {
        let first = try Launch.script("sleep 0.2; exit 3").start()
        let second = try Launch.script("exit 4").start()
        let secondExit = try second.wait()
        #expect(secondExit.status == .exited(4))
        let firstExit = try first.wait()
        #expect(firstExit.status == .exited(3))
    }

    @Test("A caller that ignores SIGCHLD gets the end all the same, under a reaper", .needs(.root))
    func ignoredChildSignal() async {
        await #expect(processExitsWith: .success) {
            signal(SIGCHLD, SIG_IGN)
            let child = try LaunchEndTests.plan("true & wait; sleep 0.01; exit 6", reaper: true).start()
            alarm(60)  // rather than forever
            let exit = try child.wait()
            precondition(exit.status == .exited(6))
        }
    }

    @Test("Without a reaper, an end that somebody else took is an error that says so")
    func foreignReaper() async {
        await #expect(processExitsWith: .success) {
            signal(SIGCHLD, SIG_IGN)
            let child = try Launch("/bin/true").start()
            do throws(KernelError) {
                _ = try child.wait()
            } catch {
                precondition(error.errno == .noChildProcess && error.hint != nil)
            }
        }
    }

    @Test("A foreign waitpid(-1) cannot take a command under a reaper", .needs(.root))
    func foreignWait() async {
        await #expect(processExitsWith: .success) {
            let child = try LaunchEndTests.plan("exit 6", reaper: true).start()
            usleep(100_000)
            let taken = waitpid(-1, nil, WNOHANG)
            precondition(taken == -1)
            let exit = try child.wait()
            precondition(exit.status == .exited(6))
        }
    }

    @Test("A child that is dropped is killed and reaped")
    func dropped() throws {
        let pid: Int32
        do {
            let child = try Launch("/bin/sleep", arguments: ["300"]).start()
            pid = child.pid
            #expect(isRunning(pid))
        }
        #expect(throws: KernelError.self) { _ = try ProcessCall.open(pid) }
    }

    @Test("A detached child lives on")
    func detached() throws {
        let child = try Launch("/bin/sleep", arguments: ["300"]).start()
        let pid = child.pid
        let process = try ProcessCall.open(pid)
        child.detach()
        #expect(isRunning(pid))
        try ProcessCall.send(signal: 9, to: process)
        _ = try ProcessCall.wait(for: process, blocking: true)
    }

    @Test(
        "A command that ends with its caller is killed when the caller is killed", .needs(.root),
        arguments: [true, false])
    func endsWithCaller(reaper: Bool) async throws {
        let scratch = try Scratch()
        let file = scratch.path("pid")
        await #expect(processExitsWith: .signal(SIGKILL)) { [file = file as String, reaper = reaper as Bool] in
            var launch = Launch("/bin/sleep", arguments: ["300"])
            if reaper {
                launch.user = try testMap
                launch.namespaces = [.pid]
                launch.reaper = true
            }
            launch.endsWithCaller = true
            let child = try launch.start()
            try Data("\(child.pid)".utf8).write(to: URL(filePath: file))
            kill(getpid(), SIGKILL)
            _ = try child.wait()
        }
        let pid = try #require(Int32(scratch.text("pid")))
        #expect(eventually { !isRunning(pid) })
    }

    @Test("A killed holder's cgroup and what runs in it are removed by the janitor", .needs(.root), .needs(.cgroup2))
    func janitor() async throws {
        let scratch = try Scratch()
        let file = scratch.path("pid")
        let group = "bulkhead-live-\(getpid())-orphaned"
        await #expect(processExitsWith: .signal(SIGKILL)) { [file = file as String, group = group as String] in
            let root = try Cgroup.root()
            let janitor = try Janitor(removing: ["\(group)/run"], and: [group], beneath: root, holding: nil)
            let own = try TransientCgroup(named: "run", inGroup: group, of: try Cgroup.root())
            janitor.owns(1)
            let child = try Launch.script("sleep 300 & sleep 300").start(in: own.cgroup)
            try Data("\(child.pid)".utf8).write(to: URL(filePath: file))
            kill(getpid(), SIGKILL)
            _ = try child.wait()
            _ = consume janitor
        }
        let pid = try #require(Int32(scratch.text("pid")))
        #expect(eventually { !isRunning(pid) })
        let root = try Cgroup.root()
        #expect(try eventually { try root.child(group) == nil })
    }

    @Test("A janitor kills nothing in a cgroup that its dead caller had not made", .needs(.root), .needs(.cgroup2))
    func strangersCgroup() async throws {
        let group = "bulkhead-live-\(getpid())-strangers"
        let own = try TransientCgroup(named: "run", inGroup: group, of: try Cgroup.root())
        let child = try Launch.script("sleep 300").start(in: own.cgroup)
        await #expect(processExitsWith: .signal(SIGKILL)) { [group = group as String] in
            let root = try Cgroup.root()
            let janitor = try Janitor(removing: ["\(group)/run"], and: [group], beneath: root, holding: nil)
            kill(getpid(), SIGKILL)
            _ = consume janitor
        }
        usleep(500_000)
        #expect(isRunning(child.pid))
        try child.send(signal: SIGKILL)
        _ = try child.wait()
        try own.remove()
    }

    @Test("A dismissed janitor removes nothing", .needs(.root), .needs(.cgroup2))
    func dismissedJanitor() throws {
        let group = "bulkhead-live-\(getpid())-kept"
        let root = try Cgroup.root()
        let own = try TransientCgroup(named: group, in: try Cgroup.root())
        do { _ = try Janitor(removing: ["\(group)/none"], and: [group], beneath: root, holding: nil) }
        usleep(100_000)
        #expect(try root.child(group) != nil)
        try own.remove()
    }

    @Test("Hundreds of launches leave descriptors and children as they were", .needs(.root))
    func flat() async {
        await #expect(processExitsWith: .success) {
            func once() throws {
                var launch = Launch("/bin/true")
                launch.user = try testMap
                launch.namespaces = [.network, .ipc, .uts, .pid]
                launch.reaper = true
                launch.streams = Streams(input: .null, output: .null, error: .null)
                let exit = try launch.start().wait()
                precondition(exit.status == .exited(0))
                launch.command = "/nothing/there"
                do {
                    _ = try launch.start()
                    preconditionFailure("started what is not there")
                } catch {}
            }
            try once()
            let before = openDescriptors()
            for _ in 0..<scaled(300) { try once() }
            precondition(openDescriptors() == before, "\(before) became \(openDescriptors())")
            precondition(!hasChildren(), "a child is left")
        }
    }
}
