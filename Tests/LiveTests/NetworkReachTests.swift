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

/// The rows `netns` of `idmap_cases.json`: what a process with all capabilities of its user namespace can do to its own
/// network, and what it cannot do to the host's.
@Suite("A namespaced CAP_NET_ADMIN", .needs(.root), .needs(.netAdmin), .needs(.command("ip")))
struct NetworkReachTests {
    struct Row: Decodable, Sendable, CustomTestStringConvertible {
        struct Operation: Decodable { var name: String }
        struct Expectation: Decodable {
            var ok: Bool?
            var errno: String?
        }
        var id: String
        var group: String
        var expect: Expectation
        var testDescription: String { id }
    }

    static func rows() throws -> [Row] {
        struct Table: Decodable { var cases: [Optional<Failable>] }
        struct Failable: Decodable {
            var row: Row?
            init(from decoder: any Decoder) { row = try? Row(from: decoder) }
        }
        return try vectors("idmap_cases.json", as: Table.self).cases.compactMap { $0?.row }.filter {
            $0.group == "netns"
        }
    }

    /// What each row does, as a shell function; `ip` speaks netlink, so that this library is not its own judge.
    static let deeds: [String: String] = [
        "net-lo-up": "ip link set lo up",
        "net-tap": "ip tuntap add dev tap0 mode tap",
        "net-bridge": "ip link add br0 type bridge",
        "net-vxlan": "ip link add vx0 type vxlan id 42 dstport 4789 local 10.66.0.1",
        "net-addr": "ip link add v0 type veth peer name v1 && ip addr add 10.66.0.1/24 dev v0",
        // ping_group_range allows nobody an ICMP socket of the other kind, so this one is raw.
        "net-raw": "ip link set lo up && busybox ping -c 1 -W 5 127.0.0.1 >/dev/null",
        "net-somaxconn": "echo 2222 >/proc/sys/net/core/somaxconn",
        "net-ping-group-range": "echo 0 65535 >/proc/sys/net/ipv4/ping_group_range",
        "net-port-start": "echo 80 >/proc/sys/net/ipv4/ip_unprivileged_port_start",
        "net-rmem-max": "echo 212992 >/proc/sys/net/core/rmem_max",
        "net-hostname": "cat /proc/sys/kernel/hostname >/proc/sys/kernel/hostname",
        "net-file-max": "cat /proc/sys/fs/file-max >/proc/sys/fs/file-max",
        "net-host-tap": "ip tuntap add dev bulkhead-probe mode tap",
        "net-host-ip-forward": "cat /proc/sys/net/ipv4/ip_forward >/proc/sys/net/ipv4/ip_forward",
    ]

    /// Runs deeds in a user namespace with all of its capabilities, in a network of its own or in the host's; whether
    /// each was done, and what was said.
    private func attempt(_ ids: [String], own: Bool) throws -> [String: (done: Bool, said: String)] {
        let script = ids.map { id in
            "said=$( { \(Self.deeds[id] ?? "false"); } 2>&1 ); echo \"\(id)|$?|$(echo $said)\""
        }.joined(separator: "\n")
        var launch = Launch.script(script)
        launch.user = try testMap
        launch.identity = .root
        launch.capabilities = .supported
        launch.loopback = false
        launch.environment["LC_ALL"] = "C"
        if own { launch.namespaces = [.network] }
        let found = try finish(launch)
        return found.lines.reduce(into: [:]) { answers, line in
            let parts = line.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            if parts.count == 3 { answers[parts[0]] = (parts[1] == "0", parts[2]) }
        }
    }

    @Test("It does each of the vectors' deeds to its own network, and is refused the machine's and the host's")
    func reach() throws {
        let rows = try Self.rows()
        #expect(rows.count == 14)
        let before = try state()
        let ids = rows.map(\.id)
        let inside = try attempt(ids.filter { !$0.hasPrefix("net-host-") }, own: true)
        let outside = try attempt(ids.filter { $0.hasPrefix("net-host-") }, own: false)
        for row in rows {
            let answer = try #require(inside[row.id] ?? outside[row.id], "\(row.id) has no deed")
            if Self.lacksMeans(answer.said) { continue }
            // Who may not even open the device learns nothing of its namespace.
            if row.id.hasSuffix("-tap"), !Self.anyoneOpensTun { continue }
            if row.expect.ok == true {
                #expect(answer.done, "\(row.id): \(answer.said)")
            } else {
                #expect(!answer.done, "\(row.id)")
                // A file that a namespace other than the first does not have is out of reach as well.
                let words = row.expect.errno == "EPERM" ? ["not permitted"] : ["denied", "nonexistent", "No such file"]
                #expect(words.contains { answer.said.contains($0) }, "\(row.id): \(answer.said)")
            }
        }
        #expect(try state() == before)
    }

    @Test("Nothing that it may do to its own network can it do to the host's")
    func hostOutOfReach() throws {
        let before = try state()
        let ids = Self.deeds.keys.sorted().filter { !["net-hostname", "net-file-max", "net-raw"].contains($0) }
        let answers = try attempt(ids, own: false)
        for id in ids {
            let answer = try #require(answers[id])
            #expect(!answer.done, "\(id) reached the host")
        }
        #expect(try state() == before)
    }

    /// Whether others than the host's root may open `/dev/net/tun`, as udev arranges it.
    static var anyoneOpensTun: Bool {
        let mode = try? Descriptor.open("/dev/net/tun", .path).status().mode
        return (mode ?? 0) & 0o006 == 0o006
    }

    /// A module that is missing here, a program, or a file: Linux 5.10 shows no net.core outside of the initial user namespace.
    static func lacksMeans(_ said: String) -> Bool {
        ["Unknown device type", "not supported", "No such device", "not found", "nonexistent", "/dev/net/tun"].contains
        {
            said.contains($0)
        }
    }

    /// What of the host's network the deeds could have changed.
    private func state() throws -> [String] {
        let files = [
            "net/ipv4/ip_forward", "net/core/somaxconn", "net/ipv4/ping_group_range", "net/core/rmem_max",
            "net/ipv4/ip_unprivileged_port_start", "kernel/hostname", "fs/file-max",
        ]
        let interfaces = try FileManager.default.contentsOfDirectory(atPath: "/sys/class/net").filter {
            ["tap0", "br0", "vx0", "v0", "v1", "bulkhead-probe"].contains($0)
        }
        return try files.map { try readKernelFile(FilePath("/proc/sys/\($0)")) } + interfaces.sorted()
    }
}
