// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

extension NetworkNamespace {
    /// All addresses of all interfaces (`RTM_GETADDR`).
    public mutating func addresses() throws(KernelError) -> [InterfaceAddress] {
        let request = NetlinkRequest(RouteMessage.getAddress, payload: [UInt8](repeating: 0, count: 8))
        var found: [InterfaceAddress] = []
        for message in try ask(request, flags: Self.dump, on: "all addresses")
        where message.type == RouteMessage.newAddress {
            do throws(NetlinkFormatError) {
                if let address = try InterfaceAddress(message) { found.append(address) }
            } catch {
                throw KernelError(
                    "RTM_GETADDR", "all addresses", errno: Errno(rawValue: 74), hint: "\(error)")  // EBADMSG
            }
        }
        return found
    }

    /// Gives an interface an address (`RTM_NEWADDR`). An IPv6 address can be used at once: nobody asks first whether
    /// another host has it (`IFA_F_NODAD`).
    public mutating func add(_ address: IPPrefix, to name: String) throws(KernelError) {
        try change(RouteMessage.newAddress, address, of: name)
    }

    /// Takes an address from an interface (`RTM_DELADDR`).
    public mutating func remove(_ address: IPPrefix, from name: String) throws(KernelError) {
        try change(RouteMessage.deleteAddress, address, of: name)
    }

    private mutating func change(_ type: UInt16, _ address: IPPrefix, of name: String) throws(KernelError) {
        let index = try index(of: name)
        // struct ifaddrmsg: family, prefix length, flags, scope, index
        var request = NetlinkRequest(
            type, flags: type == RouteMessage.newAddress ? Self.exclusiveCreate : 0,
            payload: [family(address.address), address.length, 0, 0] + littleEndian(index))
        request.add(AddressAttribute.local, address.address.bytes)
        request.add(AddressAttribute.address, address.address.bytes)
        if type == RouteMessage.newAddress {
            if let broadcast = address.broadcast { request.add(AddressAttribute.broadcast, broadcast.bytes) }
            if address.address.isIPv6 { request.add(AddressAttribute.flags, 0x2) }
        }
        try perform(request, on: name, value: "\(address)")
    }

    /// Adds a route: to a network, or to everywhere where that is nil, by way of a gateway or over an interface that
    /// reaches it directly (`RTM_NEWROUTE`).
    public mutating func addRoute(
        to network: IPPrefix? = nil, via gateway: IPAddress? = nil, over name: String? = nil
    ) throws(KernelError) {
        try changeRoute(RouteMessage.newRoute, network, gateway, name)
    }

    /// Takes a route away (`RTM_DELROUTE`).
    public mutating func removeRoute(
        to network: IPPrefix? = nil, via gateway: IPAddress? = nil, over name: String? = nil
    ) throws(KernelError) {
        try changeRoute(RouteMessage.deleteRoute, network, gateway, name)
    }

    private mutating func changeRoute(
        _ type: UInt16, _ network: IPPrefix?, _ gateway: IPAddress?, _ name: String?
    ) throws(KernelError) {
        let subject = network.map { "\($0.network)" } ?? "default"
        let way = [gateway.map { "via \($0)" }, name.map { "over \($0)" }].compactMap { $0 }.joined(separator: " ")
        let isMixed = if let network, let gateway { network.address.isIPv6 != gateway.isIPv6 } else { false }
        guard !way.isEmpty, !isMixed else {
            throw KernelError(
                RouteMessage.names[type] ?? "", subject, value: way, errno: .invalidArgument,
                hint: "a route needs a gateway of its own kind of address, or an interface")
        }
        let isIPv6 = network?.address.isIPv6 ?? gateway?.isIPv6 ?? false
        let index = if let name { Optional(try index(of: name)) } else { UInt32?.none }
        // struct rtmsg: family, lengths of destination and source, type of service, table, protocol, scope, type, flags
        let isAdding = type == RouteMessage.newRoute
        let scope: UInt8 = isAdding ? (gateway == nil ? 253 : 0) : 255  // RT_SCOPE_LINK, _UNIVERSE, _NOWHERE
        let head: [UInt8] = [
            isIPv6 ? 10 : 2, network?.length ?? 0, 0, 0, 254, isAdding ? 4 : 0, scope, isAdding ? 1 : 0,
        ]
        var request = NetlinkRequest(
            type, flags: isAdding ? Self.exclusiveCreate : 0, payload: head + [0, 0, 0, 0])
        if let network, network.length > 0 {
            request.add(RouteAttribute.destination, network.network.address.bytes)
        }
        if let gateway { request.add(RouteAttribute.gateway, gateway.bytes) }
        if let index { request.add(RouteAttribute.interface, index) }
        try perform(request, on: subject, value: way)
    }

    private func family(_ address: IPAddress) -> UInt8 { address.isIPv6 ? 10 : 2 }
}
