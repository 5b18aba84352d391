// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import Launching
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

@Suite(
    "System calls that an act may cost", .needs(.root), .needs(.cgroup2), .needs(.command("strace")), .serialized)
struct CgroupBudgetTests {
    @Test("Five limits: eleven calls, and five with kept descriptors") func limits() throws {
        let once = try fewestCalls(of: "batch")
        #expect(once.filter { $0.hasPrefix("write(") }.count == 5)
        #expect(once.count <= 11, "\(once)")
        let kept = try Tracer.calls(of: "kept")
        #expect(kept.count == 5, "\(kept)")
        #expect(kept.allSatisfy { $0.hasPrefix("write(") })
    }

    @Test("Statistics: one pread for each file") func statistics() throws {
        let scratch = try TestTree.scratch()
        let wanted = CgroupStatistics.files
        var sampler = try CgroupSampler(of: scratch.cgroup)
        _ = try sampler.pass()
        let there = wanted.filter { sampler.text(of: $0) != nil }.count
        #expect(there >= 1)
        let calls = try Tracer.calls(of: "sampler")
        #expect(calls.count == there, "\(calls)")
        #expect(calls.allSatisfy { $0.hasPrefix("pread64(") })
        // Without a sampler: an open for each of the files known, a read for each that is there, one close.
        let single = try fewestCalls(of: "statistics")
        #expect(single.count <= wanted.count + there + 1, "\(single)")
    }

    @Test("A leaf is removed by one call") func removal() throws {
        let calls = try Tracer.calls(of: "remove")
        #expect(calls.count == 1, "\(calls)")
        #expect(calls.first?.hasPrefix("unlinkat(") == true)
    }

    @Test(
        "Controllers of a cgroup just made: one read and one write through one descriptor",
        .enabled(if: !domainControllers.isEmpty, "needs memory or hugetlb on version 2"))
    func enabling() throws {
        let calls = try Tracer.calls(of: "enable")
        #expect(calls.count == 4, "\(calls)")
        let again = try Tracer.calls(of: "enable-again")
        #expect(again.count == 3, "\(again)")
    }

    @Test("A process is started in it without a write of cgroup.procs") func start() throws {
        let calls = try Tracer.calls(of: "start", inChildrenToo: true)
        #expect(calls.contains { $0.hasPrefix("clone3(") })
        #expect(calls.contains { $0.hasPrefix("execve") })
        #expect(calls.allSatisfy { !$0.contains("cgroup.procs") && !$0.contains("cgroup.threads") })
    }

    /// What the act costs when nothing comes between: a file that another thread of the test program opens meanwhile lies
    /// between the numbers of several descriptors, which then are closed one by one.
    private func fewestCalls(of name: String) throws -> [String] {
        let all = try turns.map { try Tracer.calls(of: "\(name)\($0)") }
        return try #require(all.min { $0.count < $1.count })
    }
}

/// Acts that open several files are done this often.
private let turns = 0..<5
private let isTraced = ProcessInfo.processInfo.environment["BULKHEAD_TRACED"] != nil
private var domainControllers: Set<Controller> { TestTree.controllers.intersection([.hugetlb, .memory]) }

/// What is counted: run by strace in a process of its own.
@Suite("Acts to be counted", .enabled(if: isTraced, "strace runs it, for the budgets"), .serialized)
struct BudgetActs {
    @Test("All of them") func all() throws {
        let some = domainControllers
        let scratch = try TestTree.scratch(enabling: some)
        let pod = try scratch.cgroup.createChild("pod", enabling: some)
        var batch = CgroupBatch()
        for _ in 0..<5 { batch.set(false, in: .freeze) }
        for turn in turns { try Tracer.marking("batch\(turn)") { try pod.write(batch) } }
        let writer = try CgroupWriter(of: pod, batch.entries.map(\.file))
        try Tracer.marking("kept") { try writer.write(batch) }
        var sampler = try CgroupSampler(of: pod)
        #expect(try sampler.pass() == .read)
        var statistics: CgroupStatistics?
        try Tracer.marking("sampler") { statistics = try sampler.statistics() }
        #expect(statistics?.cpu != nil)
        for turn in turns { try Tracer.marking("statistics\(turn)") { statistics = try pod.statistics() } }
        if !some.isEmpty {
            try Tracer.marking("enable") { try pod.enable(some) }
            #expect(Set(try pod.read(.subtreeControl) ?? []) == some)
            try Tracer.marking("enable-again") { try pod.enable(some) }
        }
        let leaf = try scratch.cgroup.createChild("leaf")
        var exit: Exit?
        let launch = Launch("/bin/true")
        try Tracer.marking("start") { exit = try launch.start(in: leaf).wait() }
        #expect(exit?.status == .exited(0))
        #expect(try leaf.waitUntilEmpty(timeout: .seconds(20)))
        try Tracer.marking("remove") { try scratch.cgroup.removeChild("leaf") }
        Tracer.mark("done")
    }
}

