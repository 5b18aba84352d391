// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import SeccompFilters
internal import TestSupport
internal import Testing

@Suite("bulkhead caps and bulkhead seccomp", .needs(toolIsThere))
struct SecurityToolTests {
    private let podman = vectorsFolder.appending(path: "seccomp/podman-default.json").path

    @Test("caps tells of sets and of a process, as text and as JSON")
    func caps() throws {
        let found = try shell("$B caps docker $$ && $B caps --json net_admin,sys_module cap_kill=ep")
        #expect(found.exit.status == .exited(0), "\(found.output)")
        #expect(found.output.contains("cap_chown"))
        #expect(found.output.contains("process "))
        let start = try #require(found.output.range(of: "{\n  \"results\""))
        let json = Document(try JSONSerialization.jsonObject(with: Data(found.output[start.lowerBound...].utf8)))
        let results = json["results"]
        #expect(results.count == 2)
        let capabilities = results[0]["capabilities"].all
        #expect(capabilities.map { $0["name"].text } == ["cap_net_admin", "cap_sys_module"])
        #expect(capabilities.map { $0["insideUserNamespace"].text } == ["yes", "no"])
    }

    @Test("A wrong word is a usage error with near matches; a process that is not there a failure")
    func wrongWords() throws {
        let found = try shell(
            """
            $B caps net_amdin; echo $?; $B caps dokcer; echo $?; $B caps 2147483647; echo $?
            $B seccomp explain default --syscall opnat; echo $?; $B seccomp explain default --syscall open --arg 7=1; echo $?
            """)
        let lines = found.lines
        for text in [
            "did you mean cap_net_admin", "did you mean docker", "no process 2147483647", "did you mean openat",
        ] {
            #expect(found.output.contains(text), "\(text): \(found.output)")
        }
        #expect(lines.filter { $0.count == 1 } == ["2", "2", "1", "2", "2"], "\(found.output)")
    }

    @Test("seccomp explain tells of a whole profile, and of one system call with the rule that decides")
    func explain() throws {
        let found = try shell(
            """
            F=\(podman)
            $B seccomp explain $F --json >/dev/null && $B seccomp explain $F --syscall personality --arg 0=8 &&
            $B seccomp explain $F --syscall mount --cap none && $B seccomp explain default --syscall ioctl --arg 1=0x5412
            """)
        #expect(found.exit.status == .exited(0), "\(found.output)")
        #expect(found.output.contains("personality with argument 0 = 0x8: allow"))
        #expect(found.output.contains("syscalls[3]: allow personality where argument 0 is 0x8"))
        #expect(found.output.contains("ioctl with argument 1 = 0x5412: fail with EPERM"), "\(found.output)")
    }

    @Test("An error in a profile names the field")
    func fieldErrors() throws {
        let scratch = try Scratch()
        let file = try scratch.file(
            "profile",
            #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "SCMP_ACT_ALOW"}]}"#)
        let found = try shell("$B seccomp explain \(file); echo $?; $B run --seccomp \(file) -- true; echo $?")
        #expect(found.lines.filter { $0 == "1" }.count == 2)
        let message = "syscalls[0].action: 'SCMP_ACT_ALOW' is not a seccomp action (did you mean SCMP_ACT_ALLOW?)"
        #expect(found.output.components(separatedBy: message).count == 3, "\(found.output)")
    }

    @Test("A command runs under a whole profile, and is refused what that refuses", .needs(.root))
    func wholeProfile() throws {
        var launch = Launch.script("chroot / true && echo chrooted; cat /proc/self/status")
        let text = try String(contentsOfFile: podman, encoding: .utf8)
        launch.seccomp = try SeccompProfile(parsing: text).resolved(
            for: .init(capabilities: [], kernel: .init(5, 10))
        ).compiled()
        let found = try finish(launch)
        #expect(found.value("Seccomp") == "2", "\(found.output)")
        #expect(!found.output.contains("chrooted"))
    }
}
