// SPDX-License-Identifier: Apache-2.0

internal import CAttacks
internal import Capabilities
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

@Suite("A hostile program")
struct AttackCallTests {
    @Test(
        "With every capability inside no call rules the host, in a user namespace of its own neither", .needs(.root),
        .needs(.idmappedMounts), arguments: ["host-calls", "nested"], [false, true])
    func hostCalls(name: String, holdsHostRoot: Bool) throws {
        let scratch = try mappableScratch()
        try scratch.folder("v")
        let found = try attacked(with: name) {
            $0.volumes = [HostVolume(source: scratch.path("v"), target: "/tmp/v")]
            guard holdsHostRoot else { return }
            $0.user = try hostRootMap
            $0.root?.guardHostRoot()
        }
        #expect(found.output == "end\n")
        #expect(found.exit.status == .exited(0))
    }

    @Test(
        "An ordinary user's gets no further", .needs(.userNamespaces), .needs(.ordinaryUser),
        arguments: ["host-calls", "nested"])
    func ordinaryUserHostCalls(name: String) throws {
        let found = try attacked(with: name) { $0.user = try LaunchUserTests.ownMap }
        #expect(found.output == "end\n")
    }

    @Test("It cannot leave its root by a second chroot", .needs(.root))
    func chroot() throws {
        let scratch = try Scratch(in: "/tmp")  // of which the command has its own
        let marker = try scratch.file("marker")
        #expect(try attacked(with: "chroot", ["BULKHEAD_MARKER": marker]).output == "end\n")
    }

    @Test("The default filter lets it at no io_uring, key, tracer or page fault", .needs(.root))
    func filtered() throws {
        let found = try attacked(with: "filtered") { $0.seccomp = try SeccompFilter.default.compiled() }
        #expect(found.output == "end\n")
    }

    @Test("A key in its starter's session is not its own, with no filter at all", .needs(.root))
    func sessionKey() async {
        await #expect(processExitsWith: .success) {
            guard attack_plant_key() >= 0 else { return }
            // As a child in no namespace has it, so the attack is one.
            var plain = Launch("")
            plain.attack("session-key")
            let control = try attacked(plain)
            precondition(control.output.contains("what the key holds"), "\(control)")
            let inside = try attacked(with: "session-key")
            precondition(inside.output == "end\n", "\(inside)")
            let shared = try SharedNamespaces(user: testMap, kinds: [.ipc], hostName: nil)
            var joining = plain
            joining.user = try testMap
            let joined = try attacked(joining) { try $0.start(sharing: shared) }
            precondition(joined.output == "end\n", "\(joined)")
        }
    }

    @Test("A socket without a file is out of its reach, in a network of its own", .needs(.root))
    func abstractSocket() throws {
        let name = "bulkhead-live-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        let listening = unsafe attack_listen(name)
        defer { close(listening) }
        try #require(listening >= 0)
        var plain = Launch("")
        plain.attack("abstract", ["BULKHEAD_SOCKET": name])
        #expect(try attacked(plain).output.contains("escaped"))
        #expect(try attacked(with: "abstract", ["BULKHEAD_SOCKET": name]).output == "end\n")
    }

    @Test(
        "It can neither trace, read, signal nor change its starter and the janitor, where it sees them", .needs(.root),
        .needs(.cgroup2))
    func starter() throws {
        let name = "bulkhead-live-\(getpid())-victim"
        let janitor = try Janitor(removing: ["\(name)/none"], and: [], beneath: try Cgroup.root(), holding: nil)
        // Its name comes a moment after it.
        var janitors: [Substring] = []
        _ = eventually {
            let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
            janitors = threads.flatMap { thread in
                ((try? readKernelFile(FilePath("/proc/self/task/\(thread)/children"))) ?? "").split(separator: " ")
            }.filter { ((try? readKernelFile(FilePath("/proc/\($0)/comm"))) ?? "").hasPrefix("bulkhead-clean") }
            return !janitors.isEmpty
        }
        #expect(!janitors.isEmpty)
        var launch = Launch("")
        launch.user = try testMap
        launch.capabilities = .supported
        launch.attack("starter", ["BULKHEAD_VICTIMS": "\(getpid()) \(janitors.joined(separator: " "))"])
        #expect(try attacked(launch).output == "end\n")
        _ = consume janitor
    }

    @Test(
        "The program that it runs by way of /proc/self/exe, its starter's, cannot be written: it has not the ids",
        .needs(.root))
    func program() throws {
        let found = try attacked(with: "program") { $0.command = "/proc/self/exe" }
        #expect(found.lines == ["end"], "\(found.output)")
    }

    @Test("Capabilities that its starter makes inheritable and ambient are not its own", .needs(.root))
    func inherited() async {
        await #expect(processExitsWith: .success) {
            precondition(attack_inherit_all() == 0)
            for user in [nil, try testMap] {
                var launch = Launch.script("grep ^Cap /proc/self/status")
                launch.user = user
                launch.identity = Identity(uid: 1000, gid: 1000)
                launch.capabilities = [.kill]
                let found = try finish(launch)
                for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                    precondition(found.value(set) == "0000000000000000", "\(found)")
                }
                precondition(found.value("CapBnd") == "0000000000000020", "\(found)")
            }
        }
    }

    @Test(
        "Its starter's terminal is not its own: it cannot type into it or take it", .needs(.root), .needs(toolIsThere))
    func terminal() throws {
        let program = try #require(readLink("/proc/self/exe"))
        let output = try onTerminal(
            """
            stty rows 31 cols 93
            $B run --tty never --cap-add ALL --seccomp unconfined --volume \(program):/tmp/attacker:ro:plain \
                --env BULKHEAD_ATTACK=terminal --env LD_LIBRARY_PATH -- /tmp/attacker
            $B run --tty always -- sh -c 'stty rows 7 cols 7; stty size'; stty size
            """)
        #expect(output.replacing("\r\n", with: "\n") == "end\n7 7\n31 93\n")
    }

    /// What a script writes to the terminal that it has.
    private func onTerminal(_ script: String) throws -> String {
        var launch = Launch.script(script)
        launch.noNewPrivileges = false
        launch.environment = ProcessInfo.processInfo.environment
        launch.environment["B"] = tool
        launch.terminal = true
        var child = try launch.start()
        guard let master = child.takeTerminal() else { return "no terminal came back" }
        var output = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while let count = try? master.read(into: &buffer), count > 0 {
            output += String(decoding: buffer[..<count], as: UTF8.self)
        }
        _ = try child.wait()
        return output
    }
}
