// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

extension NetworkNamespace {
    /// All interfaces, by number (`RTM_GETLINK`).
    public mutating func interfaces() throws(KernelError) -> [NetworkInterface] {
        let answer = try ask(link(RouteMessage.getLink), flags: Self.dump, on: "all interfaces")
        var found: [NetworkInterface] = []
        for message in answer where message.type == RouteMessage.newLink {
            found.append(try read(message, of: "all interfaces"))
        }
        return found
    }

    /// The interface of a name, or nil (`RTM_GETLINK`).
    public mutating func interface(named name: String) throws(KernelError) -> NetworkInterface? {
        try check(name)
        var request = link(RouteMessage.getLink)
        request.add(LinkAttribute.name, name)
        do throws(KernelError) {
            let answer = try ask(request, flags: Self.acknowledge, on: name)
            guard let message = answer.first(where: { $0.type == RouteMessage.newLink }) else { return nil }
            return try read(message, of: name)
        } catch {
            if error.errno == .noDevice { return nil }
            throw error
        }
    }

    /// Switches an interface on or off (`RTM_NEWLINK`, `IFF_UP`). A new namespace's loopback (`lo`) is off.
    public mutating func setUp(_ name: String, _ isUp: Bool = true) throws(KernelError) {
        let flags: UInt32 = isUp ? 1 : 0
        let request = link(RouteMessage.newLink, index: try index(of: name), flags: flags, change: 1)
        try perform(request, on: name, value: isUp ? "up" : "down")
    }

    /// Gives an interface another name (`IFLA_IFNAME`). Before Linux 6.2 it must be down.
    public mutating func rename(_ name: String, to other: String) throws(KernelError) {
        try check(other)
        var request = link(RouteMessage.newLink, index: try index(of: name))
        request.add(LinkAttribute.name, other)
        try perform(request, on: name, value: other)
    }

    /// Sets the largest packet, in bytes (`IFLA_MTU`).
    public mutating func setMTU(of name: String, to bytes: UInt32) throws(KernelError) {
        var request = link(RouteMessage.newLink, index: try index(of: name))
        request.add(LinkAttribute.mtu, bytes)
        try perform(request, on: name, value: "mtu \(bytes)")
    }

    /// Sets the hardware address (`IFLA_ADDRESS`).
    public mutating func setHardwareAddress(of name: String, to address: HardwareAddress) throws(KernelError) {
        var request = link(RouteMessage.newLink, index: try index(of: name))
        request.add(LinkAttribute.address, address.bytes)
        try perform(request, on: name, value: "\(address)")
    }

    /// Makes an interface of a kind that needs no parameter: `dummy`, `bridge` (`RTM_NEWLINK`).
    public mutating func make(_ name: String, kind: String) throws(KernelError) {
        try check(name)
        var request = link(RouteMessage.newLink, creating: true)
        request.add(LinkAttribute.name, name)
        request.add(nested: LinkAttribute.info) { $0.add(LinkAttribute.infoKind, kind) }
        try perform(request, on: name, value: kind)
    }

    /// Makes two interfaces that are each other's end, both in this namespace (`veth`).
    public mutating func makePair(_ name: String, _ peer: String) throws(KernelError) {
        try makePair(name, peer, namespace: nil)
    }

    /// Makes two interfaces that are each other's end: one here and one in another namespace, where it is made at once
    /// (`veth`, `IFLA_NET_NS_FD`). Takes CAP_NET_ADMIN over the other namespace too.
    public mutating func makePair(
        _ name: String, _ peer: String, in other: borrowing NetworkNamespace
    ) throws(KernelError) {
        let descriptor = try other.descriptor()
        try makePair(name, peer, namespace: UInt32(bitPattern: descriptor.number))
    }

    private mutating func makePair(_ name: String, _ peer: String, namespace: UInt32?) throws(KernelError) {
        try check(name)
        try check(peer)
        var request = link(RouteMessage.newLink, creating: true)
        request.add(LinkAttribute.name, name)
        let head = [UInt8](repeating: 0, count: 16)
        request.add(nested: LinkAttribute.info) { info in
            info.add(LinkAttribute.infoKind, "veth")
            info.add(nested: LinkAttribute.infoData) { data in
                // The peer is described as a link message of its own, head and attributes.
                data.add(nested: LinkAttribute.peer, after: head) { other in
                    other.add(LinkAttribute.name, peer)
                    if let namespace { other.add(LinkAttribute.namespace, namespace) }
                }
            }
        }
        try perform(request, on: name, value: "veth with \(peer)")
    }

    /// Moves an interface to another namespace, under another name where one is given (`IFLA_NET_NS_FD`). It arrives down
    /// and without addresses.
    public mutating func move(
        _ name: String, to other: borrowing NetworkNamespace, as newName: String? = nil
    ) throws(KernelError) {
        if let newName { try check(newName) }
        let descriptor = try other.descriptor()
        var request = link(RouteMessage.newLink, index: try index(of: name))
        request.add(LinkAttribute.namespace, UInt32(bitPattern: descriptor.number))
        if let newName { request.add(LinkAttribute.name, newName) }
        try perform(request, on: name, value: newName.map { "another namespace, as \($0)" } ?? "another namespace")
    }

    /// Removes an interface; of a pair both ends go (`RTM_DELLINK`).
    public mutating func remove(_ name: String) throws(KernelError) {
        try perform(link(RouteMessage.deleteLink, index: try index(of: name)), on: name)
    }

    /// The number of an interface; an error where there is none of this name.
    mutating func index(of name: String) throws(KernelError) -> UInt32 {
        guard let found = try interface(named: name) else {
            throw KernelError(
                "RTM_GETLINK", name, errno: .noDevice, hint: "the namespace has no interface of this name")
        }
        return found.index
    }

    /// The head of a link message: `struct ifinfomsg`.
    private func link(
        _ type: UInt16, index: UInt32 = 0, flags: UInt32 = 0, change: UInt32 = 0, creating: Bool = false
    ) -> NetlinkRequest {
        NetlinkRequest(
            type, flags: creating ? Self.exclusiveCreate : 0,
            payload: [0, 0, 0, 0] + littleEndian(index) + littleEndian(flags) + littleEndian(change))
    }

    private func read(_ message: NetlinkMessage, of subject: String) throws(KernelError) -> NetworkInterface {
        do throws(NetlinkFormatError) { return try NetworkInterface(message) } catch {
            throw KernelError("RTM_GETLINK", subject, errno: Errno(rawValue: 74), hint: "\(error)")  // EBADMSG
        }
    }

    /// What the kernel would refuse, or read otherwise than it is written, is refused before.
    func check(_ name: String) throws(KernelError) {
        let bytes = Array(name.utf8)
        let isForbidden = bytes.contains { $0 == 0x2f || $0 == 0x3a || $0 == 0x20 || $0 < 0x20 || $0 == 0x7f }
        // "%d" would be replaced by a number.
        guard (1...15).contains(bytes.count), name != ".", name != "..", !isForbidden, !name.contains("%") else {
            throw KernelError(
                "RTM_NEWLINK", name, errno: .invalidArgument,
                hint: "an interface's name has 1 to 15 bytes, without blanks, '/', ':' and '%'")
        }
    }
}
