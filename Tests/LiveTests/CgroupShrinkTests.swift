// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

@Suite("Lowering memory.max without killing", .needs(.root), .needs(.memoryController), .serialized)
struct CgroupShrinkTests {
    @Test("Anonymous memory without swap is refused: nothing is killed, and the values of before are back")
    func anonymous() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let pod = try scratch.cgroup.duplicate()
        try pod.write(.mebibytes(200), to: .memoryMax)
        try pod.write(.mebibytes(160), to: .memoryHigh)
        let holder = try Workload.holding(64, in: pod)
        #expect(try eventually(.seconds(60)) { (try pod.read(.memoryCurrent) ?? .zero) > .mebibytes(64) })
        let outcome = try pod.shrink(to: .mebibytes(32), deadline: .seconds(2))
        guard case .above(let excess) = outcome else {
            Issue.record("shrunk all the same: \(outcome)")
            return
        }
        #expect(excess > .mebibytes(30) && excess < .mebibytes(60))
        #expect(try pod.read(.memoryMax) == .mebibytes(200))
        #expect(try pod.read(.memoryHigh) == .mebibytes(160))
        #expect(try pod.read(.memoryEvents)?.oomKill == 0)
        #expect(holder.isRunning)
    }

    @Test("A limit above what is in use is reached, and memory.high is as before") func above() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let pod = try scratch.cgroup.duplicate()
        try pod.write(.mebibytes(300), to: .memoryMax)
        let holder = try Workload.holding(40, in: pod)
        #expect(try eventually(.seconds(60)) { (try pod.read(.memoryCurrent) ?? .zero) > .mebibytes(40) })
        let outcome = try pod.shrink(to: .bytes((80 << 20) + 1000), deadline: .seconds(5))
        guard case .shrunk(let usage) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(usage > .mebibytes(40) && usage < .mebibytes(80))
        // Whole pages.
        #expect(try pod.read(.memoryMax) == .mebibytes(80))
        #expect(try pod.read(.memoryHigh) == .max)
        #expect(try pod.read(.memoryEvents)?.oomKill == 0)
        #expect(holder.isRunning)
        // And up again, which is one write.
        #expect(try pod.shrink(to: .max, deadline: .zero) != .gone)
        #expect(try pod.read(.memoryMax) == .max)
    }

    @Test(
        "Page cache is taken back, while a process goes on reading",
        .enabled(if: reclaimableFolder != nil, "needs a file system on a disk (BULKHEAD_FILESYSTEMS)"))
    func pageCache() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let pod = try scratch.cgroup.duplicate()
        try pod.write(.mebibytes(200), to: .memoryMax)
        let folder = try Scratch(in: reclaimableFolder)
        let file = folder.path("big")
        // Written from outside: the pages of a loop device's backing file are charged to who writes, and stay.
        let writer = Process()
        writer.executableURL = URL(filePath: "/bin/sh")
        writer.arguments = [
            "-c", "dd if=/dev/zero of='\(file)' bs=1M count=96 2>/dev/null; sync; echo 1 >/proc/sys/vm/drop_caches",
        ]
        try writer.run()
        writer.waitUntilExit()
        let reader = try Workload(in: pod, "while :; do cat '\(file)' >/dev/null; done")
        #expect(try eventually(.seconds(120)) { (try pod.read(.memoryCurrent) ?? .zero) > .mebibytes(90) })
        let outcome = try pod.shrink(to: .mebibytes(32), deadline: .seconds(60))
        guard case .shrunk(let usage) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(usage <= .mebibytes(32))
        #expect(try pod.read(.memoryMax) == .mebibytes(32))
        #expect(try pod.read(.memoryHigh) == .max)
        #expect(try pod.read(.memoryEvents)?.oomKill == 0)
        #expect(reader.isRunning)
        #expect(try pod.killAndWait(timeout: .seconds(30)))
    }

    @Test("What cannot be is refused before the first write") func refusals() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let pod = try scratch.cgroup.duplicate()
        try pod.write(.mebibytes(64), to: .memoryMin)
        for limit in [ByteCount.zero, .bytes(4095), .mebibytes(32)] {
            let error = #expect(throws: KernelError.self) { _ = try pod.shrink(to: limit, deadline: .seconds(1)) }
            #expect(error?.errno == .invalidArgument)
        }
        #expect(try pod.read(.memoryMax) == .max)
        #expect(throws: KernelError.self) { _ = try Cgroup.root().shrink(to: .mebibytes(64), deadline: .zero) }
        let child = try pod.createChild("gone", enabling: [.memory])
        try pod.removeChild("gone")
        #expect(try child.shrink(to: .mebibytes(64), deadline: .seconds(1)) == .gone)
    }

    @Test("A cgroup removed in the middle is gone") func removed() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let path = scratch.cgroup.path
        let pod = try scratch.cgroup.createChild("a", enabling: [.memory])
        let holder = try Workload.holding(48, in: pod)
        #expect(try eventually(.seconds(60)) { (try pod.read(.memoryCurrent) ?? .zero) > .mebibytes(48) })
        let remover = Thread {
            usleep(300_000)
            guard let parent = try? Cgroup.open(path), let child = try? parent.openChild("a") else { return }
            _ = try? child.killAndWait(timeout: .seconds(20))
            try? parent.removeChild("a", timeout: .seconds(20))
        }
        remover.start()
        // Once what is inside has been killed there is nothing above the limit any more: both ends are right.
        let outcome = try pod.shrink(to: .mebibytes(16), deadline: .seconds(30))
        switch outcome {
        case .gone, .shrunk: break
        default: Issue.record("\(outcome)")
        }
        #expect(holder.waitUntilExit() != 0)
    }

    @Test("Killed in the middle it leaves memory.high low, memory.max as it was, and nothing killed") func crash()
        throws
    {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let pod = try scratch.cgroup.duplicate()
        try pod.write(.mebibytes(200), to: .memoryMax)
        let holder = try Workload.holding(64, in: pod)
        #expect(try eventually(.seconds(60)) { (try pod.read(.memoryCurrent) ?? .zero) > .mebibytes(64) })
        #expect(try pod.finishShrink() == nil)
        // The state after the first write, as a kill at any later instant before the limit is written leaves it.
        func cutOff() throws {
            let directory = try Descriptor.open(pod.path, [.reading, .directory])
            try directory.setAttribute("user.bulkhead.shrink", to: "memory.high max 31457280")
            try pod.write(.mebibytes(30), to: .memoryHigh)
        }
        try cutOff()
        #expect(try pod.read(.memoryMax) == .mebibytes(200))
        #expect(try pod.read(.memoryEvents)?.oomKill == 0)
        #expect(holder.isRunning)
        #expect(try pod.unfinishedShrink()?.before == .max)
        #expect(try pod.finishShrink() == .max)
        #expect(try pod.read(.memoryHigh) == .max)
        #expect(try pod.unfinishedShrink() == nil)
        // What somebody else has set since is his.
        try cutOff()
        try pod.write(.mebibytes(150), to: .memoryHigh)
        #expect(try pod.finishShrink() == .mebibytes(150))
        try pod.write(.max, to: .memoryHigh)
        try cutOff()
        // The next shrink converges from there.
        guard case .shrunk = try pod.shrink(to: .mebibytes(100), deadline: .seconds(10)) else {
            Issue.record("not shrunk")
            return
        }
        #expect(try pod.read(.memoryMax) == .mebibytes(100))
        #expect(try pod.read(.memoryHigh) == .max)
        #expect(try pod.unfinishedShrink() == nil)
    }

    @Test("Two at once are refused, and one that is told to end puts back what was") func ending() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let pod = try scratch.cgroup.duplicate()
        let holder = try Workload.holding(48, in: pod)
        #expect(try eventually(.seconds(60)) { (try pod.read(.memoryCurrent) ?? .zero) > .mebibytes(48) })
        var turns = 0
        var second: KernelError?
        let outcome = try pod.shrink(to: .mebibytes(16), deadline: .seconds(60)) {
            if turns == 0 { second = #expect(throws: KernelError.self) { _ = try pod.finishShrink() } }
            turns += 1
            return turns < 3
        }
        guard case .above = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(second?.errno == .resourceBusy)
        #expect(turns == 3)
        #expect(try pod.read(.memoryHigh) == .max)
        #expect(try pod.read(.memoryMax) == .max)
        #expect(try pod.unfinishedShrink() == nil)
        #expect(holder.isRunning)
    }

    @Test(
        "memory.reclaim tells what it took, and that it could not",
        .enabled(if: (try? KernelVersion.running()).map { $0 >= KernelVersion(5, 19) } ?? false, "needs Linux 5.19"))
    func reclaiming() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let pod = try scratch.cgroup.duplicate()
        let holder = try Workload.holding(32, in: pod)
        #expect(try eventually(.seconds(60)) { (try pod.read(.memoryCurrent) ?? .zero) > .mebibytes(32) })
        let outcome = try pod.reclaim(ReclaimRequest(.mebibytes(30)))
        #expect(outcome?.isReached == false)
        #expect(outcome.map { $0.usage > .mebibytes(25) } == true)
        #expect(holder.isRunning)
    }
}

