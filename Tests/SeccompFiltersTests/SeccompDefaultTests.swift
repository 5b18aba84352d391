// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SeccompFilters

@Suite(.x86Numbers) struct SeccompDefaultTests {
    @Test(arguments: [
        "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "bpf", "perf_event_open",
        "userfaultfd", "io_uring_setup", "add_key", "request_key", "keyctl", "open_by_handle_at", "reboot", "swapon",
        "swapoff", "syslog", "acct", "settimeofday", "clock_settime", "clock_adjtime", "iopl", "ioperm", "quotactl",
        "nfsservctl", "lookup_dcookie", "uselib", "ustat",
    ])
    func `what no container needs is refused`(name: String) throws {
        #expect(try SeccompFilter.default.verdict(name) == failing(1))
    }

    @Test(arguments: [
        "read", "execve", "clone", "clone3", "unshare", "setns", "mount", "umount2", "open_tree", "move_mount",
        "mount_setattr", "fsopen", "pivot_root", "chroot", "ptrace", "process_vm_readv", "name_to_handle_at",
        "adjtimex",
        "ioctl", "socket", "capset", "seccomp", "mknod", "setuid", "clock_gettime", "personality",
    ])
    func `what a workload in its own user namespace may need is allowed`(name: String) throws {
        #expect(try SeccompFilter.default.verdict(name) == allow)
    }

    @Test func `a system call newer than libseccomp is allowed`() throws {
        var machine = ClassicBPF(try SeccompFilter.default.compiled().instructions)
        #expect(try machine.run(.init(number: 999)) == allow)
    }

    @Test func `a terminal cannot be typed into, whatever the upper half of the request says`() throws {
        for upper in [0, 1 << 32, 0xdead_beef << 32] as [UInt64] {
            #expect(try SeccompFilter.default.verdict("ioctl", 0, upper | 0x5412) == failing(1))
            #expect(try SeccompFilter.default.verdict("ioctl", 0, upper | 0x541c) == failing(1))
            #expect(try SeccompFilter.default.verdict("ioctl", 0, upper | 0x5413) == allow)
        }
    }

    @Test func `the hypervisor's socket family is refused and others are not`() throws {
        #expect(try SeccompFilter.default.verdict("socket", 40) == failing(1))
        #expect(try SeccompFilter.default.verdict("socket", 1 << 32 | 40) == failing(1))
        #expect(try SeccompFilter.default.verdict("socket", 2) == allow)
    }

    @Test func `only harmless personalities can be set`() throws {
        var machine = ClassicBPF(try SeccompFilter.default.compiled().instructions)
        let harmless: Set<UInt64> = [0, 8, 0x20000, 0x20008, 0xffff_ffff]
        var values = harmless.union([0x40000, 0x40_0000, 0x7fff_ffff, 0xffff_fffe])
        for bit in 0..<32 as Range<UInt64> {
            values.formUnion(harmless.map { $0 ^ 1 << bit })
            values.insert(1 << bit)
        }
        for value in values {
            for upper in [0, 5 << 32] as [UInt64] {
                let verdict = try machine.run(.init(number: 135, arguments: [upper | value]))
                #expect(verdict == (harmless.contains(value) ? allow : failing(1)), "\(value)")
            }
        }
    }

    @Test func `the program is short and a harmless call costs few steps`() throws {
        var machine = ClassicBPF(try SeccompFilter.default.compiled().instructions)
        #expect(machine.program.count < 300)
        let most = try (0..<460 as Range<Int32>).map { number in
            if number != 135 { _ = try machine.run(.init(number: number)) }
            return machine.steps
        }.max()
        #expect(try #require(most) < 40)
    }

    @Test func `the program that is part of the module does what a newly compiled one does`() throws {
        let compiled = try SeccompFilter.default.compiled()
        let kept = try SeccompFilter.compiledDefault()
        var (fresh, other) = (ClassicBPF(compiled.instructions), ClassicBPF(kept.instructions))
        var differences: [String] = []
        func compare(_ number: Int, _ arguments: UInt64...) throws {
            let call = ClassicBPF.Call(number: Int32(number), arguments: arguments)
            let (left, right) = (try fresh.run(call), try other.run(call))
            if left != right { differences.append("\(number)\(arguments): \(left) and \(right)") }
        }
        // Numbers of x86-64, of x32 and of nothing; then those whose arguments matter.
        for number in Array(-1..<600) + Array(0x4000_0000..<0x4000_0250) { try compare(number) }
        let words: [UInt64] = [0, 8, 40, 0x5412, 0x541c, 0x20000, 0x20008, 0xffff_ffff, 1 << 32 | 40, 7]
        for number in [16, 41, 53, 135] {
            for word in words { for second in words { try compare(number, word, second) } }
        }
        #expect(
            differences.isEmpty,
            """
            \(differences.prefix(3)); compiled anew: \(compiled.instructions.map { "0x" + String($0, radix: 16) }), \
            unknown: \(compiled.unknownSyscalls)
            """)
    }
}
