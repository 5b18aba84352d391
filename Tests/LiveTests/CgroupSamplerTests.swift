// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

@Suite("Reading a cgroup again and again", .needs(.root), .needs(.cgroup2))
struct CgroupSamplerTests {
    @Test("Each pass shows what is now; a removed cgroup is gone, with its last values") func passes() throws {
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.createChild("a")
        let events = StatusFile<CgroupEvents>.events
        var sampler = try CgroupSampler(of: pod, files: [events.file, StatusFile<CPUStatistics>.cpuStatistics.file])
        #expect(try sampler.value(of: events) == nil)
        #expect(try sampler.pass() == .read)
        #expect(try sampler.value(of: events)?.populated == false)
        let sleeper = try Sleeper()
        try pod.move(sleeper.pid)
        #expect(try sampler.pass() == .read)
        #expect(try sampler.value(of: events)?.populated == true)
        #expect(try sampler.value(of: .cpuStatistics)?.usage != nil)
        #expect(try sampler.value(of: .cpuPressure) == nil)
        #expect(try pod.killAndWait(timeout: .seconds(20)))
        try scratch.cgroup.removeChild("a", timeout: .seconds(5))
        #expect(try sampler.pass() == .gone)
        #expect(try sampler.pass() == .gone)
        #expect(try sampler.value(of: events)?.populated == true)
        #expect(try sampler.statistics() == nil)
        let error = #expect(throws: KernelError.self) { _ = try CgroupSampler(of: pod) }
        #expect(error?.meansCgroupIsGone == true)
        let reading = #expect(throws: KernelError.self) { _ = try pod.statistics() }
        #expect(reading?.meansCgroupIsGone == true)
    }

    @Test("What a sampler tells is what reading tells, and absent files are nil") func same() throws {
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.duplicate()
        let unknown = CgroupFile(named: "memory.nothing")
        var sampler = try CgroupSampler(of: pod, files: CgroupStatistics.files + [unknown])
        let sampled = try #require(try sampler.statistics())
        #expect(sampled.cpu == (try pod.read(.cpuStatistics)))
        #expect((sampled.memoryCurrent == nil) == !(try pod.read(.controllers)?.contains(.memory) ?? false))
        let text = sampler.text(of: unknown)
        #expect(text == nil)
        #expect(try pod.statistics().cpu == sampled.cpu)
    }

    @Test("A list that the kernel gives in pieces is refused") func pieces() throws {
        let scratch = try TestTree.scratch()
        let error = #expect(throws: KernelError.self) {
            _ = try CgroupSampler(of: scratch.cgroup, files: [CgroupFile(named: "cgroup.procs")])
        }
        #expect(error?.hint?.contains("in pieces") == true)
    }

    @Test("A subtree is counted cgroup by cgroup, and what vanishes is left out") func subtree() throws {
        let scratch = try TestTree.scratch()
        _ = try scratch.cgroup.createTree(CgroupPath(components: ["a", "b"]))
        let c = try scratch.cgroup.createChild("c")
        let sleeper = try Sleeper()
        try c.move(sleeper.pid)
        let all = try scratch.cgroup.subtreeStatistics()
        #expect(all.entries.map(\.path) == [[], ["a"], ["a", "b"], ["c"]])
        #expect(all.processes == 1)
        #expect(all.entries.last?.processes == 1)
        #expect(all.total.cpu?.usage != nil)
        // Somebody makes and removes cgroups meanwhile: no error.
        let path = scratch.cgroup.path
        let churn = Thread {
            guard let parent = try? Cgroup.open(path) else { return }
            for turn in 0..<300 {
                _ = try? parent.createTree(CgroupPath(components: ["x\(turn)", "y"]))
                try? parent.removeChild("x\(turn)")
            }
        }
        churn.start()
        for _ in 0..<100 { #expect(try scratch.cgroup.subtreeStatistics().entries.count >= 4) }
        while !churn.isFinished { usleep(1000) }
    }
}