@Suite(
    "A cgroup that crawls at memory.high", .needs(.root), .needs(.memoryController), .needs(.feature("pressure_stall")),
    .serialized)
struct CgroupSupervisorTests {
    @Test("A task over memory.high without swap is seen, and lives on when the limit is raised") func raise() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let pod = try scratch.cgroup.duplicate()
        try pod.write(.mebibytes(24), to: .memoryHigh)
        var supervisor = try HighSupervisor.watching(
            pod, policy: .report, stall: .milliseconds(500), window: .seconds(1))
        #expect(try supervisor.wait(timeout: .milliseconds(300)) == .healthy)
        // So much that it cannot be had before the first window has passed.
        let holder = try Workload.growing(to: 256, in: pod)
        let verdict = try supervisor.wait(timeout: .seconds(60))
        guard case .crawling(let usage, let high) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(high == .mebibytes(24))
        #expect(usage > .mebibytes(20) && usage < .mebibytes(256))
        #expect(holder.isRunning)
        var raising = try HighSupervisor.watching(
            pod, policy: .raise(by: 2, ceiling: .mebibytes(320)), stall: .milliseconds(500), window: .seconds(1))
        var highest = ByteCount.zero
        // It is raised until there is room for all of it; on a busy machine it may take long to come to the next limit.
        let isDone = try eventually(.seconds(120)) {
            if case .raised(_, let to) = try raising.wait(timeout: .seconds(2)) { highest = to }
            return try highest == .mebibytes(320) || pod.read(.memoryCurrent) ?? .zero > .mebibytes(256)
        }
        #expect(isDone)
        #expect(highest > .mebibytes(24) && highest <= .mebibytes(320))
        #expect(try eventually(.seconds(60)) { (try pod.read(.memoryCurrent) ?? .zero) > .mebibytes(256) })
        #expect(try pod.read(.memoryEvents)?.oomKill == 0)
        #expect(holder.isRunning)
    }

    @Test("It is killed where the policy says so, and a cgroup that is removed is gone") func killing() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let pod = try scratch.cgroup.createChild("a", enabling: [.memory])
        try pod.write(.mebibytes(16), to: .memoryHigh)
        var supervisor = try HighSupervisor.watching(pod, policy: .kill, stall: .milliseconds(500), window: .seconds(1))
        let holder = try Workload.growing(to: 64, in: pod)
        let verdict = try supervisor.wait(timeout: .seconds(60))
        guard case .killed = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(try pod.waitUntilEmpty(timeout: .seconds(20)))
        #expect(holder.waitUntilExit() != 0)
        try scratch.cgroup.removeChild("a", timeout: .seconds(5))
        #expect(try supervisor.wait(timeout: .seconds(5)) == .gone)
    }

    @Test("A policy that cannot help is refused") func refusal() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let error = #expect(throws: KernelError.self) {
            _ = try HighSupervisor.watching(scratch.cgroup, policy: .raise(by: 0, ceiling: .max))
        }
        #expect(error?.errno == .invalidArgument)
    }
}
