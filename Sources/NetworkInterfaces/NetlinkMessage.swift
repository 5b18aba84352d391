// SPDX-License-Identifier: Apache-2.0

/// A request to the kernel, as bytes: what follows the header of a netlink message.
///
/// Numbers are in the machine's byte order, which on all architectures of this package is little endian.
struct NetlinkRequest {
    let type: UInt16
    let flags: UInt16
    private(set) var payload: [UInt8]

    init(_ type: UInt16, flags: UInt16 = 0, payload: [UInt8]) {
        self.type = type
        self.flags = flags
        self.payload = payload
    }

    mutating func add(_ attribute: UInt16, _ value: [UInt8]) {
        payload += littleEndian(UInt16(4 + value.count)) + littleEndian(attribute) + value
        while payload.count % 4 != 0 { payload.append(0) }
    }

    mutating func add(_ attribute: UInt16, _ value: UInt32) { add(attribute, littleEndian(value)) }

    /// A text, with the NUL byte that ends it.
    mutating func add(_ attribute: UInt16, _ text: String) { add(attribute, Array(text.utf8) + [0]) }

    /// Attributes within one.
    mutating func add(nested attribute: UInt16, _ fill: (inout NetlinkRequest) -> Void) {
        add(nested: attribute, after: [], fill)
    }

    /// Attributes within one, after a structure.
    mutating func add(nested attribute: UInt16, after head: [UInt8], _ fill: (inout NetlinkRequest) -> Void) {
        var inner = NetlinkRequest(type, payload: head)
        fill(&inner)
        add(attribute, inner.payload)
    }

    /// The whole message.
    func bytes(sequence: UInt32) -> [UInt8] {
        littleEndian(UInt32(16 + payload.count)) + littleEndian(type) + littleEndian(flags) + littleEndian(sequence)
            + littleEndian(UInt32(0)) + payload
    }
}

/// A message of the kernel.
struct NetlinkMessage {
    let type: UInt16
    let flags: UInt16
    let sequence: UInt32
    let payload: ArraySlice<UInt8>

    static let error: UInt16 = 2
    static let done: UInt16 = 3
    static let dumpInterrupted: UInt16 = 0x10
    private static let capped: UInt16 = 0x100
    private static let hasAttributes: UInt16 = 0x200

    /// Whether it ends an answer: an acknowledgement, an error, or the end of a list.
    var isEnd: Bool { type == Self.error || type == Self.done }

    /// The messages of a datagram. Lengths that do not fit end the list with an error, never a look outside.
    static func all(in bytes: ArraySlice<UInt8>) throws(NetlinkFormatError) -> [NetlinkMessage] {
        var messages: [NetlinkMessage] = []
        var rest = bytes
        while !rest.isEmpty {
            guard let length = rest.number(at: 0, UInt32.self), let type = rest.number(at: 4, UInt16.self),
                let flags = rest.number(at: 6, UInt16.self), let sequence = rest.number(at: 8, UInt32.self),
                length >= 16, length <= rest.count
            else { throw NetlinkFormatError(what: "a message's length") }
            messages.append(
                NetlinkMessage(
                    type: type, flags: flags, sequence: sequence, payload: rest.dropFirst(16).prefix(Int(length) - 16)))
            rest = rest.dropFirst(aligned(Int(length)))
        }
        return messages
    }

    /// The error number of an error message or of the end of a list, 0 for none, with the kernel's text for it.
    func failure() throws(NetlinkFormatError) -> (errno: Int32, text: String?) {
        guard let code = payload.number(at: 0, UInt32.self).map(Int32.init(bitPattern:)) else {
            // Before Linux 4.20 a list may end without.
            if type == Self.done { return (0, nil) }
            throw NetlinkFormatError(what: "an error's code")
        }
        guard flags & Self.hasAttributes != 0 else { return (code == .min ? .max : -code, nil) }
        var start = 4
        if type == Self.error {
            // The request's header comes back, and without the "capped" flag all of it.
            let length = flags & Self.capped != 0 ? 16 : payload.number(at: 4, UInt32.self) ?? 16
            start += aligned(Int(length))
        }
        let text = try NetlinkAttributes(payload.dropFirst(start))[1]
        return (code == .min ? .max : -code, text?.text)
    }
}

/// The attributes of a message, by number; of two with one number the last counts.
struct NetlinkAttributes {
    private var values: [UInt16: ArraySlice<UInt8>] = [:]
    private(set) var count = 0

    init(_ bytes: ArraySlice<UInt8>) throws(NetlinkFormatError) {
        var rest = bytes
        // What is too short for a header is padding.
        while rest.count >= 4 {
            guard let length = rest.number(at: 0, UInt16.self), let type = rest.number(at: 2, UInt16.self),
                length >= 4, length <= rest.count
            else { throw NetlinkFormatError(what: "an attribute's length") }
            // The upper two bits say that it is nested, or in network byte order.
            values[type & 0x3fff] = rest.dropFirst(4).prefix(Int(length) - 4)
            count += 1
            rest = rest.dropFirst(aligned(Int(length)))
        }
    }

    subscript(_ attribute: UInt16) -> ArraySlice<UInt8>? { values[attribute] }

    func nested(_ attribute: UInt16) throws(NetlinkFormatError) -> NetlinkAttributes? {
        guard let value = values[attribute] else { return nil }
        return try NetlinkAttributes(value)
    }
}

/// What a kernel does not send.
public struct NetlinkFormatError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong in the message.
    public var what: String

    /// What is wrong.
    public var description: String { "a malformed netlink message: \(what)" }
}

extension ArraySlice<UInt8> {
    /// A number at an offset from the slice's start; nil where it does not end within the slice.
    func number<Number: FixedWidthInteger>(at offset: Int, _ type: Number.Type = Number.self) -> Number? {
        let size = Number.bitWidth / 8
        guard offset >= 0, offset <= count - size else { return nil }
        var number: Number = 0
        for index in (0..<size).reversed() { number = number << 8 | Number(self[startIndex + offset + index]) }
        return number
    }

    /// A text up to its first NUL byte.
    var text: String { String(decoding: prefix { $0 != 0 }, as: UTF8.self) }
}

func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
}

private func aligned(_ length: Int) -> Int { (length + 3) & ~3 }
