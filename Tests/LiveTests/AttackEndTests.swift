// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import TestSupport
internal import Testing

@Suite("A hostile command does not outlive its run", .needs(.root), .needs(.cgroup2), .needs(toolIsThere))
struct AttackEndTests {
    /// A command that leaves processes in sessions of their own, which ignore what can be ignored.
    private static let litter = """
        trap "" TERM HUP INT QUIT; n=0
        while [ $n -lt \(scaled(60)) ]; do (setsid setsid sleep 300 &); n=$((n + 1)); done
        """

    @Test("Neither processes in sessions of their own nor ignored signals keep anything of it")
    func leftovers() throws {
        let name = "bulkhead-live-\(getpid())-litter"
        let found = try shell("$B run --cgroup \(name)/run -- sh -c '\(Self.litter); exit 3'")
        #expect(found.exit.status == .exited(3), "\(found.output)")
        #expect(try Cgroup.root().child(name) == nil)
    }

    @Test("Nor does it when the run is killed")
    func killed() throws {
        let name = "bulkhead-live-\(getpid())-killed"
        let scratch = try Scratch()
        let found = try shell(
            """
            mkfifo \(scratch.path("ready"))
            $B run --cgroup \(name)/run -- sh -c '\(Self.litter); echo; sleep 300' >\(scratch.path("ready")) & tool=$!
            read line <\(scratch.path("ready")); kill -9 $tool
            """)
        #expect(found.exit.status == .exited(0), "\(found.output)")
        #expect(try eventually { try Cgroup.root().child(name) == nil })
    }

    @Test("A fork bomb reaches the limit of its cgroup and ends with it", .needs(.controller("pids")))
    func forkBomb() throws {
        let name = "bulkhead-live-\(getpid())-bomb"
        let found = try shell(
            "$B run --pids-max 40 --cgroup \(name)/run -- sh -c 'bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 0.3; exit 3'"
        )
        #expect(found.exit.status != .exited(0), "\(found.output)")
        #expect(try Cgroup.root().child(name) == nil)
        #expect(try shell("true").exit.status == .exited(0))
    }
}