/// The system calls of acts, as strace sees them on their thread between two calls that mark the ends.
private enum Tracer {
    /// What the language's runtime does by itself: memory, locks and scheduling; and the time, which is read without a call
    /// unless the machine's clock is one that cannot be (a busy emulation takes another).
    static let runtime = [
        "mmap", "munmap", "brk", "madvise", "mprotect", "futex", "rt_sigprocmask", "sched_yield", "clock_gettime",
    ]

    struct Failure: Error, CustomStringConvertible { let description: String }

    static func mark(_ name: String) { _ = try? Descriptor.open(FilePath("/bulkhead-mark-\(name)."), .path) }

    static func marking(_ name: String, _ act: () throws -> Void) throws {
        mark("begin-\(name)")
        try act()
        mark("end-\(name)")
    }

    /// The one run that all tests look at.
    private static let trace: Result<[String], Failure> = {
        do {
            let folder = try Scratch()
            let strace = Process()
            strace.executableURL = URL(filePath: "/usr/bin/env")
            strace.arguments =
                ["strace", "-f", "-q", "-o", folder.path("trace")] + program + ["--filter", "BudgetActs"]
            strace.environment = ProcessInfo.processInfo.environment.merging(["BULKHEAD_TRACED": "1"]) { $1 }
            strace.standardInput = FileHandle.nullDevice
            strace.standardOutput = FileHandle.nullDevice
            strace.standardError = FileHandle.nullDevice
            try strace.run()
            strace.waitUntilExit()
            let lines = folder.text("trace").split(separator: "\n").map(String.init)
            guard strace.terminationStatus == 0, lines.contains(where: { $0.contains("bulkhead-mark-done.") }) else {
                return .failure(Failure(description: "the acts ended with \(strace.terminationStatus)"))
            }
            return .success(lines)
        } catch { return .failure(Failure(description: "\(error)")) }
    }()

    /// This test program, as it was started: by itself, or by the tool that loads it.
    private static var program: [String] {
        let arguments = CommandLine.arguments
        let itself = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? arguments[0]
        if let option = arguments.firstIndex(of: "--test-bundle-path"), option + 1 < arguments.count {
            return [itself, "--test-bundle-path", arguments[option + 1], "--testing-library", "swift-testing"]
        }
        return [itself, "--testing-library", "swift-testing"]
    }

    static func calls(of name: String, inChildrenToo children: Bool = false) throws -> [String] {
        let lines = try trace.get()
        guard let begin = lines.firstIndex(where: { $0.contains("bulkhead-mark-begin-\(name).") }),
            let end = lines.firstIndex(where: { $0.contains("bulkhead-mark-end-\(name).") }), begin < end
        else { throw Failure(description: "the marks of \(name) are not in the trace") }
        let thread = lines[begin].prefix { $0 != " " }
        return lines[(begin + 1)..<end].compactMap { line -> String? in
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2, children || words[0] == thread else { return nil }
            let call = words[1].drop { $0 == " " }
            // The second half of a call that another thread's came between; ends and signals of processes.
            guard !call.hasPrefix("<..."), !call.hasPrefix("+++"), !call.hasPrefix("---") else { return nil }
            return runtime.contains { call.hasPrefix($0 + "(") } ? nil : String(call)
        }
    }
}
