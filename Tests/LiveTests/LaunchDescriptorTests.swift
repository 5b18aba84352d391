// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("What a command has open")
struct LaunchDescriptorTests {
    @Test("No descriptor of the caller's is inherited, close-on-exec or not", .needs(.root), arguments: [true, false])
    func nothingInherited(reaper: Bool) throws {
        // Far up too, and a directory of the host, as in CVE-2024-21626.
        let low = unsafe open("/etc", O_RDONLY | O_DIRECTORY)
        let high = fcntl(low, F_DUPFD, 900)
        defer {
            close(low)
            close(high)
        }
        var launch = Launch.script("ls -l /proc/self/fd; ls /proc/1/fd 2>&1")
        launch.user = try testMap
        if reaper {
            launch.namespaces = [.pid]
            launch.reaper = true
        }
        let found = try finish(launch)
        let open = found.lines.filter { $0.contains(" -> ") }
        // The streams, and the folder that ls lists, which busybox does not show.
        #expect([3, 4].contains(open.count), "\(found.output)")
        #expect(!found.output.contains("/etc"))
    }

    @Test("Streams that are closed in the caller are /dev/null in the command")
    func closedStreams() async throws {
        let scratch = try Scratch()
        let file = scratch.path("out")
        await #expect(processExitsWith: .success) { [file = file as String] in
            try await closeStreams()
            alarm(60)  // rather than forever
            let list = "for n in 0 1 2; do readlink /proc/$PPID/fd/$n; done >&3"
            let child = try Launch.script("exec 3>\(file); sh -c '\(list)'; true").start()
            let exit = try child.wait()
            precondition(exit.status == .exited(0))
        }
        #expect(scratch.text("out") == "/dev/null\n/dev/null\n/dev/null\n")
    }

    @Test("With the caller's streams closed, failures and ends of a reaper's command still arrive", .needs(.root))
    func closedStreamsUnderReaper() async {
        await #expect(processExitsWith: .success) {
            try await closeStreams()
            alarm(60)
            let child = try LaunchEndTests.plan("kill -9 $$", reaper: true).start()
            let exit = try child.wait()
            precondition(exit.status == .killed(signal: 9))
            do throws(LaunchError) {
                _ = try Launch("/nothing").start()
                preconditionFailure("started what is not there")
            } catch { precondition(error.isCommandNotFound) }
        }
    }

    @Test("Streams may be given crosswise")
    func crosswise() throws {
        let scratch = try Scratch()
        var launch = Launch.script("echo to-output; echo to-error >&2")
        let one = SharedDescriptor(
            try Descriptor.open(FilePath(scratch.path("one")), [.create, .writing], mode: 0o600))
        let two = SharedDescriptor(
            try Descriptor.open(FilePath(scratch.path("two")), [.create, .writing], mode: 0o600))
        launch.streams = Streams(input: .null, output: .shared(two), error: .shared(one))
        #expect(try launch.start().wait().status == .exited(0))
        #expect(scratch.text("one") == "to-error\n")
        #expect(scratch.text("two") == "to-output\n")
    }

    @Test("Blocked and ignored signals of the caller are neither in the command")
    func signals() async throws {
        let scratch = try Scratch()
        let file = scratch.path("out")
        await #expect(processExitsWith: .success) { [file = file as String] in
            signal(SIGPIPE, SIG_IGN)
            signal(SIGTERM, SIG_IGN)
            let blocked = try SignalDescriptor([1, 2, 15])
            let child = try Launch.script("cat /proc/self/status >\(file)").start()
            let exit = try child.wait()
            precondition(exit.status == .exited(0))
            _ = consume blocked
        }
        for key in ["SigBlk", "SigIgn", "SigCgt"] {
            #expect(scratch.text("out").contains("\(key):\t0000000000000000"), "\(key)")
        }
    }

    @Test("A terminal is the command's own, of its own devpts, with job control", .needs(.root))
    func terminal() throws {
        var launch = try Launch.isolated(
            "tty; stty size; sleep 0.01; ps -o pid= -o tty= $$ 2>/dev/null; echo end; exit 5")
        launch.terminal = true
        launch.reaper = true
        var child = try launch.start()
        guard let master = child.takeTerminal() else {
            Issue.record("no terminal came back")
            return
        }
        var output = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !output.contains("end") {
            guard let count = try? master.read(into: &buffer), count > 0 else { break }
            output += String(decoding: buffer[..<count], as: UTF8.self)
        }
        #expect(output.hasPrefix("/dev/pts/0\r\n"), "\(output)")
        let exit = try child.wait()
        #expect(exit.status == .exited(5))
    }

    @Test("Starting from many threads at once works, and nothing crosses over")
    func manyThreads() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<scaled(40) {
                group.addTask {
                    let found = try finish(.script("echo \(number); ls /proc/self/fd | wc -l; exit \(number)"))
                    #expect(found.lines == ["\(number)", "4"])
                    #expect(found.exit.status == .exited(Int32(number)))
                }
            }
            try await group.waitForAll()
        }
    }
}
