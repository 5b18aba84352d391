// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("How a start fails")
struct LaunchFailureTests {
    /// The error of a start that must not succeed.
    static func failure(of launch: Launch) throws -> LaunchError {
        var launch = launch
        launch.streams = Streams(input: .null, output: .null, error: .null)
        do {
            _ = try launch.start()
        } catch {
            return error
        }
        throw Unexpected()
    }
    struct Unexpected: Error {}

    @Test("A command that is not there is told as such, with where it was looked for")
    func notFound() throws {
        let byPath = try Self.failure(of: Launch("/nothing/here"))
        #expect(byPath.step == .execute)
        #expect(byPath.failure.errno == .noSuchFileOrDirectory)
        #expect(byPath.isCommandNotFound)
        #expect(byPath.failure.subject == "/nothing/here")
        var named = Launch("no-such-command-anywhere")
        named.environment = ["PATH": "/bin:/usr/bin"]
        let byName = try Self.failure(of: named)
        #expect(byName.isCommandNotFound)
        #expect("\(byName)".contains("PATH=/bin:/usr/bin"))
    }

    @Test("A command that cannot be executed is told apart from one that is missing")
    func notExecutable() throws {
        let scratch = try Scratch()
        let plain = scratch.path("plain")
        _ = try finish(.script("echo 'no program' >\(plain)"))
        let refused = try Self.failure(of: Launch(plain))
        #expect(refused.step == .execute)
        #expect(refused.failure.errno == .permissionDenied)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: plain)
        #expect(try Self.failure(of: Launch(plain)).failure.errno == .execFormatError)
        #expect(try Self.failure(of: Launch(scratch.path)).failure.errno == .permissionDenied)
        // Written by another process: a start elsewhere in this one would hold it open for a moment (ETXTBSY).
        let script = scratch.path("script")
        _ = try finish(.script("echo '#!/no/such/interpreter' >\(script)"))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        let interpreter = try Self.failure(of: Launch(script))
        #expect(interpreter.failure.errno == .noSuchFileOrDirectory)
        #expect("\(interpreter)".contains("interpreter"))
    }

    @Test("A name is looked for in PATH as a shell does it: past what may not be executed")
    func searchPath() throws {
        let scratch = try Scratch()
        try scratch.folder("first")
        try scratch.file("first/true", "not a program")
        var launch = Launch("true")
        launch.environment = ["PATH": "\(scratch.path("missing")):\(scratch.path("first")):/usr/bin:/bin"]
        #expect(try finish(launch).exit.status == .exited(0))
        launch.environment = ["PATH": scratch.path("first")]
        #expect(try Self.failure(of: launch).failure.errno == .permissionDenied)
    }

