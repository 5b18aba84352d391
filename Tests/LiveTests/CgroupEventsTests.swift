// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite("Changes of cgroups, told by the kernel", .needs(.root), .needs(.cgroup2))
struct CgroupEventsTests {
    @Test("Populated, frozen and gone are told, with the last state") func life() throws {
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.createChild("a")
        var watcher = try CgroupWatcher()
        let watch = try watcher.add(pod)
        #expect(try watcher.wait(timeout: .milliseconds(10)) == [])
        let sleeper = try Sleeper()
        try pod.move(sleeper.pid)
        var changes = try watcher.wait(timeout: .seconds(20))
        #expect(changes.map(\.populated) == [true])
        #expect(changes.first?.watch == watch)
        #expect(changes.first?.path == pod.path)
        #expect(try pod.freeze(timeout: .seconds(20)) == .frozen)
        changes = try watcher.wait(timeout: .seconds(20))
        #expect(changes.map(\.frozen) == [true])
        #expect(try pod.killAndWait(timeout: .seconds(20)))
        #expect(
            try eventually(.seconds(60)) {
                try watcher.wait(timeout: .milliseconds(100)).contains { $0.populated == false }
            })
        let last = watcher.state(of: watch)
        #expect(last?.events?.populated == false)
        try scratch.cgroup.removeChild("a", timeout: .seconds(5))
        changes = try watcher.wait(timeout: .seconds(20))
        #expect(changes.map(\.isGone) == [true])
        #expect(changes.first?.after.events?.populated == false)
        #expect(changes.first?.oomKills == 0)
        let isEmpty = watcher.isEmpty
        #expect(isEmpty)
        #expect(try watcher.wait(timeout: .seconds(20)) == [])
        let error = #expect(throws: KernelError.self) { try watcher.add(pod) }
        #expect(error?.meansCgroupIsGone == true)
    }

    @Test("One watcher has many cgroups and one inotify, and sees at once which of them was removed")
    func many() async throws {
        await #expect(processExitsWith: .success) {
            let scratch = try TestTree.scratch()
            let before = try openFiles()
            var watcher = try CgroupWatcher()
            var watches: [CgroupWatch] = []
            for number in 0..<100 { watches.append(try watcher.add(try scratch.cgroup.createChild("c\(number)"))) }
            // One cgroup.events for each, and memory.events(.local) and pids.events where there are any.
            if try openFiles() - before < 100 + 1 { exit(1) }
            if try inotifyInstances() != 1 { exit(2) }
            let sleeper = try Sleeper()
            try scratch.cgroup.openChild("c77").move(sleeper.pid)
            if try watcher.wait(timeout: .seconds(20)).map(\.watch) != [watches[77]] { exit(3) }
            // Nothing else wakes it: without a notice of the removal it would sleep on, and time out with no change.
            try scratch.cgroup.removeChild("c5")
            let changes = try watcher.wait(timeout: .seconds(20))
            if changes.map(\.watch) != [watches[5]] || changes.first?.isGone != true { exit(4) }
            // A new one of that name is another, and the old one is not told of twice.
            let second = try watcher.add(try scratch.cgroup.createChild("c5"))
            try scratch.cgroup.removeChild("c5")
            if try watcher.wait(timeout: .seconds(20)).map(\.watch) != [second] { exit(5) }
            for watch in watches { watcher.remove(watch) }
            if !watcher.isEmpty { exit(6) }
            if try openFiles() - before != 1 { exit(7) }
        }
    }

    @Test("As a sequence it ends when all are gone, and needs no poll") func sequence() async throws {
        let scratch = try TestTree.scratch()
        let path = scratch.cgroup.path
        let pod = try scratch.cgroup.createChild("a")
        var watcher = try CgroupWatcher()
        try watcher.add(pod)
        let changes = try CgroupChanges(of: watcher)
        let sleeper = try Sleeper()
        try pod.move(sleeper.pid)
        // Changes that nobody has taken become one: the next is made when the one before has been seen.
        let seen = Mutex<[CgroupChange]>([])
        @Sendable func waitFor(populated: Bool) async throws {
            for _ in 0..<6000 where !seen.withLock({ $0.contains { $0.populated == populated } }) {
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        let worker = Task.detached {
            let parent = try Cgroup.open(path)
            let child = try parent.openChild("a")
            try await waitFor(populated: true)
            #expect(try child.killAndWait(timeout: .seconds(20)))
            try await waitFor(populated: false)
            try parent.removeChild("a", timeout: .seconds(20))
        }
        for try await change in changes { seen.withLock { $0.append(change) } }
        try await worker.value
        let all = seen.withLock { $0 }
        #expect(all.contains { $0.populated == true })
        #expect(all.contains { $0.populated == false })
        #expect(all.last?.isGone == true)
    }

    @Test("A cancelled task ends the sequence, its thread and its descriptors") func cancelling() async throws {
        await #expect(processExitsWith: .success) {
            let scratch = try TestTree.scratch()
            // At its first use the concurrency runtime opens descriptors of its own, for timers.
            var files = Int.max
            for turn in -2..<20 {
                if turn == 0 {
                    usleep(500_000)
                    files = try openFiles()
                }
                var watcher = try CgroupWatcher()
                try watcher.add(scratch.cgroup)
                let changes = try CgroupChanges(of: watcher)
                // Cancelled in a wait, or let go of unread.
                guard turn.isMultiple(of: 2) else { continue }
                let reader = Task {
                    var count = 0
                    for try await _ in changes { count += 1 }
                    return count
                }
                try await Task.sleep(for: .milliseconds(10))
                reader.cancel()
                #expect(try await reader.value == 0)
            }
            let most = files
            // The concurrency runtime has a thread for each processor.
            let limit = 18 + ProcessInfo.processInfo.activeProcessorCount
            _ = try eventually(.seconds(20)) { try openFiles() <= most && threadCount() < limit }
            if try openFiles() > files { exit(1) }
            if try threadCount() >= limit { exit(2) }
        }
    }

    @Test("OOM kills are told where the victim was, and counted by the kernel", .needs(.memoryController))
    func oomKill() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let child = try scratch.cgroup.createChild("a", enabling: [.memory])
        try child.write(.mebibytes(16), to: .memoryMax)
        var watcher = try CgroupWatcher()
        let above = try watcher.add(scratch.cgroup)
        let inside = try watcher.add(child)
        let holder = try Workload.holding(64, in: child)
        var kills: [CgroupWatch: UInt64] = [:]
        var local: [CgroupWatch: UInt64] = [:]
        #expect(
            try eventually(.seconds(60)) {
                for change in try watcher.wait(timeout: .seconds(1)) {
                    kills[change.watch, default: 0] += change.oomKills
                    local[change.watch, default: 0] += change.localOOMKills
                }
                return (kills[inside] ?? 0) > 0 && (kills[above] ?? 0) > 0
            })
        #expect(local[above] == 0)
        #expect(local[inside] == kills[inside])
        _ = try child.killAndWait(timeout: .seconds(20))
        #expect(holder.waitUntilExit() != 99)
    }

    @Test("Refused forks are told", .needs(.controller("pids"))) func pids() throws {
        let scratch = try TestTree.scratch(enabling: [.pids])
        let pod = try scratch.cgroup.createChild("a", enabling: [.pids])
        try pod.write(3, to: .pidsMax)
        var watcher = try CgroupWatcher()
        try watcher.add(pod)
        let bomb = try Workload(in: pod, "for n in 1 2 3 4 5 6; do sleep 100 & done; wait")
        var refused: UInt64 = 0
        #expect(
            try eventually(.seconds(60)) {
                for change in try watcher.wait(timeout: .seconds(1)) { refused += change.refusedForks }
                return refused > 0
            })
        #expect(try pod.killAndWait(timeout: .seconds(20)))
        _ = bomb.waitUntilExit()
    }
}

