// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

@Suite("The life of a cgroup", .needs(.root), .needs(.cgroup2))
struct CgroupLifeTests {
    @Test("It is made, read and removed") func life() throws {
        let name = TestTree.newName()
        let root = try Cgroup.root()
        let pod = try root.createChild(name)
        #expect(try pod.read(.events)?.populated == false)
        #expect(try pod.read(.processes) == [])
        #expect(try pod.read(.cgroupType) == .domain)
        #expect(try pod.read(.freeze) == false)
        #expect(try root.children().contains(name))
        let statistics = try pod.statistics()
        #expect(statistics.cpu?.usage != nil)
        #expect((statistics.memoryCurrent == nil) == !(try pod.read(.controllers)?.contains(.memory) ?? false))
        try pod.remove()
        let after = try root.child(name)
        let isThere = after != nil
        #expect(!isThere)
    }

    @Test("A name is not taken twice") func taken() throws {
        let scratch = try TestTree.scratch()
        _ = try scratch.cgroup.createChild("a")
        let error = #expect(throws: KernelError.self) { _ = try scratch.cgroup.createChild("a") }
        #expect(error?.errno == .fileExists)
        _ = try scratch.cgroup.openOrCreateChild("a")
    }

    @Test("A removed cgroup is gone for its old handle, also when a new one has its name") func gone() throws {
        let scratch = try TestTree.scratch()
        let old = try scratch.cgroup.createChild("a")
        try scratch.cgroup.removeChild("a")
        let new = try scratch.cgroup.createChild("a")
        #expect(old.isGone() == true)
        #expect(new.isGone() == false)
        let reading = #expect(throws: KernelError.self) { _ = try old.read(.events) }
        #expect(reading?.meansCgroupIsGone == true)
        let making = #expect(throws: KernelError.self) { _ = try old.createChild("b") }
        #expect(making?.meansCgroupIsGone == true)
        try old.kill()
        #expect(try old.waitUntilEmpty() == true)
        #expect(try old.freeze() == .gone)
        try old.remove()
        #expect(new.isGone() == false)
        try scratch.cgroup.removeChild("never")
    }

    @Test("kill ends every process below, and the wait is woken by it") func kill() throws {
        let scratch = try TestTree.scratch()
        let inner = try scratch.cgroup.createChild("a").createChild("b")
        let sleepers = [try Sleeper(), try Sleeper()]
        for sleeper in sleepers { try inner.move(sleeper.pid) }
        #expect(Set(try inner.read(.processes) ?? []) == Set(sleepers.map(\.pid)))
        #expect(try scratch.cgroup.waitUntilEmpty(timeout: .milliseconds(5)) == false)
        let busy = #expect(throws: KernelError.self) { try scratch.cgroup.removeChild("a") }
        #expect(busy?.errno == .resourceBusy)
        try scratch.cgroup.kill()
        #expect(try scratch.cgroup.waitUntilEmpty(timeout: .seconds(10)) == true)
        for sleeper in sleepers { #expect(sleeper.waitForSignal() == SIGKILL) }
        try scratch.cgroup.removeChild("a", timeout: .seconds(5))
        #expect(try scratch.cgroup.children() == [])
    }

    @Test("An owner that goes out of scope kills and removes") func owner() throws {
        let root = try Cgroup.root()
        let name = TestTree.newName()
        let sleeper = try Sleeper()
        do {
            let owner = try TransientCgroup(named: name, in: try root.duplicate())
            try owner.cgroup.createChild("deep").move(sleeper.pid)
        }
        #expect(sleeper.waitForSignal() == SIGKILL)
        let after = try root.child(name)
        let isThere = after != nil
        #expect(!isThere)
    }

    @Test("What is kept stays, with what runs inside") func kept() throws {
        let scratch = try TestTree.scratch()
        let sleeper = try Sleeper()
        let owner = try TransientCgroup(named: "kept", in: try scratch.cgroup.duplicate())
        try owner.cgroup.move(sleeper.pid)
        let kept = try owner.keep()
        #expect(try kept.read(.processes) == [sleeper.pid])
    }

    @Test("Many owners share a group that is removed with its last member") func sharedGroup() async throws {
        let scratch = try TestTree.scratch()
        let place = scratch.cgroup.path
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for task in 0..<4 {
                tasks.addTask {
                    for turn in 0..<50 {
                        let one = try TransientCgroup(
                            named: "\(task)-\(turn)", inGroup: "group", of: Cgroup.open(place))
                        #expect(one.cgroup.isGone() == false)
                        try one.remove()
                    }
                }
            }
            try await tasks.waitForAll()
        }
        #expect(try scratch.cgroup.children() == [])
    }

    @Test("The caller's own cgroup is found") func current() throws {
        let own = try Cgroup.current()
        let pid = ProcessInfo.processInfo.processIdentifier
        #expect(try own.read(.processes)?.contains(pid) == true)
        let same = try Cgroup.of(process: pid)
        #expect(same.path == own.path)
    }

    @Test("A list of processes longer than one page is read to its end") func manyProcesses() throws {
        let scratch = try TestTree.scratch()
        let file = scratch.cgroup.path.appending("cgroup.procs").string
        let shell = Process()
        shell.executableURL = URL(filePath: "/bin/sh")
        // Subshells that wait for input which never comes: forks alone, since 1000 programs take long in a guest.
        shell.arguments = [
            "-c",
            "echo $$ >\(file); exec 3<&0; n=0; while [ $n -lt 1000 ]; do (read x <&3) & n=$((n + 1)); done; echo; wait",
        ]
        let (input, output) = (Foundation.Pipe(), Foundation.Pipe())
        shell.standardInput = input
        shell.standardOutput = output
        try shell.run()
        _ = output.fileHandleForReading.availableData
        let seen = try scratch.cgroup.read(.processes)?.count
        #expect(seen == 1001)
        #expect(try scratch.cgroup.killAndWait(timeout: .seconds(60)) == true)
        shell.waitUntilExit()
        try input.fileHandleForWriting.close()
    }

    @Test("A process is moved, and a wrong one is told apart") func moving() throws {
        let scratch = try TestTree.scratch()
        let sleeper = try Sleeper()
        try scratch.cgroup.move(sleeper.pid)
        let itsOwn = try Cgroup.of(process: sleeper.pid)
        #expect(itsOwn.path == scratch.cgroup.path)
        #expect(throws: KernelError.self) { try scratch.cgroup.move(-1) }
        let none = #expect(throws: KernelError.self) { try scratch.cgroup.move(Int32.max) }
        #expect(none?.errno == .noSuchProcess)
        #expect(none?.hint == "the process has ended")
        let thread = #expect(throws: KernelError.self) { try scratch.cgroup.move(2) }
        #expect(thread?.errno == .invalidArgument || thread?.errno == .noSuchProcess || thread == nil)
    }

    @Test("The parent is found, and the root has none") func parents() throws {
        let scratch = try TestTree.scratch()
        let child = try scratch.cgroup.createChild("a")
        let parent = try child.parent()
        #expect(parent?.path == scratch.cgroup.path)
        let root = try Cgroup.root()
        let above = try root.parent()
        let hasParent = above != nil
        #expect(!hasParent)
        #expect(throws: KernelError.self) { try root.duplicate().remove() }
    }

    @Test("The directory of a cgroup can be opened only beneath it", arguments: ["../..", "/", "a/../.."])
    func escape(path: String) throws {
        let scratch = try TestTree.scratch()
        #expect(throws: KernelError.self) { _ = try scratch.cgroup.openChild(path) }
    }
}
