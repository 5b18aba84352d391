// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SeccompFilters
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("What a command is, inside")
struct LaunchIdentityTests {
    static let report = """
        echo "uid=$(id -u) $(id -g) $(id -G)"
        grep -E '^(Cap|NoNewPrivs|Seccomp|Groups)' /proc/self/status
        echo "uid_map=$(cat /proc/self/uid_map)"
        echo "gid_map=$(cat /proc/self/gid_map)"
        for kind in cgroup ipc mnt net pid user uts; do echo "ns_$kind=$(readlink /proc/self/ns/$kind)"; done
        """

    @Test("A command is root of the map that the kernel holds", .needs(.root), .needs(.userNamespaces))
    func identity() throws {
        var launch = Launch.script(Self.report)
        launch.user = try testMap
        let found = try finish(launch)
        #expect(found.exit.status == .exited(0))
        #expect(found.value("uid") == "0 0 0")
        let map = found.value("uid_map")?.split(separator: " ").map(String.init)
        #expect(map == ["0", "\(testOutside)", "65536"])
        #expect(found.value("gid_map")?.split(separator: " ").map(String.init) == map)
    }

    @Test("A map of several extents, different for users and groups, arrives as it was given", .needs(.root))
    func severalExtents() throws {
        let map = try IDMap(
            uid: (0..<7).map { IDMap.Extent(inside: $0 * 1000, outside: testOutside + $0 * 2000, count: 1000) },
            gid: [
                IDMap.Extent(inside: 0, outside: testOutside, count: 1),
                IDMap.Extent(inside: 100, outside: testOutside + 500, count: 10),
            ])
        var launch = Launch.script("cat /proc/self/uid_map; echo --; cat /proc/self/gid_map")
        launch.user = map
        let parts = try finish(launch).output.components(separatedBy: "--\n")
        #expect(parts.count == 2)
        #expect(try IDMap(kernelUID: parts[0], gid: parts[1]) == map)
    }

    @Test("Every namespace that is asked for is new, and no other", .needs(.root))
    func namespaces() throws {
        let outside = Dictionary(
            uniqueKeysWithValues: try ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"].map {
                ($0, try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/\($0)"))
            })
        var launch = Launch.script(Self.report)
        launch.user = try testMap
        launch.namespaces = [.network, .ipc, .uts, .cgroup]
        let some = try finish(launch)
        for (kind, own) in outside {
            let same = some.value("ns_\(kind)") == own
            #expect(same == ["mnt", "pid"].contains(kind), "\(kind)")
        }
        let none = try finish(.script(Self.report))
        for (kind, own) in outside { #expect(none.value("ns_\(kind)") == own, "\(kind)") }
    }

    @Test("All seven namespaces are new in the tool's isolation", .needs(.root))
    func allNamespaces() throws {
        let found = try finish(.isolated(Self.report))
        for kind in ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"] {
            let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/\(kind)")
            #expect(found.value("ns_\(kind)") != own, "\(kind)")
            #expect(found.value("ns_\(kind)")?.hasPrefix(kind) == true, "\(kind)")
        }
    }

    @Test("The five capability sets are exactly what the plan says", .needs(.root))
    func capabilities() throws {
        var launch = Launch.script(Self.report)
        launch.user = try testMap
        launch.capabilities = [.netAdmin, .kill]
        let found = try finish(launch)
        let bits = "0000000000001020"
        #expect(found.value("CapPrm") == bits)
        #expect(found.value("CapEff") == bits)
        #expect(found.value("CapBnd") == bits)
        #expect(found.value("CapInh") == "0000000000000000")
        #expect(found.value("CapAmb") == "0000000000000000")
    }

    @Test("A command that is not root keeps ambient capabilities and no others", .needs(.root))
    func ambient() throws {
        var launch = Launch.script(Self.report)
        launch.user = try testMap
        launch.identity = Identity(uid: 1000, gid: 1001, groups: [7, 8])
        launch.capabilities = [.netAdmin, .kill]
        launch.ambientCapabilities = [.netAdmin]
        let found = try finish(launch)
        #expect(found.value("uid") == "1000 1001 1001 7 8")
        #expect(found.value("CapEff") == "0000000000001000")
        #expect(found.value("CapPrm") == "0000000000001000")
        #expect(found.value("CapAmb") == "0000000000001000")
        #expect(found.value("CapBnd") == "0000000000001020")
    }

    @Test("A command that is not root has no capability when none is ambient", .needs(.root))
    func noCapabilities() throws {
        var launch = Launch.script(Self.report)
        launch.user = try testMap
        launch.identity = Identity(uid: 1000, gid: 1000)
        launch.capabilities = []
        let found = try finish(launch)
        #expect(found.value("CapEff") == "0000000000000000")
        #expect(found.value("CapBnd") == "0000000000000000")
        #expect(found.value("Groups") == "")
    }

    @Test("No new privileges is on unless it is switched off", .needs(.root))
    func noNewPrivileges() throws {
        var launch = Launch.script(Self.report)
        #expect(try finish(launch).value("NoNewPrivs") == "1")
        launch.noNewPrivileges = false
        #expect(try finish(launch).value("NoNewPrivs") == "0")
    }

