// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

/// Whether every write is a place to be killed at, on a tree of fifty pods: minutes, not seconds.
private let isThorough = ProcessInfo.processInfo.environment["EVERY_CRASH"] != nil

@Suite(
    "Killed in the middle", .serialized, .needs(.root), .needs(.memoryController), .needs(.controller("cpu")),
    .needs(.command("strace")), .needs(toolIsThere))
struct ApplyCrashTests {
    @Test("Killed at its writes, each command leaves every sum whole, and the next one completes it")
    func killed() throws {
        let tortured = try TorturedTree(pods: isThorough ? 50 : 3)
        defer { tortured.removeAll() }
        let before = try TestTree.controllersOfRoot()
        let apply = "apply -f $F --min-headroom 25% --policy TieredReservation"
        let unprotected = "apply -f $F --min-headroom 25% --policy None"
        for command in [apply, unprotected] + (isThorough ? [apply] : []) + ["delete g1 --ignore-not-found", "release"]
        {
            try tortured.kill(command, atEvery: isThorough)
        }
        #expect(try Cgroup.root().child(tortured.name) == nil)
        #expect(try TestTree.controllersOfRoot() == before)
    }

    @Test("What is killed while it gives back is given back by the next release, after a half-done apply too")
    func releaseAtOnce() throws {
        let tortured = try TorturedTree(pods: 3)
        defer { tortured.removeAll() }
        let before = try TestTree.controllersOfRoot()
        // Before the root is made, before that is written down, before it is for a pod.
        for (call, count) in [("mkdirat", 1), ("fsetxattr", 2), ("fsetxattr", 6)] {
            let found = try tortured.kill("apply -f $F", before: (call, count))
            #expect(found.exit.status == .exited(137), "\(found.output)")
            #expect(try tortured.tool("release").exit.status == .exited(0))
            #expect(try Cgroup.root().child(tortured.name) == nil, "\(call) \(count)")
            #expect(try TestTree.controllersOfRoot() == before, "\(call) \(count)")
        }
    }
}

/// Pods for the tool, and a way to end it in the middle of what it does.
struct TorturedTree {
    let name: String
    private let scratch: Scratch
    private let manifest: String
    private let observer: SumObserver

    /// So many pods of all classes in turn, the second with two containers.
    init(pods count: Int) throws {
        name = TestTree.newName()
        scratch = try Scratch()
        manifest = scratch.path("pods.yaml")
        observer = try SumObserver(try CgroupPath(components: [name]))
        func container(_ name: String, _ memory: String, _ cpu: String) -> String {
            "{name: \(name), resources: {requests: {\(memory)}, limits: {\(cpu)}}}"
        }
        let pods = (1...count).map { number in
            let (letter, containers) =
                switch number % 3 {
                case 1: ("g", [container("c0", "memory: 4Mi, cpu: 10m", "memory: 4Mi, cpu: 10m")])
                case 2: ("b", [container("c0", "memory: 2Mi", "memory: 16Mi"), container("c1", "memory: 2Mi", "")])
                default: ("e", [container("c0", "", "")])
                }
            return """
                apiVersion: v1
                kind: Pod
                metadata: {name: \(letter)\(number), uid: \(letter)\(number)}
                spec: {containers: [\(containers.joined(separator: ", "))]}
                """
        }
        try pods.joined(separator: "\n---\n").write(toFile: manifest, atomically: true, encoding: .utf8)
    }

    func tool(_ command: String, as prefix: String = "") throws -> Finished {
        try shell("F=\(manifest); \(prefix) $B \(command) --root \(name)")
    }

    /// Runs the tool with faults injected into its system calls.
    func strace(_ faults: String..., command: String) throws -> Finished {
        let faults = faults.map { "-e \($0)" }.joined(separator: " ")
        let calls = "write,mkdirat,unlinkat,fsetxattr,fremovexattr,openat2,pread64,fcntl"
        return try shell(
            "F=\(manifest); exec strace -f -qq --seccomp-bpf -o /dev/null -e trace=\(calls) \(faults) $B \(command) --root \(name)"
        )
    }

