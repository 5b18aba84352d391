// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address.
public struct IPAddress: Hashable, Sendable {
    /// Four bytes, or sixteen, the most significant first.
    public let bytes: [UInt8]

    /// Whether it is an IPv6 address.
    public var isIPv6: Bool { bytes.count == 16 }
    /// The bits of an address of its kind: 32 or 128.
    public var width: UInt8 { UInt8(bytes.count * 8) }

    /// An address of four or sixteen bytes; nil for any other count.
    public init?(bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Reads `10.0.0.1` or `fd00::1`; without a zone.
    public init(parsing text: some StringProtocol) throws(IPAddressError) {
        let read = text.contains(":") ? Self.readIPv6(text) : Self.readIPv4(text)
        guard let read else { throw .malformedAddress(String(text)) }
        bytes = read
    }

    private static func readIPv4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            // No sign, and no leading zero: some read 010 as eight.
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
                part.utf8.count == 1 || part.first != "0", let byte = UInt8(part)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func readIPv6(_ text: some StringProtocol) -> [UInt8]? {
        func groups(_ part: Substring) -> [UInt8]? {
            if part.isEmpty { return [] }
            var bytes: [UInt8] = []
            let groups = part.split(separator: ":", omittingEmptySubsequences: false)
            for (index, group) in groups.enumerated() {
                if index == groups.count - 1, group.contains(".") {
                    guard let last = readIPv4(group) else { return nil }
                    bytes += last
                } else {
                    guard (1...4).contains(group.utf8.count), group.allSatisfy(\.isHexDigit),
                        let number = UInt16(group, radix: 16)
                    else { return nil }
                    bytes += [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
                }
            }
            return bytes
        }
        let whole = Substring(text)
        // One "::" stands for as many zero groups as are missing, at least one.
        guard let gap = whole.firstRange(of: "::") else {
            guard let bytes = groups(whole), bytes.count == 16 else { return nil }
            return bytes
        }
        let head = whole[..<gap.lowerBound]
        guard !head.contains("."), let front = groups(head), let back = groups(whole[gap.upperBound...]),
            front.count + back.count <= 14
        else { return nil }
        return front + [UInt8](repeating: 0, count: 16 - front.count - back.count) + back
    }
}

extension IPAddress: CustomStringConvertible {
    /// As RFC 5952 has it: lower case, the longest run of zero groups as `::`.
    public var description: String {
        guard isIPv6 else { return bytes.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var longest = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > longest.count, end - start > 1 { longest = start..<end }
            start = max(end, start + 1)
        }
        func text(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        return longest.isEmpty ? text(0..<8) : text(0..<longest.lowerBound) + "::" + text(longest.upperBound..<8)
    }
}

/// An address with the length of its network's prefix: `10.0.0.2/24`.
public struct IPPrefix: Hashable, Sendable, CustomStringConvertible {
    /// The address.
    public let address: IPAddress
    /// How many of its bits are the network's.
    public let length: UInt8

    /// An address in a network; nil for a prefix longer than the address.
    public init?(_ address: IPAddress, length: UInt8) {
        guard length <= address.width else { return nil }
        self.address = address
        self.length = length
    }

    /// Reads `10.0.0.2/24`; without a slash the prefix is the whole address.
    public init(parsing text: some StringProtocol) throws(IPAddressError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        address = try IPAddress(parsing: parts[0])
        guard parts.count == 2 else {
            length = address.width
            return
        }
        guard parts[1].utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let length = UInt8(parts[1]), length <= address.width
        else { throw .malformedPrefix(String(text), width: address.width) }
        self.length = length
    }

    /// The network that the address is in: the bits after the prefix are zero.
    public var network: IPPrefix {
        var bytes = address.bytes
        for index in bytes.indices {
            let kept = min(8, max(0, Int(length) - index * 8))
            bytes[index] &= kept == 0 ? 0 : UInt8.max << UInt8(8 - kept)
        }
        return IPPrefix(IPAddress(bytes: bytes) ?? address, length: length) ?? self
    }

    /// The last address of an IPv4 network, where there is room for one.
    var broadcast: IPAddress? {
        guard !address.isIPv6, length < 31 else { return nil }
        var bytes = address.bytes
        for index in bytes.indices {
            let kept = min(8, max(0, Int(length) - index * 8))
            bytes[index] |= kept == 8 ? 0 : UInt8.max >> UInt8(kept)
        }
        return IPAddress(bytes: bytes)
    }

    /// As it is read: `10.0.0.2/24`.
    public var description: String { "\(address)/\(length)" }
}

/// Why a text is no address.
public enum IPAddressError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Neither an IPv4 nor an IPv6 address.
    case malformedAddress(String)
    /// The prefix is no number up to the bits of the address.
    case malformedPrefix(String, width: UInt8)

    /// What is wrong.
    public var description: String {
        switch self {
        case .malformedAddress(let text): "'\(text)' is no IP address"
        case .malformedPrefix(let text, let width): "'\(text)': the prefix must be a number from 0 to \(width)"
        }
    }
}
