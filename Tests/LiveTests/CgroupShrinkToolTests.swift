// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("bulkhead cgroup shrink", .serialized, .needs(.root), .needs(.memoryController), .needs(toolIsThere))
struct CgroupShrinkToolTests {
    /// A pod with so much memory that cannot be taken back.
    private func held(_ mebibytes: Int, in pod: borrowing Cgroup) throws -> Workload {
        let holder = try Workload.holding(mebibytes, in: pod)
        let size = ByteCount.mebibytes(UInt64(mebibytes))
        try #require(try eventually(.seconds(60)) { (try pod.read(.memoryCurrent) ?? .zero) > size })
        return holder
    }

    @Test("It says reached, or how far above, and a raise is reached at once")
    func outcomes() throws {
        let tree = try ToolTree(enabling: [.memory])
        try tree.make("pod", enabling: [.memory])
        let pod = try tree.open("pod")
        let holder = try held(48, in: pod)
        let reached = try tree.json("cgroup shrink --json $T/pod 128Mi")
        #expect(reached["state"].text == "shrunk")
        #expect(reached["above"].number == 0)
        #expect(try pod.read(.memoryMax) == .mebibytes(128))
        let above = try tree.shell("$B cgroup shrink --deadline 0.3 $T/pod 16Mi")
        #expect(above.exit.status == .exited(1))
        #expect(above.output.contains("above 16Mi"), "\(above.output)")
        #expect(try pod.read(.memoryMax) == .mebibytes(128))
        #expect(try pod.read(.memoryHigh) == .max)
        #expect(holder.isRunning)
    }

    @Test(
        "Memory is taken back, or the exit code says that it is not",
        .enabled(if: (try? KernelVersion.running()).map { $0 >= KernelVersion(5, 19) } ?? false, "needs Linux 5.19"))
    func reclaim() throws {
        let tree = try ToolTree(enabling: [.memory])
        try tree.make("pod", enabling: [.memory])
        let pod = try tree.open("pod")
        let holder = try held(32, in: pod)
        let found = try tree.shell("$B cgroup reclaim --json $T/pod 30Mi 2>/dev/null")
        #expect(found.exit.status == .exited(1))
        #expect(found.output.contains("\"reached\": false"), "\(found.output)")
        #expect(holder.isRunning)
    }

    @Test("Ended by a signal it puts back what was; killed it leaves a note, and the next one puts it back")
    func signals() throws {
        let tree = try ToolTree(enabling: [.memory])
        try tree.make("pod", enabling: [.memory])
        let pod = try tree.open("pod")
        try pod.write(.mebibytes(200), to: .memoryMax)
        try pod.write(.mebibytes(160), to: .memoryHigh)
        let holder = try held(64, in: pod)
        /// Starts a shrink that cannot be done, and sends a signal once memory.high is low.
        func interrupt(_ signal: String) throws -> Finished {
            try tree.shell(
                """
                $B cgroup shrink --deadline 60 $T/pod 32Mi & pid=$!
                n=0; while grep -q 167772160 $R$T/pod/memory.high && [ $n -lt 600 ]; do sleep 0.05; n=$((n + 1)); done
                kill -\(signal) $pid; wait $pid; echo "code=$?"
                """)
        }
        #expect(try interrupt("TERM").value("code") == "143")
        #expect(try pod.read(.memoryHigh) == .mebibytes(160))
        #expect(try pod.unfinishedShrink() == nil)

        #expect(try interrupt("KILL").value("code") == "137")
        let low = try #require(try pod.read(.memoryHigh))
        #expect(low < .mebibytes(32))
        #expect(try pod.read(.memoryMax) == .mebibytes(200))
        #expect(try pod.read(.memoryEvents)?.oomKill == 0)
        #expect(holder.isRunning)
        let note = try tree.json("cgroup stat --json $T/pod")["memory"]["unfinishedShrink"]
        #expect(note["before"].number == 160 << 20)
        #expect(note["lowered"].number == low.bytes)
        #expect(try tree.shell("$B cgroup shrink --deadline 0.1 $T/pod 32Mi").exit.status == .exited(1))
        #expect(try pod.read(.memoryHigh) == .mebibytes(160))
        #expect(try pod.unfinishedShrink() == nil)
        #expect(holder.isRunning)
    }

    @Test(
        "Killed at any of its calls, memory.high is what it was or noted", .needs(.command("strace")),
        arguments: [
            // Before and after the note, in the middle of reclaim, at memory.max, at the way back.
            ("fsetxattr", 1, "32Mi"), ("write", 1, "32Mi"), ("write", 2, "32Mi"), ("write", 4, "32Mi"),
            ("write", 2, "128Mi"), ("write", 3, "128Mi"), ("fremovexattr", 1, "128Mi"),
        ])
    func killed(call: String, turn: Int, size: String) throws {
        let tree = try ToolTree(enabling: [.memory])
        try tree.make("pod", enabling: [.memory])
        let pod = try tree.open("pod")
        try pod.write(.mebibytes(200), to: .memoryMax)
        let holder = try held(64, in: pod)
        let found = try tree.shell(
            "strace -qq -o /dev/null -e trace=\(call) -e inject=\(call):signal=SIGKILL:when=\(turn) "
                + "$B cgroup shrink --deadline 5 $T/pod \(size)")
        #expect(found.exit.status.shellCode == 137, "\(found.output)")
        let isNoted = try pod.unfinishedShrink() != nil
        #expect(try pod.read(.memoryHigh) == .max || isNoted)
        #expect(try pod.read(.memoryEvents)?.oomKill == 0)
        #expect(holder.isRunning)
        guard case .shrunk = try pod.shrink(to: .mebibytes(100), deadline: .seconds(10)) else {
            Issue.record("not shrunk after that")
            return
        }
        #expect(try pod.read(.memoryHigh) == .max)
        #expect(try pod.unfinishedShrink() == nil)
    }
}
