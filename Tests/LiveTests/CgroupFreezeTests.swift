// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import TestSupport
import Testing

@Suite("Freezing a cgroup", .needs(.root), .needs(.cgroup2))
struct CgroupFreezeTests {
    @Test("Processes stand still until thawed, and die of a kill while frozen") func freezing() throws {
        let scratch = try TestTree.scratch()
        let sleeper = try Sleeper()
        try scratch.cgroup.move(sleeper.pid)
        #expect(try scratch.cgroup.freeze(timeout: .seconds(10)) == .frozen)
        #expect(try scratch.cgroup.read(.events)?.frozen == true)
        #expect(try scratch.cgroup.thaw(timeout: .seconds(10)) == .running)
        #expect(try scratch.cgroup.read(.events)?.frozen == false)
        #expect(try scratch.cgroup.freeze(timeout: .seconds(10)) == .frozen)
        #expect(try scratch.cgroup.killAndWait(timeout: .seconds(10)) == true)
        #expect(sleeper.waitForSignal() == SIGKILL)
    }

    @Test("A cgroup under a frozen one does not run when it is thawed") func ancestor() throws {
        let scratch = try TestTree.scratch()
        let child = try scratch.cgroup.createChild("a")
        #expect(try scratch.cgroup.freeze(timeout: .seconds(10)) == .frozen)
        #expect(try child.thaw() == .heldByAncestor)
        #expect(try scratch.cgroup.thaw(timeout: .seconds(10)) == .running)
    }

    @Test("Without time a freeze that is not reached is taken back") func timeOut() throws {
        let scratch = try TestTree.scratch()
        let sleeper = try Sleeper()
        try scratch.cgroup.move(sleeper.pid)
        // Either the kernel was faster, or the request is gone.
        let outcome = try scratch.cgroup.freeze(timeout: .zero)
        #expect(outcome == .frozen || outcome == .timedOut)
        #expect(try scratch.cgroup.read(.freeze) == (outcome == .frozen))
    }
}