    @Test("A working directory that is missing, no directory or closed to the user is told", .needs(.root))
    func workingDirectory() throws {
        let scratch = try Scratch()
        var launch = Launch("/bin/true")
        launch.directory = scratch.path("missing")
        let missing = try Self.failure(of: launch)
        #expect(missing.step == .directory)
        #expect(missing.failure.errno == .noSuchFileOrDirectory)
        #expect(missing.failure.subject == scratch.path("missing"))
        launch.directory = try scratch.file("file")
        #expect(try Self.failure(of: launch).failure.errno == .notDirectory)
        launch.directory = try scratch.folder("closed")
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: scratch.path("closed"))
        launch.identity = Identity(uid: 4321, gid: 4321)
        #expect(try Self.failure(of: launch).failure.errno == .permissionDenied)
    }

    @Test("A user outside the map is told with the user", .needs(.root))
    func unmappedUser() throws {
        var launch = Launch("/bin/true")
        launch.user = try IDMap(outside: testOutside, count: 10)
        launch.identity = Identity(uid: 10, gid: 0)
        let failure = try Self.failure(of: launch)
        #expect(failure.step == .user)
        #expect(failure.failure.errno == .invalidArgument)
        #expect(failure.failure.subject == "10:0")
    }

    @Test("A volume that is missing on the host fails before anything starts", .needs(.root))
    func missingVolume() throws {
        var launch = try Launch.isolated("true")
        launch.volumes = [HostVolume(source: "/no/such/volume", target: "/mnt")]
        let failure = try Self.failure(of: launch)
        #expect(failure.step == .prepare)
        #expect(failure.failure.errno == .noSuchFileOrDirectory)
        #expect(failure.failure.subject == "/no/such/volume")
    }

    @Test(
        "A mount target that is missing in the read-only root is told as such", .needs(.root),
        .needs(.idmappedMounts))
    func missingTarget() throws {
        let scratch = try Scratch()
        var launch = try Launch.isolated("true")
        launch.volumes = [HostVolume(source: scratch.path, target: "/usr/no-such-folder/data", ownership: .plain)]
        let failure = try Self.failure(of: launch)
        #expect(failure.step == .mount)
        #expect(failure.failure.errno == .readOnlyFileSystem)
        #expect("\(failure)".contains("/usr/no-such-folder/data"))
        #expect("\(failure)".contains("read-only root"))
    }

    @Test(
        "A kernel without mount_setattr says so, and nothing is left mounted", .needs(.root),
        .needs(.withoutFeature("mount_setattr")))
    func oldKernel() throws {
        let before = mountTable()
        let scratch = try Scratch()
        var launch = try Launch.isolated("true")
        launch.volumes = [HostVolume(source: scratch.path, target: "/mnt")]
        let volume = try Self.failure(of: launch)
        #expect(volume.failure.errno == .noFunction)
        #expect(volume.failure.subject == scratch.path)
        #expect("\(volume)".contains("5.12"))
        #expect(mountTable() == before)
    }

    @Test(
        "A map that the caller may not write fails at the maps, for an ordinary user", .needs(.userNamespaces),
        .needs(.ordinaryUser))
    func ordinaryUserMapsOthers() throws {
        var launch = Launch("/bin/true")
        launch.user = try testMap
        let failure = try Self.failure(of: launch)
        #expect(failure.step == .maps)
        #expect(failure.failure.errno == .notPermitted)
    }

    @Test("A cgroup that is gone is told at the clone", .needs(.root), .needs(.cgroup2))
    func removedCgroup() throws {
        let own = try TransientCgroup(named: "bulkhead-live-\(getpid())-gone", in: try Cgroup.root())
        let handle = try own.cgroup.duplicate()
        try own.remove()
        do {
            _ = try Launch("/bin/true").start(in: handle)
            Issue.record("started in a cgroup that is gone")
        } catch {
            #expect(error.step == .clone)
            #expect("\(error)".contains("removed"), "\(error)")
        }
    }

    @Test("A failure of any kind leaves no descriptor, child, mount or cgroup", .needs(.root))
    func nothingLeft() async {
        await #expect(processExitsWith: .success) {
            let mounts = mountTable()
            var plans: [Launch] = []
            func add(_ change: (inout Launch) throws -> Void) rethrows {
                var launch = Launch("/bin/true")
                launch.streams = Streams(input: .null, output: .null, error: .null)
                try change(&launch)
                plans.append(launch)
            }
            add { $0.command = "/nothing" }
            add { $0.directory = "/nothing" }
            try add {
                $0.user = try IDMap(outside: testOutside, count: 10)
                $0.identity = Identity(uid: 10, gid: 0)
            }
            try add {
                $0.user = try testMap
                $0.namespaces = [.pid]
                $0.reaper = true
                $0.command = "/nothing"
            }
            add { $0.hostName = String(repeating: "x", count: 100) }
            add {
                $0.volumes = [HostVolume(source: "/nothing", target: "/x")]; $0.root = .directory("/")
            }
            add { $0.root = .directory("/nothing") }
            try add {
                $0.user = try testMap
                $0.root = RootFileSystem(steps: [
                    .new(type: "tmpfs", target: "/", options: []), .new(type: "no-such-type", target: "/x"),
                ])
            }
            try add {
                $0.user = try testMap
                $0.root = RootFileSystem(steps: [.new(type: "tmpfs", target: "/", options: ["no-such-option=1"])])
            }
            try add {
                $0.user = try testMap
                $0.namespaces = [.pid, .network, .ipc, .uts, .cgroup]
                $0.root = try .hostView()
                $0.terminal = true
                $0.reaper = true
                $0.command = "/nothing"
            }
            func failAll() {
                for plan in plans {
                    do {
                        _ = try plan.start()
                        preconditionFailure("started: \(plan)")
                    } catch {}
                }
            }
            failAll()
            let before = openDescriptors()
            for _ in 0..<scaled(20) { failAll() }
            precondition(openDescriptors() == before, "\(before) became \(openDescriptors())")
            precondition(!hasChildren(), "a child is left")
            precondition(mountTable() == mounts, "a mount is left")
        }
    }
}
