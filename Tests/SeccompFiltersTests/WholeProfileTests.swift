// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import SeccompFilters

/// A profile that many hosts run with, every system call of it: what the program answers is held against what the document
/// says, read here by other code than the library's.
@Suite(.x86Numbers) struct WholeProfileTests {
    struct Document: Decodable {
        struct Entry: Decodable {
            struct Argument: Decodable {
                var index: Int
                var value: UInt64
                var op: String
            }
            struct Condition: Decodable {
                var caps: [String]?
                var arches: [String]?
            }
            var names: [String]
            var action: String
            var errnoRet: UInt32?
            var args: [Argument]?
            var includes: Condition?
            var excludes: Condition?
        }
        var syscalls: [Entry]

        /// What the document says of a call; nil where an entry with other conditions may decide.
        func answer(_ name: String, _ arguments: [UInt64], _ capabilities: Set<String>, _ arches: Set<String>) -> UInt32
        {
            var answers: [(conditions: Int, answer: UInt32)] = []
            for entry in syscalls where entry.names.contains(name) {
                if let caps = entry.includes?.caps, !capabilities.isSuperset(of: caps) { continue }
                if let caps = entry.excludes?.caps, !capabilities.isDisjoint(with: caps) { continue }
                if let named = entry.includes?.arches, !named.isEmpty, arches.isDisjoint(with: named) { continue }
                let args = entry.args ?? []
                let holds = args.allSatisfy { arg in
                    arg.op == "SCMP_CMP_EQ" ? arguments[arg.index] == arg.value : arguments[arg.index] != arg.value
                }
                if holds {
                    answers.append(
                        (args.count, entry.action == "SCMP_ACT_ALLOW" ? allow : failing(entry.errnoRet ?? 1)))
                }
            }
            return (answers.first { $0.conditions == 0 } ?? answers.first)?.answer ?? failing(38)
        }
    }

    private func text() throws -> String {
        try String(contentsOf: vectorsFolder.appending(path: "seccomp/podman-default.json"), encoding: .utf8)
    }

    @Test(arguments: [[], ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE"], ["CAP_AUDIT_WRITE", "CAP_SYS_CHROOT", "CAP_SYS_TIME"]])
    func `the program answers every system call as the document says`(capabilities: [String]) throws {
        let document = try vectors("seccomp/podman-default.json", as: Document.self)
        let filter = try SeccompProfile(parsing: text()).resolved(
            for: .init(capabilities: capabilities, kernel: .init(6, 1)))
        let compiled = try filter.compiled()
        var machine = ClassicBPF(compiled.instructions)
        let names = Set(document.syscalls.flatMap(\.names)).union(SystemCall.names(on: .native))
        var judged = 0
        for name in names {
            guard let number = SystemCall(named: name)?.number else { continue }
            for argument in [0, 8, 9, 16, 0x20000, 0xffff_ffff, 1 << 32] as [UInt64] {
                for third in [0, 9] as [UInt64] {
                    // The profile decides socket(16, …, 9) twice; libseccomp's choice is looked at below.
                    if name == "socket", argument == 16, third == 9 { continue }
                    let arguments = [argument, 0, third, 0, 0, 0]
                    let expected = document.answer(name, arguments, Set(capabilities), ["amd64"])
                    let call = ClassicBPF.Call(number: Int32(number), arguments: arguments)
                    #expect(try machine.run(call) == expected, "\(name)(\(argument), 0, \(third))")
                    let own = SystemCall(number: number, arguments: arguments)
                    #expect(compiled.action(on: own)?.code == expected, "\(name) by the library's own machine")
                    judged += 1
                }
            }
        }
        #expect(judged > 4000)
        #expect(compiled.instructions.count < 4096)
    }

    @Test func `a call that two entries decide is answered by one of them`() throws {
        let filter = try SeccompProfile(parsing: text()).resolved(for: .init(capabilities: [], kernel: .init(6, 1)))
        #expect([failing(22), failing(38)].contains(try filter.verdict("socket", 16, 0, 9)))
    }

    @Test func `its architectures are x86's, and others do not exist`() throws {
        let filter = try SeccompProfile(parsing: text()).resolved(for: .init(capabilities: [], kernel: .init(6, 1)))
        #expect(filter.architectures == [.x86, .x32])
        var machine = ClassicBPF(try filter.compiled().instructions)
        #expect(try machine.run(.init(number: 3, architecture: 0x4000_0003)) == allow, "read of i386")
        #expect(try machine.run(.init(number: 0x4000_0000)) == allow, "read of x32")
        #expect(try machine.run(.init(number: 63, architecture: 0xc000_00b7)) == failing(38), "read of arm64")
    }

    @Test func `it is compiled for arm64 too`() throws {
        let filter = try SeccompProfile(parsing: text()).resolved(
            for: .init(capabilities: [], kernel: .init(6, 1), architecture: .aarch64))
        #expect(filter.architectures == [.arm])
        let compiled = try filter.compiled(for: .aarch64)
        var machine = ClassicBPF(compiled.instructions)
        let arm64: UInt32 = 0xc000_00b7
        #expect(try machine.run(.init(number: 63, architecture: arm64)) == allow, "read")
        #expect(try machine.run(.init(number: 224, architecture: arm64)) == failing(1), "swapon")
        #expect(try machine.run(.init(number: 3, architecture: 0x4000_0028)) == allow, "read of arm")
        #expect(try machine.run(.init(number: 0)) == failing(38), "read of x86-64")
        for name in ["read", "reboot", "openat", "clone3", "arm_fadvise64_64"] {
            guard let call = SystemCall(named: name, on: .aarch64) else { continue }
            #expect(
                try compiled.action(on: call)?.code
                    == machine.run(
                        .init(number: Int32(call.number), architecture: arm64)))
        }
    }

    @Test func `the calls of x32 are answered as x86-64's`() throws {
        let filter = try SeccompProfile(parsing: text()).resolved(for: .init(capabilities: [], kernel: .init(6, 1)))
        let compiled = try filter.compiled()
        for name in ["read", "close", "mount", "openat", "kexec_load", "swapon"] {
            let x32 = try #require(SystemCall(named: name, on: .x32))
            #expect(x32.number & 0x4000_0000 != 0)
            let x64 = try #require(SystemCall(named: name, on: .amd64))
            #expect(compiled.action(on: x32) == compiled.action(on: x64), "\(name)")
        }
    }
}

@Suite(.x86Numbers) struct NewerSyscallTests {
    private typealias Rule = SeccompFilter.Rule

