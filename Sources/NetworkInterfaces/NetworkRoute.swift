// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
internal import SystemPackage

/// A route of a network namespace, as the kernel lists it.
public struct NetworkRoute: Hashable, Sendable {
    /// The network that it leads to; of length 0 it leads everywhere.
    public var network: IPPrefix
    /// The next station on the way; nil where the interface reaches the network directly.
    public var gateway: IPAddress?
    /// The number of the interface; nil where there is none, or several.
    public var interface: UInt32?
    /// The table that it is in: 254 is the main one, 255 the one of the namespace's own addresses. C name: `RTA_TABLE`.
    public var table: UInt32
    /// Of several that lead to a network the one with the lowest number counts. C name: `RTA_PRIORITY`.
    public var priority: UInt32

    /// Reads the routes of a netlink answer, the kernel's to `RTM_GETROUTE`; other messages are passed over.
    public static func list(decoding bytes: [UInt8]) throws(NetlinkFormatError) -> [NetworkRoute] {
        var routes: [NetworkRoute] = []
        for message in try NetlinkMessage.all(in: bytes[...]) where message.type == RouteMessage.newRoute {
            if let route = try NetworkRoute(message) { routes.append(route) }
        }
        return routes
    }

    /// Nil for a family without IP addresses.
    init?(_ message: NetlinkMessage) throws(NetlinkFormatError) {
        // struct rtmsg: family, lengths of destination and source, type of service, table, protocol, scope, type, flags
        let head = message.payload
        guard let family = head.number(at: 0, UInt8.self), let length = head.number(at: 1, UInt8.self),
            let table = head.number(at: 4, UInt8.self), head.count >= 12
        else { throw NetlinkFormatError(what: "a route's head") }
        guard family == 2 || family == 10 else { return nil }
        let attributes = try NetlinkAttributes(head.dropFirst(12))
        let everywhere = [UInt8](repeating: 0, count: family == 2 ? 4 : 16)
        let destination = attributes[RouteAttribute.destination].map { Array($0) } ?? everywhere
        guard let address = IPAddress(bytes: destination), let network = IPPrefix(address, length: length) else {
            throw NetlinkFormatError(what: "a route's destination")
        }
        self.network = network
        gateway = attributes[RouteAttribute.gateway].flatMap { IPAddress(bytes: $0) }
        interface = attributes[RouteAttribute.interface]?.number(at: 0)
        self.table = attributes[RouteAttribute.table]?.number(at: 0) ?? UInt32(table)
        priority = attributes[RouteAttribute.priority]?.number(at: 0) ?? 0
    }
}

extension NetworkRoute: CustomStringConvertible {
    /// As `10.88.0.0/24`, or `0.0.0.0/0 via 10.88.0.1`.
    public var description: String { "\(network)" + (gateway.map { " via \($0)" } ?? "") }
}

extension NetworkNamespace {
    /// All routes of all tables, the kernel's own to its addresses among them (`RTM_GETROUTE`).
    public mutating func routes() throws(KernelError) -> [NetworkRoute] {
        let request = NetlinkRequest(RouteMessage.getRoute, payload: [UInt8](repeating: 0, count: 12))
        var found: [NetworkRoute] = []
        for message in try ask(request, flags: Self.dump, on: "all routes") where message.type == RouteMessage.newRoute
        {
            do throws(NetlinkFormatError) {
                if let route = try NetworkRoute(message) { found.append(route) }
            } catch {
                throw KernelError(
                    "RTM_GETROUTE", "all routes", errno: Errno(rawValue: 74), hint: "\(error)")  // EBADMSG
            }
        }
        return found
    }
}
