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
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.duplicate()
        var batch = CgroupBatch()
        for _ in 0..<5 { batch.set(false, in: .freeze) }
        let once = try Tracer.calls { try pod.write(batch) }
        #expect(once.filter { $0.hasPrefix("write(") }.count == 5)
        #expect(once.count <= 11, "\(once)")
        let writer = try CgroupWriter(of: pod, batch.entries.map(\.file))
        let kept = try Tracer.calls { try writer.write(batch) }
        #expect(kept.count == 5, "\(kept)")
        #expect(kept.allSatisfy { $0.hasPrefix("write(") })
    }

    @Test("Statistics: one pread for each file") func statistics() throws {
        let scratch = try TestTree.scratch()
        var sampler = try CgroupSampler(of: scratch.cgroup)
        _ = try sampler.pass()
        let files = CgroupStatistics.files.filter { sampler.text(of: $0) != nil }
        var statistics: CgroupStatistics?
        let calls = try Tracer.calls { statistics = try sampler.statistics() }
        #expect(statistics?.cpu != nil)
        #expect(files.count >= 1)
        #expect(calls.count == files.count, "\(calls)")
        #expect(calls.allSatisfy { $0.hasPrefix("pread64(") })
        // Once, without a sampler: an open for each of the files known, a read for each that is there, one close.
        let single = try Tracer.calls { _ = try scratch.cgroup.statistics() }
        #expect(single.count <= CgroupStatistics.files.count + files.count + 1, "\(single)")
    }

    @Test("A leaf is removed by one call") func removal() throws {
        let scratch = try TestTree.scratch()
        _ = try scratch.cgroup.createChild("leaf")
        let calls = try Tracer.calls { try scratch.cgroup.removeChild("leaf") }
        #expect(calls.count == 1, "\(calls)")
        #expect(calls.first?.hasPrefix("unlinkat(") == true)
    }

    @Test(
        "Controllers of a cgroup just made: one read and one write through one descriptor",
        .enabled(if: TestTree.controllers.contains(.hugetlb) || TestTree.controllers.contains(.memory), "a controller"))
    func enabling() throws {
        let some = TestTree.controllers.intersection([.hugetlb, .memory])
        let scratch = try TestTree.scratch(enabling: some)
        let pod = try scratch.cgroup.createChild("pod")
        let calls = try Tracer.calls { try pod.enable(some) }
        #expect(calls.count == 4, "\(calls)")
        let again = try Tracer.calls { try pod.enable(some) }
        #expect(again.count == 3, "\(again)")
    }

    @Test("A process is started in it without a write of cgroup.procs") func start() throws {
        let scratch = try TestTree.scratch()
        let launch = Launch("/bin/true")
        var exit: Exit?
        let pod = try scratch.cgroup.duplicate()
        let calls = try Tracer.calls(ofChildrenToo: true) { exit = try launch.start(in: pod).wait() }
        #expect(exit?.status == .exited(0))
        #expect(calls.contains { $0.hasPrefix("clone3(") })
        #expect(calls.allSatisfy { !$0.contains("cgroup.procs") && !$0.contains("cgroup.threads") })
    }
}

/// Counts the system calls of an act, as strace sees them on the calling thread between two calls that mark its ends.
private enum Tracer {
    /// What the language's runtime does by itself: memory and locks.
    static let runtime = ["mmap", "munmap", "brk", "madvise", "mprotect", "futex", "rt_sigprocmask", "sched_yield"]

    struct Failure: Error, CustomStringConvertible { let description: String }

    static func calls(ofChildrenToo children: Bool = false, _ act: () throws -> Void) throws -> [String] {
        let folder = try Scratch()
        let output = folder.path("trace")
        let strace = Process()
        strace.executableURL = URL(filePath: "/usr/bin/env")
        strace.arguments = ["strace", "-f", "-q", "-o", output, "-p", "\(ProcessInfo.processInfo.processIdentifier)"]
        try strace.run()
        defer {
            strace.interrupt()
            strace.waitUntilExit()
        }
        // Attached once it writes down what this thread does.
        let attached = eventually(.seconds(30)) {
            mark("attached")
            return folder.text("trace").contains("bulkhead-mark-attached")
        }
        guard attached else { throw Failure(description: "strace does not attach") }
        mark("begin")
        try act()
        mark("end")
        guard eventually(.seconds(30), { folder.text("trace").contains("bulkhead-mark-end") }) else {
            throw Failure(description: "strace does not write")
        }
        let lines = folder.text("trace").split(separator: "\n").map(String.init)
        guard let begin = lines.lastIndex(where: { $0.contains("bulkhead-mark-begin") }),
            let end = lines.firstIndex(where: { $0.contains("bulkhead-mark-end") }), begin < end
        else { throw Failure(description: "the marks are not in the trace") }
        let thread = lines[begin].prefix { $0 != " " }
        return lines[(begin + 1)..<end].compactMap { line -> String? in
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2, children || words[0] == thread else { return nil }
            let call = words[1].drop { $0 == " " }
            // The second half of a call that another thread's came between.
            guard !call.hasPrefix("<..."), !call.hasPrefix("+++"), !call.hasPrefix("---") else { return nil }
            return runtime.contains { call.hasPrefix($0 + "(") } ? nil : String(call)
        }
    }

    private static func mark(_ name: String) {
        _ = try? Descriptor.open(FilePath("/bulkhead-mark-\(name)"), .path)
    }
}
