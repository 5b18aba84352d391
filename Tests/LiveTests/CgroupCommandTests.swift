// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import LinuxKernel
internal import NodeModel
internal import Synchronization
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("bulkhead cgroup", .serialized, .needs(.root), .needs(.cgroup2), .needs(toolIsThere))
struct CgroupCommandTests {
    @Test("A single file is printed as it is, all files with their names")
    func get() throws {
        let tree = try ToolTree()
        #expect(try tree.shell("$B cgroup get $T cgroup.max.depth").output == "max\n")
        let all = try tree.json("cgroup get --json $T")["files"]
        #expect(all["cgroup.type"].text == "domain")
        #expect(all["cgroup.events"].text == "populated 0\nfrozen 0")
        #expect(all["cgroup.kill"].text == nil)
        let missing = try tree.shell("$B cgroup get $T cgroup.nothing")
        #expect(missing.exit.status == .exited(1))
        #expect(missing.output.contains("has no file cgroup.nothing"))
    }

    @Test("Values are set all or none, and what was before is told")
    func set() throws {
        let tree = try ToolTree()
        let done = try tree.json("cgroup set --json $T cgroup.max.depth=5 cgroup.max.descendants=7")
        #expect(done["files"][0]["before"].text == "max")
        #expect(done["files"][1]["now"].text == "7")
        // The first is written, and taken back when the kernel has no such controller.
        let failed = try tree.shell("$B cgroup set $T cgroup.max.depth=9 cgroup.subtree_control=+nonsense")
        #expect(failed.exit.status == .exited(1))
        #expect(failed.output.contains("what was set before it is as it was"), "\(failed.output)")
        #expect(try tree.open().read(.maxDepth) == .value(5))
        // A mistake in the last is told before the first is written.
        let wrong = try tree.shell("$B cgroup set $T cgroup.max.depth=3 cgroup.max.descendants=0x10")
        #expect(wrong.exit.status == .exited(2))
        #expect(try tree.open().read(.maxDepth) == .value(5))
    }

    @Test("Bytes are set by quantity; what the kernel keeps of them is told", .needs(.memoryController))
    func quantities() throws {
        let tree = try ToolTree(enabling: [.memory])
        let done = try tree.shell("$B cgroup set $T memory.high=64Mi memory.max=100M")
        #expect(done.output.contains("memory.high  max -> 67108864\n"), "\(done.output)")
        #expect(done.output.contains("memory.max   max -> 99999744  (100000000 was written"), "\(done.output)")
        let root = try tree.shell("$B cgroup set / memory.max=1Gi")
        #expect(root.exit.status == .exited(1))
        #expect(root.output.contains("the root cgroup has no such file"), "\(root.output)")
    }

