// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

/// A folder where the capabilities of files count: on a mount that is not `nosuid`.
private let place = fileSystems.first { path in
    var found = statvfs()
    return unsafe statvfs(path, &found) == 0 && found.f_flag & 2 == 0  // ST_NOSUID
}
private let placeIsThere = Requirement(
    "suid", absence: place == nil ? "every file system to try is mounted nosuid" : nil)

/// The kernel as the judge of `ProcessCapabilities.after`: a command is started with sets that are known, and a program
/// with capabilities of its own tells what it got.
@Suite("What execve leaves of capabilities", .needs(.root), .needs(placeIsThere))
struct CapabilityExecutionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var uid: UInt32
        var given: CapabilitySet
        var ambient: CapabilitySet = []
        var file: FileCapabilities?
        var noNewPrivileges = false
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "root, plain program", uid: 0, given: [.kill, .netRaw]),
        Case(name: "user, plain program", uid: 1000, given: [.kill, .netRaw]),
        Case(name: "user, ambient", uid: 1000, given: [.kill, .netRaw], ambient: [.netRaw]),
        Case(
            name: "user, file", uid: 1000, given: [.kill, .netRaw],
            file: FileCapabilities(permitted: [.netRaw], isEffective: true)),
        Case(
            name: "user, file without the effective bit", uid: 1000, given: [.kill, .netRaw],
            file: FileCapabilities(permitted: [.netRaw, .chown])),
        Case(
            name: "user, file ends ambient", uid: 1000, given: [.kill, .netRaw], ambient: [.kill],
            file: FileCapabilities(permitted: [.netRaw])),
        Case(
            name: "user, file takes over inheritable", uid: 1000, given: [.kill, .netRaw], ambient: [.kill],
            file: FileCapabilities(permitted: [], inheritable: [.kill, .chown], isEffective: true)),
        Case(
            name: "user, no new privileges", uid: 1000, given: [.kill, .netRaw],
            file: FileCapabilities(permitted: [.netRaw], isEffective: true), noNewPrivileges: true),
        Case(
            name: "root, file", uid: 0, given: [.kill, .netRaw],
            file: FileCapabilities(permitted: [.netRaw], isEffective: true)),
    ]

    /// A copy of `cat`, with capabilities.
    private func program(_ scratch: Scratch, _ file: FileCapabilities?) throws -> String {
        let path = scratch.path("cat")
        let cat = ["/usr/bin/cat", "/bin/cat"].first { FileManager.default.isExecutableFile(atPath: $0) } ?? "/bin/cat"
        try FileManager.default.copyItem(atPath: URL(filePath: cat).resolvingSymlinksInPath().path, toPath: path)
        unsafe chmod(path, 0o755)
        if let file { try file.write(to: try Descriptor.open(FilePath(path), .reading)) }
        return path
    }

    @Test("The kernel agrees, set by set", arguments: cases)
    func agreement(one: Case) throws {
        let scratch = try Scratch(in: place)
        var launch = Launch("/bin/true")
        launch.user = nil
        launch.identity = Identity(uid: one.uid, gid: one.uid)
        launch.capabilities = one.given
        launch.ambientCapabilities = one.ambient
        launch.noNewPrivileges = one.noNewPrivileges
        // The launched program is the judged one: what it starts with is what the plan gave, through one execve.
        launch.command = try program(scratch, one.file)
        launch.arguments = ["/proc/self/status"]
        let before = ProcessCapabilities(
            effective: one.given, permitted: one.given, inheritable: one.ambient, bounding: one.given,
            ambient: one.ambient)
        var execution = ProgramExecution(by: one.uid, of: one.file)
        execution.noNewPrivileges = one.noNewPrivileges
        let found = try finish(launch)
        try #require(found.exit.status == .exited(0), "\(found.output)")
        #expect(try ProcessCapabilities(status: found.output) == before.after(execution))
        #expect(before.contradiction == nil)
    }

    @Test("A file that demands more than it can get is not executed, by the kernel as by the rules")
    func refused() throws {
        let scratch = try Scratch(in: place)
        let file = FileCapabilities(permitted: [.netRaw, .chown], isEffective: true)
        var launch = Launch(try program(scratch, file), arguments: ["/dev/null"])
        launch.identity = Identity(uid: 1000, gid: 1000)
        launch.capabilities = [.netRaw]
        launch.noNewPrivileges = false
        let error = #expect(throws: LaunchError.self) { _ = try launch.start().wait() }
        #expect(error?.failure.errno == .notPermitted)
        let before = ProcessCapabilities(effective: [.netRaw], permitted: [.netRaw], bounding: [.netRaw])
        #expect(throws: CapabilityError.executionRefused(missing: [.chown])) {
            try before.after(ProgramExecution(by: 1000, of: file))
        }
    }

    @Test("A file's capabilities are written and read back, and those of another namespace keep their root")
    func file() throws {
        let scratch = try Scratch(in: place)
        let path = try scratch.file("program")
        let file = try Descriptor.open(FilePath(path), .reading)
        #expect(try FileCapabilities.read(from: file) == nil)
        for value in [
            FileCapabilities(permitted: [.netRaw], inheritable: [.kill], isEffective: true),
            FileCapabilities(permitted: [.netAdmin], isEffective: true, rootID: 100_000),
        ] {
            try value.write(to: file)
            #expect(try FileCapabilities.read(from: file) == value)
        }
        try FileCapabilities.remove(from: file)
        #expect(try FileCapabilities.read(from: file) == nil)
    }
}
