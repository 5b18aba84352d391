// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

/// A system call, what the kernel is made to answer, and at which of its calls.
struct InjectedFault: Sendable, CustomTestStringConvertible {
    let call: String
    let fault: String
    let counts: [Int]

    var testDescription: String { "\(call) \(fault)" }
}

@Suite(
    "A system call fails", .serialized, .needs(.root), .needs(.memoryController), .needs(.controller("cpu")),
    .needs(.command("strace")), .needs(toolIsThere))
struct ApplyFaultTests {
    /// A few of each, or `EVERY_CRASH` for all.
    private static let isThorough = ProcessInfo.processInfo.environment["EVERY_CRASH"] != nil
    private static func counts(_ few: Int..., all: Int) -> [Int] { isThorough ? Array(1...all) : few }

    static let faults = [
        InjectedFault(call: "write", fault: "error=ENOSPC", counts: counts(1, 20, all: 60)),
        InjectedFault(call: "write", fault: "error=EBUSY", counts: counts(4, all: 60)),
        InjectedFault(call: "write", fault: "error=EIO", counts: counts(58, all: 60)),
        InjectedFault(call: "write", fault: "retval=1", counts: counts(1, 30, all: 60)),
        InjectedFault(call: "mkdirat", fault: "error=ENOSPC", counts: counts(1, 6, all: 10)),
        InjectedFault(call: "fsetxattr", fault: "error=ENOSPC", counts: counts(1, 2, 13, all: 13)),
        InjectedFault(call: "fsetxattr", fault: "error=EIO", counts: counts(5, all: 13)),
        InjectedFault(call: "pread64", fault: "error=EIO", counts: counts(10, 40, all: 60)),
        InjectedFault(call: "fcntl", fault: "error=EIO", counts: counts(1, all: 3)),
        InjectedFault(call: "openat2", fault: "error=ENOENT", counts: counts(110, all: 150)),
        InjectedFault(call: "openat2", fault: "error=EIO", counts: counts(40, 130, all: 150)),
    ]

    @Test("It is named, all that was done is taken back, and the next call gets through", arguments: faults)
    func fault(_ fault: InjectedFault) throws {
        let tortured = try TorturedTree(pods: 3)
        defer { tortured.removeAll() }
        let before = try tortured.content()
        for count in fault.counts {
            let found = try tortured.strace("inject=\(fault.call):\(fault.fault):when=\(count)", "apply -f $F")
            if found.exit.status == .exited(0) {
                // The call was one that may fail, such as a look whether something is there.
                #expect(tortured.violations() == [])
                #expect(try tortured.tool("release").exit.status == .exited(0))
            } else {
                #expect(found.exit.status == .exited(1), "at \(count): \(found.output)")
                let error = found.output.split(separator: "\n").first { $0.hasPrefix("bulkhead: ") } ?? ""
                #expect(error.contains(fault.call == "pread64" ? "pread" : fault.call), "at \(count): \(found.output)")
                #expect(!found.output.contains("not taken back"), "at \(count): \(found.output)")
            }
            #expect(try tortured.content() == before, "at \(count): \(found.output)")
        }
        // With pods there, a change of the policy that fails leaves all as it was.
        #expect(try tortured.tool("apply -f $F").exit.status == .exited(0))
        let there = try tortured.content()
        if fault.call == "write", let count = fault.counts.first {
            let found = try tortured.strace(
                "inject=\(fault.call):\(fault.fault):when=\(min(count, 6))", "apply -f $F --policy None")
            #expect(found.exit.status == .exited(1), "\(found.output)")
            #expect(try tortured.content() == there, "\(found.output)")
        }
        #expect(tortured.violations() == [])
        #expect(try tortured.tool("release").exit.status == .exited(0))
        #expect(try tortured.content() == before)
    }

    @Test(
        "A call that a signal interrupts is made again",
        arguments: ["write", "openat2", "fsetxattr", "fcntl", "pread64"])
    func interrupted(call: String) throws {
        let tortured = try TorturedTree(pods: 1)
        defer { tortured.removeAll() }
        let found = try tortured.strace("inject=\(call):error=EINTR:when=1+3", "apply -f $F")
        #expect(found.exit.status == .exited(0), "\(found.output)")
        #expect(try tortured.tool("release").exit.status == .exited(0))
    }
}
