// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

@Suite("Controllers of a cgroup", .needs(.root), .needs(.cgroup2))
struct CgroupControllerTests {
    @Test(
        "A controller that version 2 does not have is refused before anything is made",
        .enabled(if: !TestTree.controllers.contains(.memory), "needs a host without memory on version 2"))
    func refused() throws {
        let scratch = try TestTree.scratch()
        let error = #expect(throws: KernelError.self) {
            _ = try TransientCgroup(
                named: "a", inGroup: "group", of: scratch.cgroup.duplicate(), enabling: [.memory])
        }
        #expect(error?.hint?.contains("the memory controller is ") == true)
        #expect(try scratch.cgroup.children() == [])
        #expect(try scratch.cgroup.missingControllers([.memory])[.memory] != nil)
        let reading = #expect(throws: KernelError.self) { _ = try scratch.cgroup.read(.memoryMax) }
        #expect(reading?.hint?.contains("the memory controller is ") == true)
    }

    @Test(
        "Controllers are enabled through all levels, from the top down",
        .enabled(if: !TestTree.controllers.isEmpty, "needs a controller on version 2"))
    func enabling() throws {
        let some = TestTree.controllers.intersection([.hugetlb, .pids, .memory, .cpu])
        let scratch = try TestTree.scratch()
        let middle = try scratch.cgroup.createChild("a").createChild("b")
        #expect(try middle.missingControllers(some).isEmpty)
        let leaf = try middle.createChild("c", enabling: some)
        #expect(Set(try leaf.read(.controllers) ?? []).isSuperset(of: some))
        #expect(try leaf.read(.cgroupType) == .domain)
    }

    @Test(
        "Processes in the way are named, and the cgroup is not made threaded",
        .enabled(if: !TestTree.controllers.isEmpty, "needs a controller on version 2"))
    func inTheWay() throws {
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.createChild("a")
        let child = try pod.createChild("b")
        let sleeper = try Sleeper()
        try pod.move(sleeper.pid)
        let error = #expect(throws: KernelError.self) { try pod.enable(TestTree.controllers) }
        #expect(error?.errno == .resourceBusy)
        #expect(error?.hint == "processes are in the cgroup itself: \(sleeper.pid)")
        #expect(try child.read(.cgroupType) == .domain)
    }

    @Test(
        "A controller that only the parent has not given is told apart",
        .needs(.controller("pids")))
    func parentOnly() throws {
        let scratch = try TestTree.scratch(enabling: [.pids])
        let child = try scratch.cgroup.createChild("a")
        let error = #expect(throws: KernelError.self) { try child.write(10, to: .pidsMax) }
        #expect(error?.hint == "the pids controller is not enabled in the parent")
        try scratch.cgroup.write(10, to: .pidsMax)
        #expect(try scratch.cgroup.read(.pidsMax) == 10)
        #expect(try scratch.cgroup.read(.pidsCurrent) == 0)
    }

    @Test(
        "Limits read back as they were written",
        .needs(.memoryController), .needs(.controller("pids")), .needs(.controller("cpu")))
    func limits() throws {
        let scratch = try TestTree.scratch(enabling: [.memory, .pids, .cpu])
        let pod = try scratch.cgroup.duplicate()
        try pod.write(.mebibytes(16), to: .memoryMin)
        try pod.write(.mebibytes(32), to: .memoryLow)
        try pod.write(.mebibytes(64), to: .memoryHigh)
        try pod.write(.bytes(100_000_000), to: .memoryMax)
        try pod.write(true, to: .memoryOOMGroup)
        try pod.write(50, to: .pidsMax)
        try pod.write(200, to: .cpuWeight)
        try pod.write(CPUQuota(milliCPU: 250) ?? .unlimited(), to: .cpuMax)
        #expect(try pod.read(.memoryMin) == .mebibytes(16))
        #expect(try pod.read(.memoryLow) == .mebibytes(32))
        #expect(try pod.read(.memoryHigh) == .mebibytes(64))
        #expect(try pod.read(.memoryMax) == .bytes(100_000_000 / 4096 * 4096))
        #expect(try pod.read(.memoryOOMGroup) == true)
        #expect(try pod.read(.pidsMax) == 50)
        #expect(try pod.read(.cpuWeight) == 200)
        #expect(try pod.read(.cpuMax) == CPUQuota(microseconds: 25_000))
        try pod.write(.max, to: .memoryMax)
        #expect(try pod.read(.memoryMax) == .max)
        #expect(try pod.read(.memoryEvents)?.oomKill == 0)
        #expect(try pod.read(.memoryStatistics)?["anon"] != nil)
        #expect(try pod.statistics().memoryCurrent != nil)
        let range = #expect(throws: KernelError.self) { try pod.write(10_001, to: .cpuWeight) }
        #expect(range?.hint == "cpu.weight takes numbers from 1 to 10000")
        let root = try Cgroup.root()
        #expect(try root.read(.memoryMax) == nil)
    }
}
