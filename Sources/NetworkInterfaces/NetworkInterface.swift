// SPDX-License-Identifier: Apache-2.0

/// An interface of a network namespace, as the kernel lists it.
public struct NetworkInterface: Hashable, Sendable {
    /// Its number, which no other interface of the namespace has.
    public var index: UInt32
    /// Its name, at most 15 bytes.
    public var name: String
    /// What makes it, such as `veth`, `bridge` or `tun`; nil for hardware and for the loopback.
    public var kind: String?
    /// The largest packet, in bytes.
    public var mtu: UInt32
    /// Whether it is up and running.
    public var flags: Flags
    /// The hardware address; nil where it has none.
    public var hardwareAddress: HardwareAddress?
    /// The number of the interface that it is on top of, or of a veth's other end; nil where there is none.
    public var link: UInt32?

    /// What the kernel says of an interface. C names: `IFF_UP` and so on.
    public struct Flags: OptionSet, Hashable, Sendable {
        /// The kernel's bits; those without a name here are kept.
        public let rawValue: UInt32
        /// A set of bits as the kernel has them.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// It was switched on. C name: `IFF_UP`.
        public static let up = Flags(rawValue: 0x1)
        /// It can broadcast. C name: `IFF_BROADCAST`.
        public static let broadcast = Flags(rawValue: 0x2)
        /// It leads back to its own namespace. C name: `IFF_LOOPBACK`.
        public static let loopback = Flags(rawValue: 0x8)
        /// It has two ends only. C name: `IFF_POINTOPOINT`.
        public static let pointToPoint = Flags(rawValue: 0x10)
        /// It works. C name: `IFF_RUNNING`.
        public static let running = Flags(rawValue: 0x40)
        /// Something is at the other end. C name: `IFF_LOWER_UP`.
        public static let lowerUp = Flags(rawValue: 0x1_0000)
    }

    /// Reads the interfaces of a netlink answer, the kernel's to `RTM_GETLINK`; other messages are passed over.
    public static func list(decoding bytes: [UInt8]) throws(NetlinkFormatError) -> [NetworkInterface] {
        var interfaces: [NetworkInterface] = []
        for message in try NetlinkMessage.all(in: bytes[...]) where message.type == RouteMessage.newLink {
            interfaces.append(try NetworkInterface(message))
        }
        return interfaces
    }

    init(_ message: NetlinkMessage) throws(NetlinkFormatError) {
        // struct ifinfomsg: family, pad, type, index, flags, change
        guard let index = message.payload.number(at: 4, UInt32.self),
            let flags = message.payload.number(at: 8, UInt32.self), message.payload.count >= 16
        else { throw NetlinkFormatError(what: "an interface's head") }
        let attributes = try NetlinkAttributes(message.payload.dropFirst(16))
        self.index = index
        self.flags = Flags(rawValue: flags)
        name = attributes[LinkAttribute.name]?.text ?? ""
        mtu = attributes[LinkAttribute.mtu]?.number(at: 0) ?? 0
        kind = try attributes.nested(LinkAttribute.info)?[LinkAttribute.infoKind]?.text
        let address = attributes[LinkAttribute.address].map { Array($0) } ?? []
        hardwareAddress = address.contains { $0 != 0 } ? HardwareAddress(bytes: address) : nil
        link = attributes[LinkAttribute.link]?.number(at: 0).flatMap { $0 == 0 ? nil : $0 }
    }
}

/// A hardware address, six bytes for most: `02:00:5e:10:00:01`.
public struct HardwareAddress: Hashable, Sendable, CustomStringConvertible {
    /// The bytes, one to thirty-two.
    public let bytes: [UInt8]

    /// An address; nil for no byte, or more than the kernel has room for.
    public init?(bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard (1...32).contains(bytes.count) else { return nil }
        self.bytes = bytes
    }

    /// Reads `02:00:5e:10:00:01`; nil for anything else than pairs of hexadecimal digits with colons between.
    public init?(parsing text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { part in
            part.utf8.count == 2 && part.allSatisfy(\.isHexDigit) ? UInt8(part, radix: 16) : nil
        }
        guard bytes.count == parts.count else { return nil }
        self.init(bytes: bytes)
    }

    /// As it is read.
    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

/// An address that an interface has.
public struct InterfaceAddress: Hashable, Sendable {
    /// The number of the interface.
    public var index: UInt32
    /// The address and its network.
    public var prefix: IPPrefix

    /// Reads the addresses of a netlink answer, the kernel's to `RTM_GETADDR`; other messages are passed over.
    public static func list(decoding bytes: [UInt8]) throws(NetlinkFormatError) -> [InterfaceAddress] {
        var addresses: [InterfaceAddress] = []
        for message in try NetlinkMessage.all(in: bytes[...]) where message.type == RouteMessage.newAddress {
            if let address = try InterfaceAddress(message) { addresses.append(address) }
        }
        return addresses
    }

    init?(_ message: NetlinkMessage) throws(NetlinkFormatError) {
        // struct ifaddrmsg: family, prefix length, flags, scope, index
        guard let length = message.payload.number(at: 1, UInt8.self),
            let index = message.payload.number(at: 4, UInt32.self)
        else { throw NetlinkFormatError(what: "an address's head") }
        let attributes = try NetlinkAttributes(message.payload.dropFirst(8))
        // On a point-to-point interface the one is the other end's, the local one ours; elsewhere both are the same.
        guard let bytes = attributes[AddressAttribute.local] ?? attributes[AddressAttribute.address],
            let address = IPAddress(bytes: bytes), let prefix = IPPrefix(address, length: length)
        else { return nil }
        self.index = index
        self.prefix = prefix
    }
}

/// C names: `RTM_NEWLINK` and so on.
enum RouteMessage {
    static let newLink: UInt16 = 16
    static let deleteLink: UInt16 = 17
    static let getLink: UInt16 = 18
    static let newAddress: UInt16 = 20
    static let deleteAddress: UInt16 = 21
    static let getAddress: UInt16 = 22
    static let newRoute: UInt16 = 24
    static let deleteRoute: UInt16 = 25
    static let getRoute: UInt16 = 26

    static let names: [UInt16: String] = [
        newLink: "RTM_NEWLINK", deleteLink: "RTM_DELLINK", getLink: "RTM_GETLINK", newAddress: "RTM_NEWADDR",
        deleteAddress: "RTM_DELADDR", getAddress: "RTM_GETADDR", newRoute: "RTM_NEWROUTE",
        deleteRoute: "RTM_DELROUTE", getRoute: "RTM_GETROUTE",
    ]
}

/// C names: `IFLA_ADDRESS` and so on, `IFLA_INFO_KIND`, `VETH_INFO_PEER`.
enum LinkAttribute {
    static let address: UInt16 = 1
    static let name: UInt16 = 3
    static let mtu: UInt16 = 4
    static let link: UInt16 = 5
    static let info: UInt16 = 18
    static let namespace: UInt16 = 28
    static let extendedMask: UInt16 = 29
    static let infoKind: UInt16 = 1
    static let infoData: UInt16 = 2
    static let peer: UInt16 = 1
}

/// C names: `IFA_ADDRESS` and so on.
enum AddressAttribute {
    static let address: UInt16 = 1
    static let local: UInt16 = 2
    static let broadcast: UInt16 = 4
    static let flags: UInt16 = 8
}

/// C names: `RTA_DST` and so on.
enum RouteAttribute {
    static let destination: UInt16 = 1
    static let interface: UInt16 = 4
    static let gateway: UInt16 = 5
    static let priority: UInt16 = 6
    static let table: UInt16 = 15
}
