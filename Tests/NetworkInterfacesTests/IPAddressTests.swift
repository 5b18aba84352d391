// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NetworkInterfaces

@Suite struct IPAddressTests {
    @Test(arguments: [
        "0.0.0.0", "10.88.0.1", "255.255.255.255", "::", "::1", "fd00::1", "1:2:3:4:5:6:7:8", "1:0:0:2::3", "1::",
        "fe80::1:0:0:1", "::ffff:a00:1",
    ])
    func `an address prints as it is read`(text: String) throws {
        #expect(try "\(IPAddress(parsing: text))" == text)
    }

    @Test(arguments: [
        ("::ffff:10.0.0.1", "::ffff:a00:1"), ("FD00:0:0:0:0:0:0:1", "fd00::1"), ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
        ("0:0:1:0:0:0:0:0", "0:0:1::"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ])
    func `an address in another spelling is the same address`(text: String, canonical: String) throws {
        #expect(try "\(IPAddress(parsing: text))" == canonical)
        #expect(try IPAddress(parsing: text) == IPAddress(parsing: canonical))
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "256.0.0.1", "010.0.0.1", "+1.0.0.1", "1.2.3.", "a.b.c.d", ":", ":::", "1::2::3",
        "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4::", "g::",
        "fe80::1%lo",
        "::1:", ":1::", "-1::", " ::1",
    ])
    func `what is no address is refused`(text: String) {
        #expect(throws: IPAddressError.malformedAddress(text)) { try IPAddress(parsing: text) }
    }

    @Test func `a prefix knows its network`() throws {
        let prefix = try IPPrefix(parsing: "10.88.129.7/17")
        #expect("\(prefix)" == "10.88.129.7/17")
        #expect("\(prefix.network)" == "10.88.128.0/17")
        #expect(prefix.broadcast.map { "\($0)" } == "10.88.255.255")
        #expect(try "\(IPPrefix(parsing: "fd00:1234::1/20").network)" == "fd00:1000::/20")
        #expect(try IPPrefix(parsing: "10.0.0.1").length == 32)
        #expect(try IPPrefix(parsing: "10.0.0.1/0").network.address.bytes == [0, 0, 0, 0])
        #expect(try IPPrefix(parsing: "10.0.0.1/31").broadcast == nil)
        for text in ["10.0.0.1/33", "10.0.0.1/", "10.0.0.1/-1", "10.0.0.1/+1", "::/129", "10.0.0.1/8/8"] {
            #expect(throws: IPAddressError.self) { try IPPrefix(parsing: text) }
        }
    }

    @Test func `a hardware address is pairs of digits`() {
        #expect(HardwareAddress(parsing: "02:00:5e:10:00:01").map { "\($0)" } == "02:00:5e:10:00:01")
        #expect(HardwareAddress(parsing: "02:0:5e:10:00:01") == nil)
        #expect(HardwareAddress(parsing: "") == nil)
        #expect(HardwareAddress(bytes: []) == nil)
        #expect(HardwareAddress(bytes: [UInt8](repeating: 1, count: 33)) == nil)
    }
}

@Suite struct NetworkNameTests {
    @Test(arguments: [
        ("net.ipv4.ip_forward", "ipv4/ip_forward"), ("ipv4.ip_forward", "ipv4/ip_forward"),
        ("net/ipv4/conf/eth0.1/forwarding", "ipv4/conf/eth0.1/forwarding"),
        ("net.ipv4.conf.eth0/1.forwarding", "ipv4/conf/eth0.1/forwarding"), ("core.somaxconn", "core/somaxconn"),
    ])
    func `a setting is named as sysctl names it`(text: String, path: String) throws {
        #expect(try NetworkSysctl(parsing: text).path == path)
        #expect(try NetworkSysctl(parsing: NetworkSysctl(parsing: text).description).path == path)
    }

    @Test(arguments: [
        "", "ipv4", "net", "net/../kernel/hostname", "ipv4//x", "/ipv4/x", "ipv4/x/", "ipv4/./x", "ipv4/a b", "ipv4/\0",
        "../net/x/y", "ipv4.",
    ])
    func `a name that leaves the network's settings is refused`(text: String) {
        #expect(throws: (any Error).self) { try NetworkSysctl(parsing: text) }
    }

    @Test(arguments: ["", ".", "..", "a/b", "a b", "a:b", "tap%d", "sixteen-letters-", "a\n", "a\0"])
    func `a name that the kernel would refuse or change is refused before`(name: String) throws {
        var network = try NetworkNamespace()
        let error = #expect(throws: (any Error).self) { try network.rename("lo", to: name) }
        #expect("\(try #require(error))".contains("an interface's name has 1 to 15 bytes"))
    }

    @Test func `an ordinary process sees its loopback`() throws {
        var network = try NetworkNamespace()
        let loopback = try #require(try network.interface(named: "lo"))
        #expect(loopback.flags.contains(.loopback))
        #expect(try network.interfaces().contains { $0.name == "lo" && $0.index == loopback.index })
        #expect(try network.interface(named: "no-such-thing") == nil)
    }
}
