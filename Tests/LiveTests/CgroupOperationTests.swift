// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

@Suite("Operations on a tree of cgroups", .needs(.root), .needs(.cgroup2))
struct CgroupOperationTests {
    @Test("A cgroup is made with its parents, and has the controllers") func tree() throws {
        let some = TestTree.controllers.intersection([.hugetlb, .pids, .memory])
        let scratch = try TestTree.scratch()
        let leaf = try scratch.cgroup.createTree(CgroupPath(components: ["a", "b", "c"]), enabling: some)
        #expect(Set(try leaf.read(.controllers) ?? []).isSuperset(of: some))
        #expect(leaf.path == scratch.cgroup.path.appending("a").appending("b").appending("c"))
        // Again it is the same one.
        let same = try scratch.cgroup.createTree(CgroupPath(components: ["a", "b", "c"]), enabling: some)
        #expect(try same.directory.status().inode == leaf.directory.status().inode)
    }

    @Test("What was made is removed again when a level below cannot be") func rollback() throws {
        let scratch = try TestTree.scratch()
        _ = try scratch.cgroup.createChild("old")
        let path = try CgroupPath(components: ["old", "new", "newer"])
        let error = #expect(throws: KernelError.self) {
            _ = try scratch.cgroup.createTree(path, enabling: [Controller(rawValue: "nonsense")])
        }
        #expect(error != nil)
        #expect(try scratch.cgroup.children() == ["old"])
        #expect(try scratch.cgroup.openChild("old").children() == [])
    }

    @Test("Processes in the way are moved to a leaf", .enabled(if: !TestTree.controllers.isEmpty, "needs a controller"))
    func evacuating() throws {
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.createChild("a")
        let sleepers = [try Sleeper(), try Sleeper()]
        for sleeper in sleepers { try pod.move(sleeper.pid) }
        let moved = try pod.enable(TestTree.controllers, evacuatingTo: "rest")
        #expect(Set(moved) == Set(sleepers.map(\.pid)))
        let leaf = try pod.openChild("rest")
        #expect(Set(try leaf.read(.processes) ?? []) == Set(sleepers.map(\.pid)))
        #expect(try pod.read(.processes) == [])
        #expect(Set(try pod.read(.subtreeControl) ?? []) == TestTree.controllers)
        #expect(try pod.read(.cgroupType) == .domain)
        #expect(try pod.enable(TestTree.controllers, evacuatingTo: "rest") == [])
    }

    @Test("A foreign process is moved and proved to be there; one that has ended is told apart") func adopting() throws
    {
        let scratch = try TestTree.scratch()
        let sleeper = try Sleeper()
        #expect(try scratch.cgroup.adopt(sleeper.pid) == .moved)
        #expect(try scratch.cgroup.read(.processes) == [sleeper.pid])
        #expect(try scratch.cgroup.adopt(Int32.max) == .ended)
        #expect(throws: KernelError.self) { _ = try scratch.cgroup.adopt(0) }
        let gone = try scratch.cgroup.createChild("a")
        try scratch.cgroup.removeChild("a")
        let error = #expect(throws: KernelError.self) { _ = try gone.adopt(sleeper.pid) }
        #expect(error?.meansCgroupIsGone == true)
    }

    @Test("A thread moves within a threaded subtree, and only there") func threads() throws {
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.createChild("a")
        let threaded = try pod.createChild("t")
        let other = try scratch.cgroup.createChild("b")
        let sleeper = try Sleeper()
        try pod.move(sleeper.pid)
        let domain = #expect(throws: KernelError.self) { try other.move(thread: sleeper.pid) }
        #expect(domain?.hint?.contains("threaded subtree") == true)
        try threaded.makeThreaded()
        #expect(try threaded.read(.cgroupType) == .threaded)
        #expect(try pod.read(.cgroupType) == .domainThreaded)
        try threaded.move(thread: sleeper.pid)
        #expect(try threaded.read(.threads) == [sleeper.pid])
        // Statistics of a subtree pass over the list that a threaded cgroup does not give.
        #expect(try scratch.cgroup.subtreeStatistics().entries.count == 4)
        #expect(throws: KernelError.self) { try threaded.move(thread: 0) }
        // What keeps it is told, and not that a threaded cgroup has no list of processes.
        let busy = #expect(throws: KernelError.self) { try scratch.cgroup.removeChild("a") }
        #expect(busy?.errno == .resourceBusy && busy?.hint?.contains("\(sleeper.pid)") == true, "\("\(busy as Any)")")
    }

    @Test("Several values are written together, or none when a file is missing") func batch() throws {
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.createChild("a")
        var batch = CgroupBatch()
        batch.set(true, in: .freeze)
        batch.set(true, in: .memoryOOMGroup)
        if TestTree.controllers.contains(.memory) {
            // Not enabled in the parent.
            let error = #expect(throws: KernelError.self) { try pod.write(batch) }
            #expect(error?.hint == "the memory controller is not enabled in the parent")
        } else {
            let error = #expect(throws: KernelError.self) { try pod.write(batch) }
            #expect(error?.subject == "memory.oom.group")
        }
        #expect(try pod.read(.freeze) == false)
        var small = CgroupBatch()
        small.set(true, in: .freeze)
        small.set(.bytes(4095), in: .memoryMax)
        let error = #expect(throws: KernelError.self) { try pod.write(small) }
        #expect(error?.errno == .invalidArgument)
        #expect(try pod.read(.freeze) == false)
        let writer = try CgroupWriter(of: pod, [InterfaceFile<Bool>.freeze.file])
        let other = #expect(throws: KernelError.self) { try writer.write(small) }
        #expect(other?.value == "4095")
        try scratch.cgroup.removeChild("a")
        var thaw = CgroupBatch()
        thaw.set(false, in: .freeze)
        let gone = #expect(throws: KernelError.self) { try writer.write(thaw) }
        #expect(gone?.meansCgroupIsGone == true)
    }

    @Test("A value that the kernel refuses is named, and those before it are written", .needs(.controller("cpuset")))
    func refusedInBatch() throws {
        let scratch = try TestTree.scratch(enabling: [.cpuset])
        var batch = CgroupBatch()
        batch.set(true, in: .freeze)
        // No kernel is built for so many processors.
        batch.set(IndexList([65000]), in: .cpusetCPUs)
        let error = #expect(throws: KernelError.self) { try scratch.cgroup.write(batch) }
        #expect(error?.subject == "cpuset.cpus")
        #expect(error?.value == "65000")
        #expect(error?.hint == "the machine has no such processor")
        #expect(try scratch.cgroup.read(.freeze) == true)
    }

    @Test("What is out of a file's range is refused before any is written", .needs(.controller("pids")))
    func outOfRangeInBatch() throws {
        let scratch = try TestTree.scratch(enabling: [.pids])
        var batch = CgroupBatch()
        batch.set(true, in: .freeze)
        batch.set(.value(4_194_305), in: .pidsMax)
        let error = #expect(throws: KernelError.self) { try scratch.cgroup.write(batch) }
        #expect(error?.subject == "pids.max")
        #expect(error?.value == "4194305")
        #expect(try scratch.cgroup.read(.freeze) == false)
        #expect(try scratch.cgroup.read(.pidsMax) == .max)
    }

    @Test("Every way to a cgroup that was removed says the one word") func gone() throws {
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.createChild("a")
        _ = try pod.createChild("b")
        let name = pod.path.lastComponent?.string ?? ""
        try scratch.cgroup.removeChild(name)
        func expectGone(_ name: String, _ act: () throws -> Void) {
            let error = #expect(throws: KernelError.self, "\(name)") { try act() }
            #expect(error?.meansCgroupIsGone == true, "\(name): \(error.map(String.init(describing:)) ?? "nothing")")
        }
        expectGone("openChild") { _ = try pod.openChild("b") }
        expectGone("children") { _ = try pod.children() }
        expectGone("enable") { try pod.enable([.hugetlb]) }
        expectGone("evacuate") { _ = try pod.evacuate(toLeaf: "x") }
        expectGone("makeThreaded") { try pod.makeThreaded() }
        expectGone("thread") { try pod.move(thread: 1) }
        expectGone("statistics") { _ = try pod.statistics() }
        expectGone("subtree") { _ = try pod.subtreeStatistics() }
        expectGone("text") { _ = try pod.text(of: CgroupFile(named: "cgroup.stat")) }
        expectGone("trigger") { _ = try PressureTrigger.on(pod, stall: .seconds(1), window: .seconds(2)) }
    }

    @Test("A bomb that forks without end does not escape a kill") func forkBomb() throws {
        let limited = TestTree.controllers.contains(.pids)
        let scratch = try TestTree.scratch(enabling: limited ? [.pids] : [])
        let pod = try scratch.cgroup.duplicate()
        if limited { try pod.write(300, to: .pidsMax) }
        // Each process has a child and ends, so that no list of processes is ever true; without pids.max the number of
        // chains is what bounds it.
        let bomb = try Workload(
            in: pod, "f() { (f) & }; for n in 1 2 3 4 5 6 7 8; do f & done; while :; do (:) & wait; done")
        #expect(try eventually(.seconds(60)) { (try pod.read(.processes) ?? []).count > 1 })
        usleep(200_000)
        #expect(try pod.killAndWait(timeout: .seconds(60)))
        usleep(200_000)
        #expect(try pod.read(.events)?.populated == false)
        _ = bomb.waitUntilExit()
    }
}
