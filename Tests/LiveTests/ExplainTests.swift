// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("bulkhead explain", .serialized, .needs(.root), .needs(.cgroup2), .needs(toolIsThere))
struct ExplainTests {
    @Test(
        "Without the memory controller it is not possible, and the reason is told",
        .enabled(if: !TestTree.controllers.contains(.memory), "needs a host without memory on version 2"))
    func impossible() throws {
        let tree = try ToolTree()
        let found = try tree.shell("$B explain --json $T")
        #expect(found.exit.status == .exited(3))
        #expect(found.output.contains("the memory controller on cgroup v2, and it is "), "\(found.output)")
    }

    /// A root of pods with and without `memory.low`, a class and a pod that uses 24 MiB and asks for 16.
    private func kubepods(low: ByteCount, _ scratch: Scratch) throws -> ToolTree {
        let tree = try ToolTree(enabling: [.memory])
        try tree.make("burstable/pod1", enabling: [.memory])
        let top = try tree.open()
        try top.write(.mebibytes(8), to: .memoryMin)
        try top.write(low, to: .memoryLow)
        try tree.open("burstable").write(.mebibytes(16), to: .memoryLow)
        try tree.open("burstable/pod1").write(.mebibytes(16), to: .memoryLow)
        try tree.fill("burstable/pod1", 24, scratch)
        return tree
    }

    @Test("The layout of 1.36.0 protects nothing, and its root is named", .needs(.memoryController))
    func rootWithoutLow() throws {
        let scratch = try Scratch()
        let tree = try kubepods(low: .zero, scratch)
        let found = try tree.json("explain --json $T/burstable/pod1")
        let pod = found["levels"][2]
        #expect(found["levels"].count == 3)
        #expect(pod["path"].text == tree.top + "/burstable/pod1")
        #expect(pod["low"]["asked"].number == 16 << 20)
        #expect(pod["low"]["effective"].number == 0)
        #expect(pod["low"]["assured"].number == 0)
        #expect(pod["low"]["cut"]["by"].text == tree.top)
        #expect(pod["low"]["cut"]["reason"].text == "asksNothing")
        let text = try tree.shell("$B explain $T/burstable/pod1").output
        #expect(text.contains("cut   memory.low: \(tree.top) asks for no memory.low"), "\(text)")
    }

    @Test("With memory.low at the root of the pods nothing is cut", .needs(.memoryController))
    func rootWithLow() throws {
        let scratch = try Scratch()
        let tree = try kubepods(low: .mebibytes(16), scratch)
        let pod = try tree.json("explain --json $T/burstable/pod1")["levels"][2]
        // With memory_recursiveprot the rest of what the ancestors have may come on top.
        #expect((pod["low"]["effective"].number ?? 0) >= 16 << 20)
        #expect(pod["low"]["assured"].number == 16 << 20)
        #expect(pod["low"]["cut"].isNull)
        #expect(try tree.shell("$B explain $T/burstable/pod1").output.contains("holds memory.low"))
    }

    @Test(
        "Reclaim that the root of the pods starts itself counts its own setting for nothing and the class in full",
        .needs(.memoryController))
    func limited() throws {
        let scratch = try Scratch()
        let tree = try kubepods(low: .zero, scratch)
        try tree.open().write(.mebibytes(512), to: .memoryMax)
        let found = try tree.json("explain --json $T/burstable/pod1")["local"][0]
        #expect(found["target"].text == tree.top)
        #expect(found["max"].number == 512 << 20)
        #expect(found["levels"].count == 2)
        #expect((found["levels"][1]["low"]["effective"].number ?? 0) >= 16 << 20)
        let asked = try tree.json("explain --json --as-target $T $T/burstable/pod1")
        #expect(asked["target"].text == tree.top)
        #expect(asked["levels"].count == 2)
        let wrong = try tree.shell("$B explain --as-target $T/burstable/pod1 $T")
        #expect(wrong.exit.status == .exited(2))
        #expect(wrong.output.contains("is no ancestor of"), "\(wrong.output)")
        #expect(try tree.shell("$B explain --as-target $T $T").exit.status == .exited(2))
    }

    @Test("Siblings that claim more than the parent has share it, by what they use", .needs(.memoryController))
    func shared() throws {
        let scratch = try Scratch()
        let tree = try ToolTree(enabling: [.memory])
        for name in ["a", "b"] {
            try tree.make(name, enabling: [.memory])
            try tree.open(name).write(.mebibytes(16), to: .memoryMin)
        }
        try tree.open().write(.mebibytes(16), to: .memoryMin)
        try tree.fill("a", 20, scratch)
        // The other is idle: nothing is cut now, but half of it is all that is assured.
        let alone = try tree.json("explain --json $T/a")["levels"][1]["min"]
        #expect((alone["effective"].number ?? 0) >= 15 << 20)
        #expect(alone["assured"].number == 8 << 20)
        #expect(alone["weakness"]["by"].text == tree.top)
        try tree.fill("b", 20, scratch)
        let both = try tree.json("explain --json $T/a")["levels"][1]["min"]
        let effective = try #require(both["effective"].number)
        #expect((7 << 20...9 << 20).contains(effective), "\(effective)")
        #expect(both["cut"]["reason"].text == "shared")
    }

    @Test(
        "A cgroup where the controller is not enabled is explained by the one that accounts for it",
        .needs(.memoryController))
    func accounting() throws {
        let tree = try ToolTree(enabling: [.memory])
        try tree.make("leaf")
        try tree.open().write(.mebibytes(4), to: .memoryMin)
        let found = try tree.json("explain --json $T/leaf")
        #expect(found["accountedIn"].text == tree.top)
        #expect(found["path"].text == tree.top + "/leaf")
        #expect(found["levels"][0]["min"]["asked"].number == 4 << 20)
    }

    @Test("Siblings that come and go are left out", .needs(.memoryController))
    func vanishing() throws {
        let tree = try ToolTree(enabling: [.memory])
        try tree.make("stays", enabling: [.memory])
        let found = try tree.shell(
            """
            (while :; do mkdir $R$T/x1 $R$T/x2; rmdir $R$T/x1 $R$T/x2; sleep 0.01; done) 2>/dev/null & churn=$!
            n=0; while [ $n -lt 6 ]; do $B explain --json $T/stays >/dev/null || echo failed; n=$((n + 1)); done
            kill $churn; wait $churn; rmdir $R$T/x1 $R$T/x2; true
            """)
        #expect(!found.output.contains("failed"), "\(found.output)")
    }

    @Test("The option of the mount and the kernel's own list are told", .needs(.memoryController))
    func recursion() throws {
        let tree = try ToolTree(enabling: [.memory])
        let found = try tree.json("explain --json $T")
        let options = try readKernelFile("/proc/self/mountinfo").split(separator: "\n").filter {
            $0.contains(" cgroup2 ")
        }
        #expect(
            found["recursiveProtection"]["on"].bool == options.contains { $0.contains("memory_recursiveprot") })
        #expect(found["recursiveProtection"]["known"].bool == true)
    }
}
