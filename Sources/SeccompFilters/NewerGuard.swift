// SPDX-License-Identifier: Apache-2.0

extension SeccompFilter {
    /// Instructions before libseccomp's that answer system calls newer than the rules with ``newerAction``, as runc does:
    /// those whose number is above all that the rules name on the call's architecture.
    ///
    /// Numbers have been given in order since Linux 5.1, so "above" means "newer", but for a few that older kernels got
    /// later. Rules that say nothing for an architecture guard nothing there.
    func newerGuard(_ native: Architecture) -> [UInt64] {
        guard let newerAction, newerAction != defaultAction else { return [] }
        let names = rules.flatMap(\.syscalls)
        func last(_ architecture: Architecture) -> UInt32? {
            names.compactMap { SystemCall(named: $0, on: architecture)?.number }.max()
        }
        var sections: [[UInt64]] = []
        let all = [native] + architectures.filter { $0 != native }
        // With x86-64 x32 is a part of its section; without, its own is all of it: x86-64's numbers lie below.
        for architecture in all where architecture != .x32 || !all.contains(.amd64) {
            guard let highest = last(architecture) else { continue }
            var tests: [UInt64] = [bpf(0x20, 0)]  // the number
            if architecture == .amd64 {
                // x32 shares the architecture and marks its numbers with a bit, so it is always above.
                let marked: UInt32 = 0x4000_0000
                if all.contains(.x32), let highestMarked = last(.x32) {
                    tests += [
                        bpf(0x35, marked, ifTrue: 1, ifFalse: 0), bpf(0x25, highest, ifTrue: 1, ifFalse: 2),
                        bpf(0x25, highestMarked, ifTrue: 0, ifFalse: 1),
                    ]
                } else {
                    tests += [
                        bpf(0x35, marked, ifTrue: 2, ifFalse: 0), bpf(0x25, highest, ifTrue: 0, ifFalse: 1),
                    ]
                }
            } else {
                tests.append(bpf(0x25, highest, ifTrue: 0, ifFalse: 1))
            }
            tests.append(bpf(0x06, newerAction.code))
            sections.append([bpf(0x15, architecture.auditNumber, ifTrue: 0, ifFalse: UInt8(tests.count + 1))] + tests)
        }
        if sections.isEmpty { return [] }
        // A section ends with a jump to libseccomp's program, not into the next one: that would compare a number with an
        // architecture, and x32's `close` has the number that is i386's architecture.
        var program: [UInt64] = []
        for section in sections.reversed() { program = section + [bpf(0x05, UInt32(program.count))] + program }
        return [bpf(0x20, 4)] + program
    }
}

/// An instruction: `struct sock_filter` as one word.
private func bpf(_ code: UInt16, _ operand: UInt32, ifTrue: UInt8 = 0, ifFalse: UInt8 = 0) -> UInt64 {
    UInt64(code) | UInt64(ifTrue) << 16 | UInt64(ifFalse) << 24 | UInt64(operand) << 32
}