    private func filter(_ architectures: [SeccompFilter.Architecture] = []) -> SeccompFilter {
        SeccompFilter(
            default: .notPermitted, architectures: architectures, rules: [Rule(.allow, ["read", "openat2", "close"])],
            newer: .notImplemented)
    }

    @Test func `a call above all that the rules name does not exist, one below is refused`() throws {
        var machine = ClassicBPF(try filter().compiled().instructions)
        #expect(try machine.run(.init(number: 437)) == allow, "openat2")
        #expect(try machine.run(.init(number: 436)) == failing(1))
        for number in [438, 450, 999, 0x3fff_ffff] as [Int32] {
            #expect(try machine.run(.init(number: number)) == failing(38), "\(number)")
        }
    }

    @Test func `each architecture has its own last call`() throws {
        var machine = ClassicBPF(try filter([.x86, .x32]).compiled().instructions)
        let i386: UInt32 = 0x4000_0003
        #expect(try machine.run(.init(number: 437, architecture: i386)) == allow)
        #expect(try machine.run(.init(number: 438, architecture: i386)) == failing(38))
        #expect(try machine.run(.init(number: 0x4000_0000 | 437)) == allow)
        #expect(try machine.run(.init(number: 0x4000_0000 | 438)) == failing(38))
        // The number of x32's close is the number of i386's architecture.
        #expect(try machine.run(.init(number: 0x4000_0003)) == allow)
        #expect(try machine.run(.init(number: 0x4000_0004)) == failing(1))
        #expect(try machine.run(.init(number: 438)) == failing(38))
        #expect(try machine.run(.init(number: 437)) == allow)
    }

    @Test func `x32 as the only architecture has a last call, too`() throws {
        var machine = ClassicBPF(try filter().compiled(for: .x32).instructions)
        #expect(try machine.run(.init(number: 0x4000_0000 | 437)) == allow)
        #expect(try machine.run(.init(number: 0x4000_0000 | 436)) == failing(1))
        #expect(try machine.run(.init(number: 0x4000_0000 | 438)) == failing(38))
        #expect(try machine.run(.init(number: 437)) == failing(38), "openat2 of x86-64")
    }

    @Test(arguments: [
        ("SCMP_ACT_ERRNO", SeccompFilter.Action.notImplemented as SeccompFilter.Action?),
        ("SCMP_ACT_KILL_PROCESS", .notImplemented), ("SCMP_ACT_TRAP", .notImplemented), ("SCMP_ACT_ALLOW", nil),
        ("SCMP_ACT_LOG", nil), ("SCMP_ACT_TRACE", nil),
    ])
    func `a profile that refuses by default gets it, one that allows does not`(
        action: String, newer: SeccompFilter.Action?
    ) throws {
        let filter = try SeccompProfile(defaultAction: action).resolved(
            for: .init(capabilities: [], kernel: .init(6, 1)))
        #expect(filter.newerAction == newer)
        _ = try filter.compiled()
    }

    @Test func `a filter without rules compiles to its default`() throws {
        let compiled = try SeccompFilter(default: .notPermitted).compiled()
        #expect(compiled.action(on: SystemCall(number: 0)) == .notPermitted)
        #expect(compiled.action(on: SystemCall(number: 5000)) == .notPermitted)
    }

    @Test func `a compiled filter is kept, and only so many`() throws {
        let filters = (1...40).map { SeccompFilter(default: .allow, rules: [Rule(.errno($0), ["mount"])]) }
        for (index, filter) in filters.enumerated() {
            let compiled = try filter.compiled()
            let mount = try #require(SystemCall(named: "mount"))
            #expect(compiled.action(on: mount) == .errno(UInt16(index + 1)))
            #expect(try filter.compiled() == compiled)
        }
        #expect(try filters[0].compiled().action(on: #require(SystemCall(named: "mount"))) == .errno(1))
    }
}
