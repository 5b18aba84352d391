// SPDX-License-Identifier: Apache-2.0

internal import CAttacks
internal import Capabilities
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SeccompFilters
internal import SystemPackage
internal import TestSupport
internal import Testing

/// The starter's program, by way of `/proc/PID/exe`, from a command whose ids may write its file (CVE-2019-5736).
@Suite("A command with the ids of its starter's program", .needs(.root))
struct AttackProgramTests {
    /// Whose ids a command has.
    enum Ids: CaseIterable { case ownMap, hostRootMap, callers }

    /// A plan of such ids: a root of its own, the default capabilities of a container, which CAP_SYS_PTRACE is none of.
    static func plan(_ ids: Ids, reaper: Bool) throws -> Launch {
        var launch = try Launch.isolated("")
        launch.root?.guardHostRoot()
        launch.reaper = reaper
        launch.capabilities = .dockerDefault
        switch ids {
        case .ownMap: break
        case .hostRootMap: launch.user = try LiveTests.hostRootMap
        case .callers: launch.user = nil
        }
        return launch
    }

    private static var variables: [String: String] {
        var status = stat()
        guard unsafe stat("/proc/self/exe", &status) == 0 else { return [:] }
        return ["BULKHEAD_PROGRAM": "\(status.st_dev):\(status.st_ino)"]
    }

    @Test("It does not reach the file by way of its init, with CAP_SYS_PTRACE neither", arguments: Ids.allCases)
    func processes(ids: Ids) throws {
        var launch = try Self.plan(ids, reaper: true)
        for capabilities in [CapabilitySet.dockerDefault, CapabilitySet.dockerDefault.union([.sysPtrace])] {
            launch.capabilities = capabilities
            launch.attack("host-programs", Self.variables)
            #expect(try attacked(launch).output == "end\n")
        }
    }

    @Test(
        "A command that is a script of /proc/self/exe, or that itself, does not run the starter's program",
        arguments: [Ids.hostRootMap, .callers], [false, true])
    func script(ids: Ids, reaper: Bool) throws {
        let scratch = try mappableScratch()
        unsafe chmod(try scratch.file("script", "#!/proc/self/exe\n"), 0o755)
        var launch = try Self.plan(ids, reaper: reaper)
        launch.volumes = [HostVolume(source: scratch.path("script"), target: "/tmp/script", ownership: .plain)]
        launch.attack("host-programs", Self.variables)
        for command in ["/tmp/script", "/proc/self/exe", "/proc/thread-self/exe"] {
            launch.command = command
            let found = try attacked(launch)
            #expect(found.output == "", "\(command)")
            #expect(found.exit.status == .exited(127), "\(command)")
        }
    }

    @Test("What it has instead is in memory, sealed, without a right and of no caller's memory")
    func gate() throws {
        var launch = try Self.plan(.hostRootMap, reaper: true)
        launch.capabilities = .dockerDefault.union([.sysPtrace])
        launch.arguments = [
            "-c",
            """
            readlink /proc/1/exe; cat /proc/1/comm /proc/1/cmdline | tr '\\0' ' '; echo
            grep -E '^(CapPrm|CapEff|NoNewPrivs)' /proc/1/status; ls /proc/1/fd | wc -l
            [ $(awk '/VmSize/ { print $2 }' /proc/1/status) -lt 2048 ] && echo small
            echo >/proc/1/exe || echo refused
            """,
        ]
        let found = try finish(launch)
        #expect(found.lines.first == "/memfd:bulkhead-gate (deleted)", "\(found.output)")
        #expect(found.output.contains("bulkhead-init\nbulkhead-init \n"), "\(found.output)")
        #expect(found.value("CapPrm") == "0000000000000020", "\(found.output)")
        #expect(found.value("CapEff") == "0000000000000020", "\(found.output)")
        #expect(found.value("NoNewPrivs") == "1", "\(found.output)")
        #expect(found.output.contains("\n1\nsmall\n"), "\(found.output)")
        #expect(found.output.contains("\nrefused\n"), "\(found.output)")
    }

    @Test("Its end, its output, its arguments and its failures are told as without", arguments: [false, true])
    func told(reaper: Bool) throws {
        var launch = try Self.plan(.hostRootMap, reaper: reaper)
        launch.seccomp = try SeccompFilter.default.compiled()
        launch.descriptors = [7: SharedDescriptor(try Descriptor.open("/dev/null", .reading))]
        launch.arguments = [
            "-c", "echo \"$1,$2,$#\"; ls -C /proc/self/fd; [ $$ = 1 ] || kill -9 $$; exit 5", "sh", "", "two words",
        ]
        let found = try finish(launch)
        // 3 is the directory that is listed.
        #expect(found.output == ",two words,2\n0  1  2  3  7\n", "\(found.output)")
        #expect(found.exit.status == (reaper ? .killed(signal: SIGKILL) : .exited(5)))
        launch.command = "sh"
        launch.arguments = ["-c", "exit 7"]
        #expect(try finish(launch).exit.status == .exited(7))
        // Where the two are one program, its name decides.
        launch.command = "true"
        launch.program = SharedDescriptor(try Descriptor.open("/bin/true", [.path]))
        #expect(try finish(launch).exit.status == .exited(0))
        launch.program = nil
        for (command, errno) in [("/nothing", Errno.noSuchFileOrDirectory), ("/etc/passwd", .permissionDenied)] {
            launch.command = command
            do {
                _ = try launch.start()
                Issue.record("\(command) started")
            } catch {
                #expect(error.step == .execute && error.failure.errno == errno, "\(error)")
                #expect("\(error)".contains(command), "\(error)")
            }
        }
        launch.command = "/bin/true"
        for step in [LaunchError.Step.reaper, .seccomp, .execute] where reaper || step != .reaper {
            launch.forced = ForcedFailure(step, .noSpace)
            do {
                _ = try launch.start()
                Issue.record("started in spite of: \(step)")
            } catch { #expect(error.step == step && error.failure.errno == .noSpace, "\(error)") }
        }
        launch.forced = nil
        let created = try launch.create()
        #expect(try created.start().wait().status == .exited(0))
    }
}
