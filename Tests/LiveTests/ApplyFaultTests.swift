// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

/// A system call, what the kernel is made to answer, and at which of its calls.
struct InjectedFault: Sendable, CustomStringConvertible {
    let call: String
    let fault: String
    let counts: [Int]

    var description: String { "\(call) \(fault)" }
}

@Suite(
    "A system call fails", .serialized, .needs(.root), .needs(.memoryController), .needs(.controller("cpu")),
    .needs(.command("strace")), .needs(toolIsThere))
struct ApplyFaultTests {
    /// A few of each, or `EVERY_CRASH` for all.
    private static let isThorough = ProcessInfo.processInfo.environment["EVERY_CRASH"] != nil
    private static func counts(_ few: Int..., all: Int) -> [Int] { isThorough ? Array(1...all) : few }

    static let faults = [
        InjectedFault(call: "write", fault: "error=ENOSPC", counts: counts(20, all: 57)),
        InjectedFault(call: "write", fault: "error=EBUSY", counts: counts(4, all: 57)),
        InjectedFault(call: "write", fault: "error=EIO", counts: counts(50, all: 57)),
        InjectedFault(call: "write", fault: "retval=1", counts: counts(30, all: 57)),
        InjectedFault(call: "mkdirat", fault: "error=ENOSPC", counts: counts(6, all: 10)),
        InjectedFault(call: "fsetxattr", fault: "error=ENOSPC", counts: counts(2, 13, all: 13)),
        InjectedFault(call: "fsetxattr", fault: "error=EIO", counts: counts(5, all: 13)),
        InjectedFault(call: "pread64", fault: "error=EIO", counts: counts(40, all: 57)),
        InjectedFault(call: "fcntl", fault: "error=EIO", counts: counts(1, all: 3)),
        InjectedFault(call: "openat2", fault: "error=ENOENT", counts: counts(110, all: 150)),
        InjectedFault(call: "openat2", fault: "error=EIO", counts: counts(130, all: 150)),
    ]

    @Test("It is named, all that was done is taken back, and the next call gets through")
    func fault() throws {
        let tortured = try TorturedTree(pods: 3)
        defer { tortured.removeAll() }
        let before = try tortured.content()
        for fault in Self.faults {
            for count in fault.counts { try tortured.tryFault(fault, count, "apply -f $F", leaves: before) }
        }
        // With pods there, a change of the policy that fails leaves all as it was.
        #expect(try tortured.tool("apply -f $F").exit.status == .exited(0))
        let there = try tortured.content()
        for fault in [InjectedFault(call: "write", fault: "error=EIO", counts: [6])] {
            for count in fault.counts {
                try tortured.tryFault(fault, count, "apply -f $F --policy None", leaves: there)
            }
        }
        #expect(try tortured.tool("release").exit.status == .exited(0))
        #expect(try tortured.content() == before)
    }

    @Test("A call that a signal interrupts is made again", arguments: ["write", "pread64"])
    func interrupted(call: String) throws {
        let tortured = try TorturedTree(pods: 1)
        defer { tortured.removeAll() }
        let found = try tortured.strace("inject=\(call):error=EINTR:when=10+3", "apply -f $F")
        #expect(found.exit.status == .exited(0), "\(found.output)")
        #expect(try tortured.tool("release").exit.status == .exited(0))
    }
}

extension TorturedTree {
    /// Runs a command with a call that fails. It has to name the call and leave all as it was; or to get through, where
    /// the call was only a look whether something is there.
    fileprivate func tryFault(_ fault: InjectedFault, _ count: Int, _ command: String, leaves content: String) throws {
        let found = try strace("inject=\(fault.call):\(fault.fault):when=\(count)", command: command)
        #expect(violations() == [], "\(fault) \(count)")
        if found.exit.status == .exited(0) {
            #expect(try tool("release").exit.status == .exited(0))
        } else {
            let call = fault.call == "pread64" ? "pread" : fault.call
            #expect(found.exit.status == .exited(1), "\(fault) \(count): \(found.output)")
            #expect(found.output.contains("bulkhead: \(call)"), "\(fault) \(count): \(found.output)")
            #expect(!found.output.contains("not taken back"), "\(fault) \(count): \(found.output)")
        }
        #expect(try self.content() == content, "\(fault) \(count): \(found.output)")
    }
}