    /// Runs the tool until it is about to make a call for the given time, and kills it there: 137. The exit code is the
    /// tool's own when it gets through before.
    ///
    /// strace itself injects no signals with --seccomp-bpf, without which it takes ten times as long; so the call is
    /// delayed. A process that is stopped three times in a row stands there; one that is killed too early has been killed
    /// as well.
    func kill(_ command: String, before calls: (name: String, count: Int)...) throws -> Finished {
        let faults = calls.map { "-e inject=\($0.name):delay_enter=600s:when=\($0.count)" }.joined(separator: " ")
        let names = calls.map(\.name).joined(separator: ",")
        return try shell(
            """
            F=\(manifest)
            strace -f -qq --seccomp-bpf -o /dev/null -e trace=\(names) \(faults) $B \(command) --root \(name) &
            S=$!; n=0
            while [ $n -lt 3 ]; do
                case "$(cat /proc/$S/stat 2>/dev/null)" in '' | *') Z '*) break ;; esac
                P=$(cat /proc/$S/task/$S/children 2>/dev/null)
                case "$(cat /proc/${P% }/stat 2>/dev/null)" in *') t '*) n=$((n + 1)) ;; *) n=0 ;; esac
                sleep 0.1
            done
            if [ $n -eq 3 ]; then kill -9 $P; kill -9 $S; wait $S 2>/dev/null; exit 137; fi
            wait $S
            """)
    }

    func strace(_ faults: String, _ command: String) throws -> Finished { try strace(faults, command: command) }

    /// Ends the command at one write after the other, each time going on from where the one before was ended, until it
    /// gets through; then once more undisturbed.
    func kill(_ command: String, atEvery: Bool) throws {
        var kills = 0
        var isDone = false
        let limit = atEvery ? 20_000 : 200
        while !isDone, kills < limit {
            // Each call has a count of its own, and the shortest command makes each of them twice. With the first record
            // never written, a cgroup is made and not yet known as ours; that makes no way, so every second time the
            // second is the one.
            let count = atEvery || kills == 0 ? 2 : [4, 29, 21][kills % 3]
            let records = kills % (atEvery ? 2 : 4) == 1 ? 1 : count
            let found = try kill(
                command, before: ("write,mkdirat,unlinkat", count), ("fsetxattr,fremovexattr", records))
            isDone = found.exit.status == .exited(0)
            try #require(isDone || found.exit.status == .exited(137), "\(command): \(found.output)")
            let broken = observer.violations()
            #expect(broken == [], "\(command), killed \(kills + 1) times")
            kills += 1
        }
        #expect(kills < limit && kills > 1, "\(command): \(kills)")
        if isThorough { print("\(command): killed \(kills - 1) times") }
        let plain = try tool(command)
        #expect(plain.exit.status == .exited(0), "\(command): \(plain.output)")
        if command.hasPrefix("apply") { #expect(plain.output.contains("nothing to do"), "\(plain.output)") }
        #expect(observer.violations() == [])
    }

    func violations() -> [String] { observer.violations() }

    /// Every value of every cgroup of the tree that can be written, and the controllers above it where that can be known.
    func content() throws -> String {
        let root = try #require(CgroupHost.probe().root).string
        return try shell(
            """
            cd \(root); \(TestTree.isAlone ? "cat cgroup.subtree_control" : ":")
            grep -s . $(find \(name) -name '*.m[iax]*' -o -name '*.low' -o -name '*.high' -o -name '*.weight' -o -name '*.group' \
                -o -name cgroup.subtree_control 2>/dev/null | sort) /dev/null
            """
        ).output
    }

    func removeAll() {
        guard let cgroups = try? Cgroup.root(), let mine = try? cgroups.child(name) else { return }
        _ = try? mine.killAndWait(timeout: .seconds(10))
        try? cgroups.removeChild(name, timeout: .seconds(10))
    }
}