    @Test(
        "Protection that the parent has not, or that the children claim, is refused with the numbers",
        .needs(.memoryController), arguments: ["memory.min", "memory.low"])
    func protection(file: String) throws {
        let tree = try ToolTree(enabling: [.memory])
        for name in ["a", "b"] { try tree.make(name, enabling: [.memory]) }
        let knob: InterfaceFile<ByteCount> = file == "memory.min" ? .memoryMin : .memoryLow
        try tree.open().write(.mebibytes(64), to: knob)
        try tree.open("a").write(.mebibytes(48), to: knob)
        let over = try tree.shell("$B cgroup set $T/b \(file)=17Mi")
        #expect(over.exit.status == .exited(1))
        #expect(
            over.output.contains("has \(file) 64Mi, its other children claim 48Mi, and so 16Mi is left"),
            "\(over.output)")
        #expect(try tree.open("b").read(knob) == .zero)
        #expect(try tree.shell("$B cgroup set $T/b \(file)=16Mi").exit.status == .exited(0))
        let under = try tree.shell("$B cgroup set $T \(file)=63Mi")
        #expect(under.exit.status == .exited(1))
        #expect(under.output.contains("claim \(file) 64Mi together, and 63Mi would be less"), "\(under.output)")
        guard file == "memory.min" else { return }
        let forced = try tree.shell("$B cgroup set --force $T \(file)=63Mi")
        #expect(forced.exit.status == .exited(0))
        #expect(forced.output.contains("forced: "))
        let machine = try tree.shell("$B cgroup set $T \(file)=1Ti")
        #expect(machine.exit.status == .exited(1))
        #expect(machine.output.contains("the machine's memory"), "\(machine.output)")
    }

    @Test("Who manages a tree above it is waited for, whichever level that is", .needs(.memoryController))
    func turns() throws {
        let tree = try ToolTree(enabling: [.memory])
        try tree.make("pods/a", enabling: [.memory])
        for path in ["", "pods"] { try tree.open(path).write(.mebibytes(8), to: .memoryLow) }
        let file = try tree.open("pods").directory.open("cgroup.subtree_control", .writing)
        #expect(try file.lock(from: 0, length: 1))
        let held = Mutex<Descriptor?>(file)
        let begin = ContinuousClock.now
        Thread.detachNewThread {
            usleep(1_200_000)
            held.withLock { $0 = nil }
        }
        let found = try tree.shell("$B cgroup set $T/pods/a memory.low=4Mi")
        #expect(found.exit.status == .exited(0), "\(found.output)")
        #expect(ContinuousClock.now - begin >= .milliseconds(1200))
    }

    @Test("A memory.max below the use kills, and is refused with the safe way", .needs(.memoryController))
    func shrinking() throws {
        let scratch = try Scratch()
        let tree = try ToolTree(enabling: [.memory])
        try tree.make("pod", enabling: [.memory])
        try tree.fill("pod", 24, scratch)
        let found = try tree.shell("$B cgroup set $T/pod memory.max=8Mi")
        #expect(found.exit.status == .exited(1))
        #expect(found.output.contains("bulkhead cgroup shrink \(tree.top)/pod 8Mi"), "\(found.output)")
        #expect(try tree.open("pod").read(.memoryMax) == .max)
        try tree.open("pod").write(.mebibytes(16), to: .memoryMin)
        let room = try tree.shell("$B cgroup set $T memory.max=16Mi")
        #expect(room.exit.status == .exited(1))
        #expect(room.output.contains("leaves no room under memory.max"), "\(room.output)")
    }

    @Test(
        "Without the memory controller its files are not possible",
        .enabled(if: !TestTree.controllers.contains(.memory), "needs a host without memory on version 2"))
    func noMemory() throws {
        let tree = try ToolTree()
        let found = try tree.shell("$B cgroup set $T memory.max=1Gi")
        #expect(found.exit.status == .exited(3))
        #expect(found.output.contains("setting memory.* needs the memory controller"), "\(found.output)")
    }

    @Test("The statistics are one document; what the kernel does not tell is null")
    func stat() throws {
        let tree = try ToolTree()
        let found = try tree.json("cgroup stat --json $T")
        #expect(found["path"].text == tree.top)
        #expect(found["cpu"]["usage_usec"].number != nil)
        #expect(found["memory"].isNull == (try !(tree.open().read(.controllers) ?? []).contains(.memory)))
        #expect(try tree.shell("$B cgroup stat $T").output.hasPrefix(tree.top + "\n"))
    }

    @Test("Memory, tasks and events are among the statistics", .needs(.memoryController), .needs(.controller("pids")))
    func memoryStatistics() throws {
        let tree = try ToolTree(enabling: [.memory, .pids])
        let sleeper = try Sleeper()
        try tree.open().move(sleeper.pid)
        let found = try tree.json("cgroup stat --json $T")
        #expect(found["pids"]["current"].number == 1)
        #expect(found["memory"]["events"]["oom_kill"].number == 0)
        #expect(found["memory"]["stat"]["anon"].number != nil)
        #expect(found["memory"]["max"].isNull)
    }

    @Test("Frozen, thawed, killed and removed, each said and done")
    func life() throws {
        let tree = try ToolTree()
        try tree.make("pod/below")
        let sleeper = try Sleeper()
        try tree.open("pod/below").move(sleeper.pid)
        #expect(try tree.json("cgroup freeze --json $T/pod")["state"].text == "frozen")
        #expect(try tree.open("pod").read(.events)?.frozen == true)
        let held = try tree.shell("$B cgroup thaw $T/pod/below")
        #expect(held.exit.status == .exited(1))
        #expect(held.output.contains("\(tree.top)/pod is frozen"), "\(held.output)")
        #expect(try tree.json("cgroup thaw --json $T/pod")["state"].text == "running")
        let busy = try tree.shell("$B cgroup rm $T/pod")
        #expect(busy.exit.status == .exited(1))
        #expect(busy.output.contains("--recursive"), "\(busy.output)")
        let inside = try tree.shell("$B cgroup rm --recursive $T/pod")
        #expect(inside.exit.status == .exited(1))
        #expect(inside.output.contains("\(sleeper.pid)"), "\(inside.output)")
        #expect(try tree.shell("$B cgroup kill --wait $T/pod").exit.status == .exited(0))
        #expect(sleeper.waitForSignal() == 9)
        #expect(try tree.shell("$B cgroup rm --recursive $T/pod").exit.status == .exited(0))
        #expect(try tree.open().children() == [])
        #expect(try tree.shell("$B cgroup rm $T/pod").exit.status == .exited(1))
    }

    @Test("Removal that kills ends what is inside first")
    func removeKilling() throws {
        let tree = try ToolTree()
        try tree.make("pod/a/b")
        let sleeper = try Sleeper()
        try tree.open("pod/a/b").move(sleeper.pid)
        #expect(try tree.shell("$B cgroup rm --recursive --kill $T/pod").output == "\(tree.top)/pod is removed\n")
        #expect(sleeper.waitForSignal() == 9)
        #expect(try tree.open().children() == [])
    }

    @Test("The root, and what the command itself runs in, are not frozen, killed or removed")
    func own() throws {
        let tree = try ToolTree()
        for act in ["freeze", "kill", "rm --kill"] {
            let found = try tree.shell("echo $$ >$R$T/cgroup.procs && $B cgroup \(act) $T")
            #expect(found.exit.status == .exited(2), "\(act)")
            #expect(found.output.contains("itself runs in it"), "\(found.output)")
        }
        #expect(try tree.shell("$B cgroup kill /").exit.status == .exited(2))
    }

    @Test("It is made with controllers, takes processes and is given to a user")
    func making() throws {
        let tree = try ToolTree()
        let controller = TestTree.controllers.contains(.memory) ? "memory" : "hugetlb"
        let made = try tree.json("cgroup create --json --enable \(controller) $T/a/b")
        #expect(made["state"].text == "created")
        #expect(try (tree.open("a/b").read(.controllers) ?? []).map(\.rawValue) == [controller])
        let sleeper = try Sleeper()
        let moved = try tree.shell("$B cgroup move $T/a/b \(sleeper.pid) \(Int32.max)")
        #expect(moved.exit.status == .exited(1))
        #expect(moved.output.contains("1 of 2 moved"), "\(moved.output)")
        #expect(moved.output.contains("process \(Int32.max) does not live"), "\(moved.output)")
        #expect(try tree.open("a/b").read(.processes) == [sleeper.pid])
        let given = try tree.json("cgroup delegate --json $T/a/b 12345:54321")
        #expect(given["files"].all.compactMap(\.text).contains("cgroup.procs"))
        let owner = try tree.open("a/b").directory.status(of: "cgroup.procs")
        #expect(owner.uid == 12345 && owner.gid == 54321)
        #expect(try tree.open("a/b").directory.status(of: "cgroup.freeze").uid == 0)
    }

    @Test("Events are followed to the removal of the cgroup, a line for each")
    func events() throws {
        let tree = try ToolTree()
        try tree.make("pod")
        #expect(try tree.json("cgroup events --json $T/pod")["files"]["cgroup.events"]["populated"].number == 0)
        let found = try tree.shell(
            """
            $B cgroup events --follow --json $T/pod >/tmp/bulkhead-events-$$ & watch=$!
            seen() { n=0; while ! grep -q "$1" /tmp/bulkhead-events-$$ && [ $n -lt 200 ]; do sleep 0.1; n=$((n + 1)); done; }
            seen '"key": "frozen", "before": null'
            sleep 30 & sleeper=$!; echo $sleeper >$R$T/pod/cgroup.procs
            seen '"key": "populated", "before": 0, "value": 1'
            $B cgroup kill --wait $T/pod >/dev/null
            seen '"key": "populated", "before": 1, "value": 0'
            $B cgroup rm $T/pod >/dev/null
            wait $watch; echo "code=$?"; cat /tmp/bulkhead-events-$$; rm /tmp/bulkhead-events-$$
            """)
        #expect(found.value("code") == "0", "\(found.output)")
        #expect(found.lines.filter { $0.contains("\"key\": \"populated\"") }.count >= 3, "\(found.output)")
        #expect(found.lines.last { $0.hasPrefix("{") }?.contains("\"removed\": true") == true, "\(found.output)")
    }

    @Test("The shell is offered the cgroups below what is typed, and the files of the one that is named")
    func completion() throws {
        let tree = try ToolTree()
        try tree.make("first")
        try tree.make("second")
        let places = try tree.shell(
            "W=$T/f; SAP_SHELL=bash $B ---completion cgroup get -- positional@0 3 ${#W} bulkhead cgroup get $W")
        #expect(places.output.contains("\(tree.top)/first") && !places.output.contains("second"), "\(places.output)")
    }
}
