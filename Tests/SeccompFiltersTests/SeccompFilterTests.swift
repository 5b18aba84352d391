// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import SeccompFilters

private typealias Rule = SeccompFilter.Rule
private typealias Argument = SeccompFilter.Argument

extension SeccompFilter {
    /// The verdict of the compiled program, as the kernel's 32-bit answer.
    func verdict(_ name: String, _ arguments: UInt64...) throws -> UInt32 {
        var machine = ClassicBPF(try compiled().instructions)
        return try machine.run(ClassicBPF.Call(number: #require(syscallNumber(name)), arguments: arguments))
    }
}

@Suite(.x86Numbers) struct SeccompFilterTests {
    @Test func `a rule wins over the default action`() throws {
        let filter = SeccompFilter(default: .notPermitted, rules: [Rule(.allow, ["read", "write"])])
        #expect(try filter.verdict("read") == allow)
        #expect(try filter.verdict("write") == allow)
        #expect(try filter.verdict("openat") == failing(1))
    }

    @Test(arguments: [
        (SeccompFilter.Action.killProcess, 0x8000_0000 as UInt32), (.killThread, 0), (.trap, 0x3_0000),
        (.errno(38), 0x5_0026), (.trace(7), 0x7ff0_0007), (.log, 0x7ffc_0000),
    ])
    func `each action reaches the program`(action: SeccompFilter.Action, answer: UInt32) throws {
        let filter = SeccompFilter(default: .allow, rules: [Rule(action, ["mount"])])
        #expect(try filter.verdict("mount") == answer)
        #expect(try filter.verdict("umount2") == allow)
    }

    struct Comparison: Sendable {
        var test: SeccompFilter.Test
        var matching: [UInt64]
        var others: [UInt64]
    }
    static let comparisons: [Comparison] = [
        Comparison(test: .notEqual(5), matching: [4, 6, 1 << 32 | 5], others: [5]),
        Comparison(test: .less(5), matching: [0, 4], others: [5, 1 << 32]),
        Comparison(test: .lessOrEqual(5), matching: [5], others: [6, 1 << 40]),
        Comparison(test: .equal(5), matching: [5], others: [4, 1 << 32 | 5]),
        Comparison(test: .greaterOrEqual(5), matching: [5, 1 << 63], others: [4]),
        Comparison(test: .greater(5), matching: [6, 1 << 32], others: [5]),
        Comparison(test: .maskedEqual(mask: 6, 4), matching: [4, 5, 0xfc], others: [6, 2, 0]),
        Comparison(test: .low32(5), matching: [5, 1 << 32 | 5], others: [4]),
    ]

    @Test(arguments: comparisons)
    func `each comparison holds where it should`(comparison: Comparison) throws {
        let rule = Rule(.errno(9), ["kill"], where: [Argument(1, comparison.test)])
        let filter = SeccompFilter(default: .allow, rules: [rule])
        for value in comparison.matching { #expect(try filter.verdict("kill", 0, value) == failing(9), "\(value)") }
        for value in comparison.others { #expect(try filter.verdict("kill", 0, value) == allow, "\(value)") }
    }

    @Test func `all comparisons of a rule must hold, and one of several rules suffices`() throws {
        let filter = SeccompFilter(
            default: .allow,
            rules: [
                Rule(.errno(9), ["kill"], where: [Argument(0, .equal(1)), Argument(1, .equal(2))]),
                Rule(.errno(9), ["kill"], where: [Argument(0, .equal(7))]),
            ])
        #expect(try filter.verdict("kill", 1, 2) == failing(9))
        #expect(try filter.verdict("kill", 1, 3) == allow)
        #expect(try filter.verdict("kill", 7, 0) == failing(9))
    }

    @Test func `equal filters compile to equal programs`() throws {
        let first = try SeccompFilter.default.compiled()
        #expect(try SeccompFilter.default.compiled() == first)
        #expect(first.unknownSyscalls == [])
    }

    @Test func `a name that libseccomp does not know is reported, or refused when strict`() throws {
        let filter = SeccompFilter(default: .allow, rules: [Rule(.notPermitted, ["sing", "mount", "sing"])])
        let compiled = try filter.compiled()
        #expect(compiled.unknownSyscalls == ["sing"])
        #expect(try filter.verdict("mount") == failing(1))
        #expect(throws: SeccompError.unknownSyscall("sing")) { try filter.compiled(strict: true) }
    }

    @Test func `a comparison that libseccomp refuses names the system call`() {
        for arguments in [[Argument(6, .equal(0))], [Argument(0, .greater(1)), Argument(0, .less(5))]] {
            let filter = SeccompFilter(default: .allow, rules: [Rule(.trap, ["kill"], where: arguments)])
            #expect(throws: SeccompError.refusedRule(syscall: "kill", errno: 22)) { try filter.compiled() }
        }
    }

    @Test func `another architecture gets the foreign action until it is listed`() throws {
        var filter = SeccompFilter(default: .allow, rules: [Rule(.notPermitted, ["mount"])])
        let i386: UInt32 = 0x4000_0003
        var machine = ClassicBPF(try filter.compiled().instructions)
        #expect(try machine.run(.init(number: 20, architecture: i386)) == failing(38))
        #expect(try machine.run(.init(number: 0x4000_0000)) == failing(38), "x32")
        filter.architectures = [.x86, .x32]
        machine = ClassicBPF(try filter.compiled().instructions)
        #expect(try machine.run(.init(number: 20, architecture: i386)) == allow)
        #expect(try machine.run(.init(number: 21, architecture: i386)) == failing(1), "mount of i386")
        #expect(try machine.run(.init(number: 0x4000_0000 | 165)) == failing(1), "mount of x32")
    }

    @Test func `an architecture is known by three names`() throws {
        #expect(try SeccompFilter.Architecture(parsing: "SCMP_ARCH_X86_64") == .native)
        #expect(try SeccompFilter.Architecture(parsing: "amd64") == .native)
        #expect(try SeccompFilter.Architecture(parsing: "x86_64") == .native)
        let unknown = SeccompError.unknownArchitecture("pdp11")
        #expect(throws: unknown) { try SeccompFilter.Architecture(parsing: "pdp11") }
    }

    @Test func `a filter that is installed in a process fails what it refuses`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let filter = SeccompFilter(default: .allow, rules: [Rule(.errno(123), ["setpgid"])])
            try filter.compiled().install()
            exit(setpgid(0, 0) == -1 && errno == 123 ? 42 : 1)
        }
    }

    @Test func `the default filter can be installed and the process goes on`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            try SeccompFilter.default.compiled().install()
            let here = try FileManager.default.contentsOfDirectory(atPath: "/proc/self")
            let accounting = acct(nil)
            exit(accounting == -1 && errno == EPERM && !here.isEmpty ? 42 : 1)
        }
    }
}