    @Test("The filter is on, and refuses what it lists", .needs(.root))
    func seccomp() throws {
        var launch = Launch.script(Self.report + "\nunshare --help >/dev/null; swapoff /nothing 2>&1; true")
        launch.seccomp = try SeccompFilter.default.compiled()
        let found = try finish(launch)
        #expect(found.value("Seccomp") == "2")
    }

    @Test("Supplementary groups of the caller are gone in a user namespace", .needs(.root))
    func callersGroups() throws {
        var launch = Launch.script("grep ^Groups /proc/self/status")
        launch.user = try testMap
        #expect(try finish(launch).value("Groups") == "")
    }

    @Test("The environment is what the plan says and nothing else")
    func environment() throws {
        var launch = Launch("/usr/bin/env")
        launch.environment = ["A": "1", "B": "two words=x", "EMPTY": "", "PATH": "/bin"]
        let found = try finish(launch)
        #expect(found.lines.sorted() == ["A=1", "B=two words=x", "EMPTY=", "PATH=/bin"])
    }

    @Test("Arguments arrive byte for byte")
    func arguments() throws {
        let odd = ["", " ", "a b", "*", "$HOME", "ü\u{1F600}", "-n", "--", "\n"]
        var launch = Launch("/bin/sh", arguments: ["-c", "for a; do printf '<%s>' \"$a\"; done", "sh"] + odd)
        launch.environment = [:]
        #expect(try finish(launch).output == odd.map { "<\($0)>" }.joined())
    }

    @Test("A command in no namespace works for any user, in the caller's directory")
    func plain() throws {
        let found = try finish(.script("pwd; id -u"))
        #expect(found.lines.last == "\(geteuid())")
        #expect(found.lines.first == FileManager.default.currentDirectoryPath)
    }

    @Test("An ordinary user's single id works without any helper", .needs(.userNamespaces))
    func ownID() throws {
        let uid = geteuid()
        var launch = Launch.script(Self.report)
        launch.user = try IDMap(
            uid: [IDMap.Extent(inside: 0, outside: uid, count: 1)],
            gid: [IDMap.Extent(inside: 0, outside: getegid(), count: 1)])
        let found = try finish(launch)
        #expect(found.value("uid")?.hasPrefix("0 0") == true)
        #expect(found.value("uid_map")?.split(separator: " ").map(String.init) == ["0", "\(uid)", "1"])
    }

    @Test("The host name is the command's own", .needs(.root))
    func hostName() throws {
        var launch = Launch.script("cat /proc/sys/kernel/hostname")
        launch.user = try testMap
        launch.hostName = "inner-name"
        let before = try readKernelFile("/proc/sys/kernel/hostname")
        #expect(try finish(launch).output == "inner-name\n")
        #expect(try readKernelFile("/proc/sys/kernel/hostname") == before)
    }

    @Test("A new network has its loopback up and nothing else up", .needs(.root))
    func loopback() throws {
        let found = try finish(
            .isolated("cat /sys/class/net/lo/flags; cat /proc/net/route | wc -l; cat /proc/net/if_inet6"))
        #expect(found.lines.first == "0x9")  // IFF_UP | IFF_LOOPBACK
        #expect(found.lines.dropFirst().first == "1")
    }

    @Test(
        "Interfaces made inside touch nothing outside", .needs(.root), .needs(.command("ip")))
    func interfaces() throws {
        func interfaces() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: "/sys/class/net").sorted()
        }
        let before = try interfaces()
        let found = try finish(
            .isolated(
                """
                ip link add v0 type veth peer name v1 && ip addr add 10.9.8.7/24 dev v0 && ip link set v0 up &&
                ip link set v1 up && ls /sys/class/net && echo 1 >/proc/sys/net/ipv4/ip_forward && echo done
                """))
        guard !found.output.contains("Unknown device type") && !found.output.contains("not supported") else {
            try Test.cancel("this kernel has no veth: \(found.output)")
        }
        #expect(found.lines.last == "done", "\(found.output)")
        #expect(found.lines.contains("v0") && found.lines.contains("v1"))
        #expect(try interfaces() == before)
    }

    @Test("A command is in its cgroup from its first instruction", .needs(.root), .needs(.cgroup2))
    func cgroup() throws {
        let name = "bulkhead-live-\(getpid())-birth"
        let own = try TransientCgroup(named: name, in: try Cgroup.root())
        let found = try finish(.script("grep ^0:: /proc/self/cgroup")) { try $0.start(in: own.cgroup) }
        #expect(found.output.hasSuffix("/\(name)\n"))
        try own.remove()
    }

    @Test("A cgroup namespace begins at the command's own cgroup", .needs(.root), .needs(.cgroup2))
    func cgroupNamespace() throws {
        let name = "bulkhead-live-\(getpid())-view"
        let own = try TransientCgroup(named: name, in: try Cgroup.root())
        var launch = Launch.script("grep ^0:: /proc/self/cgroup")
        launch.user = try testMap
        launch.namespaces = [.cgroup]
        #expect(try finish(launch) { try $0.start(in: own.cgroup) }.output == "0::/\n")
        try own.remove()
    }
}
