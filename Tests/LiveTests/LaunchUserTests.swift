// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("An ordinary user's launch", .needs(.userNamespaces), .needs(.ordinaryUser))
struct LaunchUserTests {
    /// The one id that needs nobody's leave.
    static var ownMap: IDMap {
        get throws {
            try IDMap(
                uid: [.init(inside: 0, outside: geteuid(), count: 1)],
                gid: [.init(inside: 0, outside: getegid(), count: 1)])
        }
    }

    private static func isolated(_ script: String) throws -> Launch {
        var launch = try Launch.isolated(script)
        launch.user = try ownMap
        launch.reaper = true
        return launch
    }

    @Test("It has all namespaces, the host's files read-only, and files of its own user")
    func ordinaryUserIsolated() throws {
        let scratch = try Scratch()
        let before = mountTable()
        var launch = try Self.isolated(
            """
            id -u; cat /proc/self/setgroups; touch /usr/x 2>/dev/null && echo "wrote /usr"
            echo made >/tmp/v/made; stat -c %u /tmp/v/made; ls /proc | grep -c '^[0-9]'; echo $$
            hostname; cat /sys/class/net/lo/flags; grep CapEff /proc/self/status
            """)
        launch.hostName = "mine"
        launch.volumes = [HostVolume(source: scratch.path, target: "/tmp/v", ownership: .plain)]
        let found = try finish(launch)
        #expect(found.lines.prefix(3) == ["0", "deny", "0"], "\(found.output)")
        #expect(found.lines.dropFirst(4).prefix(3) == ["2", "mine", "0x9"], "\(found.output)")
        #expect(found.value("CapEff") != "0000000000000000")
        #expect(scratch.text("made") == "made\n")
        #expect(mountTable() == before)
    }

    @Test("An ID map of a volume, of others' ids or a cgroup is refused with the step, and nothing is left")
    func ordinaryUserRefusals() throws {
        let scratch = try Scratch()
        var mapped = try Self.isolated("true")
        mapped.volumes = [HostVolume(source: scratch.path, target: "/tmp/v")]
        let volume = try LaunchFailureTests.failure(of: mapped)
        #expect(volume.step == .prepare && "\(volume)".contains(scratch.path), "\(volume)")
        var other = try Self.isolated("true")
        other.user = try testMap
        #expect(try LaunchFailureTests.failure(of: other).step == .maps)
        var identity = try Self.isolated("true")
        identity.identity = Identity(uid: 1, gid: 0)
        #expect(try LaunchFailureTests.failure(of: identity).step == .user)
    }

    @Test("What is left in it ends with the command, whatever signals it ignores")
    func ordinaryUserLeftovers() throws {
        let scratch = try Scratch()
        var launch = try Self.isolated(
            "trap '' TERM HUP INT; for n in 1 2 3 4 5; do (sleep 300 &) ; done; echo ready >&2; exit 4")
        launch.volumes = [HostVolume(source: scratch.path, target: "/tmp/v", ownership: .plain)]
        let found = try finish(launch)
        #expect(found.exit.status == .exited(4))
    }
}
