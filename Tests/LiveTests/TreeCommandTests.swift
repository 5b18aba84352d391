// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("bulkhead tree", .serialized, .needs(.root), .needs(.cgroup2), .needs(toolIsThere))
struct TreeCommandTests {
    @Test("Processes are counted through all levels, with and without controllers, and what is frozen is told")
    func processes() throws {
        let tree = try ToolTree()
        try tree.make("a/b/c/d/e")
        try tree.make("empty")
        let sleeper = try Sleeper()
        try tree.open("a/b/c/d/e").move(sleeper.pid)
        let found = try tree.json("tree --json --depth 1 $T")
        #expect(found["path"].text == tree.top)
        #expect(found["descendants"].number == 6)
        #expect((found["processes"].number ?? found["pids"]["current"].number) == 1)
        #expect(found["children"].count == 2)
        #expect(found["children"][0]["populated"].bool == true)
        #expect(found["children"][0]["children"].count == 0)
        #expect(found["children"][1]["populated"].bool == false)
        _ = try tree.open("a").freeze(timeout: .seconds(5))
        let text = try tree.shell("$B tree --depth 1 $T").output
        #expect(text.contains("a (+4) [frozen]"), "\(text)")
        #expect(
            try tree.json("tree --json --all $T")["children"][0]["children"][0]["children"][0]["children"].count == 1)
    }

    @Test("Memory and its protection are told, and drawn", .needs(.memoryController), .needs(.controller("pids")))
    func memory() throws {
        let scratch = try Scratch()
        let tree = try ToolTree(enabling: [.memory, .pids])
        try tree.make("pod", enabling: [.memory, .pids])
        let pod = try tree.open("pod")
        try tree.open().write(.mebibytes(64), to: .memoryMin)
        try pod.write(.mebibytes(16), to: .memoryMin)
        try pod.write(.mebibytes(64), to: .memoryMax)
        try pod.write(20, to: .pidsMax)
        try tree.fill("pod", 32, scratch)
        let found = try tree.json("tree --json $T")["children"][0]
        #expect((found["memory"]["current"].number ?? 0) >= 32 << 20)
        #expect(found["memory"]["min"].number == 16 << 20)
        #expect(found["memory"]["max"].number == 64 << 20)
        #expect(found["memory"]["high"].isNull)
        #expect(found["pids"]["max"].number == 20)
        let text = try tree.shell("COLUMNS=120 LC_ALL=C $B tree $T").output
        let line = try #require(text.split(separator: "\n").first { $0.contains("` pod") })
        #expect(line.contains("##########-"), "\(text)")
        #expect(line.contains("0/20"), "\(text)")
        #expect(!text.contains("\u{1B}"))
    }

    @Test("A tree that changes all the time is shown, again and again, until a signal ends it")
    func vanishing() throws {
        let tree = try ToolTree()
        let found = try tree.shell(
            """
            (while :; do mkdir -p $R$T/x/y $R$T/z; rmdir $R$T/x/y $R$T/x $R$T/z; sleep 0.01; done) 2>/dev/null & churn=$!
            F=/tmp/bulkhead-tree-$$; : >$F
            $B tree --json --watch 0.1 $T >$F & watch=$!
            n=0; while [ $(wc -l <$F) -lt 2 ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done
            kill -TERM $watch; wait $watch; echo "code=$?"
            n=0; while [ $n -lt 4 ]; do $B tree --all $T >/dev/null || echo broken; n=$((n + 1)); done
            kill $churn; wait $churn; rmdir $R$T/x/y $R$T/x $R$T/z
            echo "frames=$(wc -l <$F)"; rm $F
            """)
        #expect(found.value("code") == "143", "\(found.output)")
        #expect((found.value("frames").flatMap { Int($0) } ?? 0) >= 2, "\(found.output)")
        #expect(!found.output.contains("broken"), "\(found.output)")
    }

    @Test("Hundreds of cgroups are a few lines, unless all are wanted")
    func thousands() throws {
        let tree = try ToolTree()
        let count = 300
        for number in 0..<count { try tree.make("c\(number)") }
        let lines = try tree.shell("$B tree $T").lines
        #expect(lines.count < 32, "\(lines)")
        if count > 25 { #expect(lines.contains { $0.contains("\(count - 24) more") }, "\(lines)") }
        #expect(try tree.json("tree --json --all $T")["children"].count == count)
    }

    @Test("A cgroup that is not there is named, with the nearest that is")
    func missing() throws {
        let tree = try ToolTree()
        let found = try tree.shell("$B tree $T/no/such")
        #expect(found.exit.status == .exited(1))
        #expect(found.output.contains("the nearest above that exists is \(tree.top)\n"), "\(found.output)")
        #expect(try tree.shell("$B tree /../etc").exit.status == .exited(2))
    }

    @Test("A process, this one, and a path of the file system name cgroups, too")
    func names() throws {
        let tree = try ToolTree()
        let sleeper = try Sleeper()
        try tree.open().move(sleeper.pid)
        for name in ["pid:\(sleeper.pid)", "$R$T", "$R$T/", tree.top.dropFirst().description] {
            #expect(try tree.json("tree --json \(name)")["path"].text == tree.top, "\(name)")
        }
        let own = try tree.shell("echo $$ >$R$T/cgroup.procs && $B tree --json self")
        #expect(own.output.contains("\"path\": \"\(tree.top)\""), "\(own.output)")
    }
}
