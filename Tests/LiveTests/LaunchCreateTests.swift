// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SeccompFilters
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("Create, then start")
struct LaunchCreateTests {
    /// A plan that writes a file when it runs, with and without an init.
    static func plan(_ file: String, reaper: Bool) throws -> Launch {
        var launch = Launch.script("echo ran >\(file); exit 9")
        launch.streams = Streams(input: .null, output: .null, error: .null)
        launch.seccomp = try SeccompFilter.default.compiled()
        guard reaper else { return launch }
        launch.user = try IDMap(
            uid: [IDMap.Extent(inside: 0, outside: geteuid(), count: 1)],
            gid: [IDMap.Extent(inside: 0, outside: getegid(), count: 1)])
        launch.namespaces = [.pid]
        launch.reaper = true
        return launch
    }

    @Test("What was created does nothing until it is started", .needs(.userNamespaces), arguments: [true, false])
    func start(reaper: Bool) throws {
        let scratch = try Scratch()
        let created = try Self.plan(scratch.path("out"), reaper: reaper).create()
        #expect(isRunning(created.pid))
        usleep(50_000)
        #expect(scratch.text("out") == "")
        let child = try created.start()
        let exit = try child.wait()
        #expect(exit.status == .exited(9))
        #expect(scratch.text("out") == "ran\n")
    }

    @Test(
        "What was created and is dropped ends, and leaves nothing", .needs(.userNamespaces), arguments: [true, false])
    func dropped(reaper: Bool) throws {
        let scratch = try Scratch()
        let pid: Int32
        do {
            let created = try Self.plan(scratch.path("out"), reaper: reaper)
                .create(startedAt: FilePath(scratch.path("start")))
            pid = created.pid
            #expect(FileManager.default.fileExists(atPath: scratch.path("start")))
        }
        #expect(!isRunning(pid))
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == [])
    }

    @Test("Failures of every step before the pause are told by create, the exec's by start")
    func failures() throws {
        var launch = Launch("/bin/true")
        launch.directory = "/nothing/here"
        do {
            _ = try launch.create()
            Issue.record("created")
        } catch { #expect(error.step == .directory) }
        launch.directory = nil
        launch.command = "/nothing/here"
        let created = try launch.create()
        do {
            _ = try created.start()
            Issue.record("started")
        } catch { #expect(error.isCommandNotFound) }
    }

    @Test("It waits in its cgroup, where it can be counted", .needs(.root), .needs(.cgroup2))
    func inCgroup() throws {
        let scratch = try Scratch()
        let own = try TransientCgroup(named: "bulkhead-live-\(getpid())-created", in: try Cgroup.root())
        let created = try Self.plan(scratch.path("out"), reaper: false).create(in: own.cgroup)
        let pid = created.pid
        #expect(try own.cgroup.read(.processes)?.contains(pid) == true)
        #expect(try created.start().wait().status == .exited(9))
        try own.remove()
    }

    @Test(
        "Another process starts what was left, once, and its creator's end does not matter", .needs(.userNamespaces),
        arguments: [true, false])
    func startedElsewhere(reaper: Bool) async throws {
        let scratch = try Scratch()
        let (out, socket, note) = (scratch.path("out"), scratch.path("start"), scratch.path("pid"))
        await #expect(processExitsWith: .exitCode(0)) {
            [out = out as String, socket = socket as String, note = note as String, reaper = reaper as Bool] in
            let created = try LaunchCreateTests.plan(out, reaper: reaper).create(startedAt: FilePath(socket))
            try Data("\(created.pid)".utf8).write(to: URL(filePath: note))
            created.leave()
            _exit(0)
        }
        let pid = try #require(Int32(scratch.text("pid")))
        #expect(isRunning(pid))
        #expect(scratch.text("out") == "")
        // It is nobody's child here any more, yet its end is seen.
        let process = try ProcessCall.open(pid)
        try Self.plan(out, reaper: reaper).startCreated(at: FilePath(socket))
        #expect(try await EndNotices.ended(process))
        #expect(scratch.text("out") == "ran\n")
        let again = try Self.plan(out, reaper: reaper)
        do throws(LaunchError) {
            try again.startCreated(at: FilePath(socket))
            Issue.record("started twice")
        } catch {
            #expect(error.step == .pause)
            #expect("\(error)".contains("has ended"), "\(error)")
        }
    }

    @Test("The one who starts hears why it could not be executed")
    func failureElsewhere() throws {
        let scratch = try Scratch()
        let socket = FilePath(scratch.path("start"))
        let launch = Launch("/nothing/here")
        let created = try launch.create(startedAt: socket)
        do {
            try launch.startCreated(at: socket)
            Issue.record("started")
        } catch { #expect(error.isCommandNotFound, "\(error)") }
        // Its creator waits for nothing.
        #expect(try created.start().wait().status == .exited(127))
    }

    @Test("A socket that is there already, or whose path is too long, is told before anything starts")
    func socket() throws {
        let scratch = try Scratch()
        for (path, errno) in [
            (try scratch.file("file"), Errno.addressInUse),
            (scratch.path(String(repeating: "x", count: 200)), .fileNameTooLong),
        ] {
            do {
                _ = try Launch("/bin/true").create(startedAt: FilePath(path))
                Issue.record("created")
            } catch {
                #expect(error.step == .prepare)
                #expect(error.failure.errno == errno)
            }
        }
        #expect(FileManager.default.fileExists(atPath: scratch.path("file")))
    }

    @Test("A creator that is killed takes with it what it did not leave", arguments: [true, false])
    func killedCreator(withSocket: Bool) async throws {
        let scratch = try Scratch()
        let (socket, note) = (scratch.path("start"), scratch.path("pid"))
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [socket = socket as String, note = note as String, withSocket = withSocket as Bool] in
            var launch = Launch("/bin/true")
            launch.endsWithCaller = true
            let created = withSocket ? try launch.create(startedAt: FilePath(socket)) : try launch.create()
            try Data("\(created.pid)".utf8).write(to: URL(filePath: note))
            kill(getpid(), SIGKILL)
            _ = try created.start()
        }
        let pid = try #require(Int32(scratch.text("pid")))
        #expect(eventually { !isRunning(pid) })
    }
}