@Suite("Pressure triggers", .needs(.root), .needs(.cgroup2))
struct PressureTriggerTests {
    @Test("Impossible ones are refused with the reason, before the kernel is asked")
    func refusals() throws {
        for (stall, window) in [
            (Duration.milliseconds(100), Duration.zero), (.milliseconds(100), .seconds(11)),
            (.zero, .seconds(1)), (.seconds(2), .seconds(1)),
        ] {
            let error = #expect(throws: KernelError.self) {
                _ = try PressureTrigger.ofHost(.some, .memory, stall: stall, window: window)
            }
            // Where pressure is not counted the file is missing.
            #expect(error?.errno == .invalidArgument || error?.errno == .noSuchFileOrDirectory)
        }
    }

    @Test(
        "A busy processor is told, an idle one is not, and a removed cgroup is gone", .needs(.feature("pressure_stall"))
    )
    func processor() throws {
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.createChild("a")
        let trigger = try PressureTrigger.on(pod, .some, .cpu, stall: .milliseconds(200), window: .seconds(2))
        #expect(try trigger.wait(timeout: .milliseconds(50)) == .timedOut)
        // More runners than processors.
        let count = ProcessInfo.processInfo.processorCount + 1
        let load = try Workload(in: pod, "for n in $(seq \(count)); do (while :; do :; done) & done; wait")
        #expect(try trigger.wait(timeout: .seconds(60)) == .stalled)
        #expect(try pod.killAndWait(timeout: .seconds(20)))
        _ = load.waitUntilExit()
        try scratch.cgroup.removeChild("a", timeout: .seconds(5))
        #expect(try eventually(.seconds(60)) { try trigger.wait(timeout: .seconds(5)) == .gone })
    }

    @Test("The whole machine has them too", .needs(.feature("pressure_stall"))) func host() throws {
        let trigger = try PressureTrigger.ofHost(.full, .memory, stall: .milliseconds(1900), window: .seconds(2))
        #expect(try trigger.wait(timeout: .milliseconds(100)) == .timedOut)
    }
}

/// What watchers hold open: files of cgroups and `inotify`. What else there is, the concurrency runtime opens and closes.
private func openFiles() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter { number in
        let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")) ?? ""
        return target == "anon_inode:inotify" || target.contains("bulkhead-test-")
    }.count
}
private func inotifyInstances() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == "anon_inode:inotify"
    }.count
}
private func threadCount() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
}
