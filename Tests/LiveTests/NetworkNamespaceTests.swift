// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NetworkInterfaces
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

/// Namespaces of their own for each test, which go with it: nothing of the host's network is touched.
@Suite("A network namespace is configured from outside", .needs(.root), .needs(.netAdmin))
struct NetworkNamespaceTests {
    /// Makes a pair, or skips the test where the kernel has none.
    private func orSkip(_ make: () throws(KernelError) -> Void) throws {
        do { try make() } catch {
            guard error.errno == .notSupportedOnSocket else { throw error }
            try Test.cancel("\(error)")
        }
    }

    @Test("A new one has a loopback that is down, and brings it up")
    func loopback() throws {
        var network = try NetworkNamespace.new()
        let before = try network.interfaces()
        let loopback = try #require(before.first { $0.name == "lo" })
        #expect(!loopback.flags.contains(.up))
        try network.setUp("lo")
        #expect(try network.interface(named: "lo")?.flags.contains([.up, .loopback]) == true)
        #expect(try network.addresses().map { "\($0.prefix)" }.contains("127.0.0.1/8"))
        try network.setUp("lo", false)
        #expect(try network.interface(named: "lo")?.flags.contains(.up) == false)
    }

    @Test("No thread of this process leaves its own namespace, and no descriptor stays")
    func threads() throws {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/net")
        var network = try NetworkNamespace.new()
        try network.setUp("lo")
        _ = try network.value(of: NetworkSysctl(parsing: "net.core.somaxconn"))
        for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
            let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/task/\(thread)/ns/net")
            #expect(link == nil || link == own)
        }
        let descriptor = try network.descriptor()
        #expect(descriptor.name != own && descriptor.name.hasPrefix("net:["), "\(descriptor.name)")
    }

    @Test("A pair connects two namespaces, with addresses and routes over it")
    func pair() throws {
        var inside = try NetworkNamespace.new()
        var outside = try NetworkNamespace.new()
        try orSkip { () throws(KernelError) in try outside.makePair("veth-out", "eth0", in: inside) }
        #expect(try outside.interface(named: "eth0") == nil)
        let here = try #require(try outside.interface(named: "veth-out"))
        let there = try #require(try inside.interface(named: "eth0"))
        #expect(here.kind == "veth" && there.kind == "veth")

        try inside.setMTU(of: "eth0", to: 1400)
        let address = try #require(HardwareAddress(parsing: "02:00:5e:10:00:01"))
        try inside.setHardwareAddress(of: "eth0", to: address)
        try inside.add(IPPrefix(parsing: "10.88.0.2/24"), to: "eth0")
        try inside.add(IPPrefix(parsing: "fd00:88::2/64"), to: "eth0")
        try inside.setUp("eth0")
        try outside.add(IPPrefix(parsing: "10.88.0.1/24"), to: "veth-out")
        try outside.setUp("veth-out")
        try inside.addRoute(via: IPAddress(parsing: "10.88.0.1"))
        try inside.addRoute(to: IPPrefix(parsing: "10.99.1.2/16"), over: "eth0")
        try inside.addRoute(to: IPPrefix(parsing: "fd00:99::/32"), via: IPAddress(parsing: "fd00:88::1"))

        let changed = try #require(try inside.interface(named: "eth0"))
        #expect(changed.mtu == 1400)
        #expect(changed.hardwareAddress == address)
        #expect(changed.flags.contains(.up))
        let addresses = try inside.addresses().filter { $0.index == changed.index }.map { "\($0.prefix)" }
        #expect(addresses.contains("10.88.0.2/24") && addresses.contains("fd00:88::2/64"), "\(addresses)")

        let routes = try inside.routes().filter { $0.interface == changed.index && $0.table == 254 }.map { "\($0)" }
        for route in ["0.0.0.0/0 via 10.88.0.1", "10.99.0.0/16", "10.88.0.0/24", "fd00:99::/32 via fd00:88::1"] {
            #expect(routes.contains(route), "\(route) is not in \(routes)")
        }

        // Once more is refused, in the kernel's words; then away with it.
        #expect(throws: KernelError.self) { try inside.addRoute(via: IPAddress(parsing: "10.88.0.1")) }
        try inside.removeRoute(via: IPAddress(parsing: "10.88.0.1"))
        try inside.removeRoute(to: IPPrefix(parsing: "10.99.0.0/16"), over: "eth0")
        #expect(throws: KernelError.self) { try inside.removeRoute(via: IPAddress(parsing: "10.88.0.1")) }
        #expect(try !inside.routes().contains { $0.network.length == 0 && $0.gateway != nil })
        try inside.remove(IPPrefix(parsing: "10.88.0.2/24"), from: "eth0")
        #expect(try !inside.addresses().map { "\($0.prefix)" }.contains("10.88.0.2/24"))

        try outside.remove("veth-out")
        #expect(try inside.interface(named: "eth0") == nil, "of a pair both ends go")
    }

    @Test("An interface is renamed and moves to another namespace")
    func move() throws {
        var one = try NetworkNamespace.new()
        var other = try NetworkNamespace.new()
        try orSkip { () throws(KernelError) in try one.makePair("a0", "a1") }
        try one.rename("a0", to: "b0")
        #expect(try one.interface(named: "a0") == nil)
        try one.move("b0", to: other, as: "eth0")
        #expect(try one.interface(named: "b0") == nil)
        #expect(try other.interface(named: "eth0")?.kind == "veth")
        try other.remove("eth0")
        #expect(try one.interface(named: "a1") == nil)
    }

    @Test("A tap is another's interface with a descriptor here", .needs(Self.tun))
    func tap() throws {
        var network = try NetworkNamespace.new()
        do {
            let tap = try network.makeTap("tap7")
            #expect(tap.name == "tap7")
            #expect(try network.interface(named: "tap7")?.kind == "tun")
            try network.setUp("tap7")
        }
        #expect(try network.interface(named: "tap7") == nil, "it goes with its descriptor")
        do {
            let tun = try network.makeTap("tun7", tun: true)
            try tun.persist()
        }
        #expect(try network.interface(named: "tun7")?.flags.contains(.pointToPoint) == true)
        try network.remove("tun7")
    }

    static let tun = Requirement(
        "tun", absence: unsafe access("/dev/net/tun", R_OK | W_OK) == 0 ? nil : "/dev/net/tun cannot be opened")

    @Test("Settings are the namespace's own")
    func sysctls() throws {
        let forwarding = try NetworkSysctl(parsing: "net.ipv4.ip_forward")
        let port = try NetworkSysctl(parsing: "net.ipv4.ip_unprivileged_port_start")
        let before = try readKernelFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        var network = try NetworkNamespace.new()
        try network.set(forwarding, to: "1")
        #expect(try network.value(of: forwarding) == "1")
        try network.set(port, to: "81")
        #expect(try network.value(of: port) == "81")
        #expect(try readKernelFile("/proc/sys/net/ipv4/ip_unprivileged_port_start") == before)
        let missing = #expect(throws: KernelError.self) {
            try network.value(of: NetworkSysctl(parsing: "net.ipv4.no_such"))
        }
        #expect(missing?.errno == .noSuchFileOrDirectory)
    }

    @Test("What the kernel refuses it explains")
    func refusals() throws {
        var network = try NetworkNamespace.new()
        let mtu = #expect(throws: KernelError.self) { try network.setMTU(of: "lo", to: 0xffff_ffff) }
        #expect(mtu?.description.contains("RTM_NEWLINK lo <- mtu") == true, "\(String(describing: mtu))")
        let missing = #expect(throws: KernelError.self) { try network.setUp("eth9") }
        #expect(missing?.description.contains("no interface of this name") == true)
        let route = #expect(throws: KernelError.self) { try network.addRoute(via: IPAddress(parsing: "10.1.2.3")) }
        // NETLINK_EXT_ACK: "Nexthop has invalid gateway", or what later kernels say.
        #expect(route?.hint != nil, "\(String(describing: route))")
        #expect(throws: KernelError.self) { try network.addRoute() }
        #expect(throws: KernelError.self) {
            try network.addRoute(to: IPPrefix(parsing: "10.0.0.0/8"), via: IPAddress(parsing: "fd00::1"))
        }
        #expect(throws: KernelError.self) { try network.make("x0", kind: "no-such-kind") }
    }

    @Test("One's own user namespace cannot be joined (un-setns-own), and the error says what was")
    func ownUserNamespace() throws {
        let error = #expect(throws: KernelError.self) {
            _ = try NetworkNamespace(
                try Descriptor.open("/proc/self/ns/net", .reading),
                owner: .some(try Descriptor.open("/proc/self/ns/user", .reading)))
        }
        #expect(error?.errno == .invalidArgument)
        #expect(error?.description.hasPrefix("setns user:[") == true, "\(String(describing: error))")
    }

    @Test("A namespace that a user namespace owns is configured by who may join both")
    func owned() throws {
        let shared = try SharedNamespaces(user: try testMap, kinds: [.network], hostName: nil)
        // A command in them stands still while its network is configured from here.
        let gate = try LinuxKernel.Pipe()
        var launch = Launch.script("read line; cat /sys/class/net/lo/operstate /proc/sys/net/ipv4/ip_forward")
        let scratch = try Scratch()
        launch.user = shared.map
        launch.namespaces = [.network]
        let reading = try gate.reading.duplicate()
        let writing = try gate.writing.duplicate()
        launch.streams = Streams(
            input: .shared(SharedDescriptor(reading)), output: try outputFile(scratch, "out"),
            error: try outputFile(scratch, "error"))
        let child = try launch.start(sharing: shared)
        let place = "/proc/\(child.pid)/ns/"
        var network = try NetworkNamespace(
            try Descriptor.open(FilePath(place + "net"), .reading),
            owner: .some(try Descriptor.open(FilePath(place + "user"), .reading)))
        #expect(try network.interface(named: "lo")?.flags.contains(.up) == true)
        try network.set(NetworkSysctl(parsing: "net.ipv4.ip_forward"), to: "1")
        try writing.write(Array("go\n".utf8))
        #expect(try child.wait().status == .exited(0), "\(scratch.text("error"))")
        #expect(scratch.text("out").hasSuffix("1\n"), "\(scratch.text("out"))")
    }
}
