// SPDX-License-Identifier: Apache-2.0

/// A text is no JSON document.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public var reason: String
    /// Where, in bytes from the start.
    public var offset: Int
    /// Both.
    public var description: String { "no JSON: \(reason) at byte \(offset)" }
}

extension JSON {
    /// Reads a document (RFC 8259). Numbers stay as they are written; of a member that is there twice, both are kept.
    public init(parsing text: String) throws(JSONError) {
        var reader = JSONReader(Array(text.utf8))
        self = try reader.document()
    }

    /// The value of a member of an object; nil where there is none.
    public subscript(name: String) -> JSON? { members?.first { $0.name == name }?.value }

    /// An object's members.
    public var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }
    /// An array's elements.
    public var elements: [JSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }
    /// A text.
    public var text: String? {
        if case .string(let text) = self { text } else { nil }
    }
    /// A number.
    public var decimal: Double? {
        if case .number(let text) = self { Double(text) } else { nil }
    }
    /// A whole number.
    public var integer: Int? {
        if case .number(let text) = self { Int(text) } else { nil }
    }
}

private struct JSONReader {
    private let bytes: [UInt8]
    private var place = 0
    /// Deeper, a document is refused: reading it would take all of the stack.
    private static let deepest = 200

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSON {
        let value = try value(depth: 0)
        skipBlanks()
        if place < bytes.count { throw error("something follows the document") }
        return value
    }

    private func error(_ reason: String) -> JSONError { JSONError(reason: reason, offset: place) }
    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipBlanks() {
        while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { place += 1 }
    }

    /// Whether a character is next, which is then passed.
    private mutating func passed(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard let byte = next, UInt32(byte) == character.value else { return false }
        place += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSON {
        if depth > Self.deepest { throw error("it is nested too deeply") }
        skipBlanks()
        switch next.map({ Unicode.Scalar($0) }) {
        case "{":
            place += 1
            var members: [JSON.Member] = []
            if passed("}") { return .object([]) }
            repeat {
                skipBlanks()
                guard next == 0x22 else { throw error("a name was expected") }
                let name = try string()
                guard passed(":") else { throw error("':' was expected") }
                members.append(JSON.Member(name, try value(depth: depth + 1)))
            } while passed(",")
            guard passed("}") else { throw error("',' or '}' was expected") }
            return .object(members)
        case "[":
            place += 1
            var elements: [JSON] = []
            if passed("]") { return .array([]) }
            repeat { elements.append(try value(depth: depth + 1)) } while passed(",")
            guard passed("]") else { throw error("',' or ']' was expected") }
            return .array(elements)
        case "\"": return .string(try string())
        case nil: throw error("it ends here")
        default: return try word()
        }
    }

    /// `true`, `false`, `null` or a number.
    private mutating func word() throws(JSONError) -> JSON {
        let start = place
        while let byte = next, ![0x20, 0x09, 0x0a, 0x0d, 0x2c, 0x5d, 0x7d, 0x3a].contains(byte) { place += 1 }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        switch text {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        default:
            let isNumber = text.utf8.allSatisfy { "+-.eE0123456789".utf8.contains($0) }
            let first = text.drop { $0 == "-" }.first
            guard isNumber, let first, ("0"..."9").contains(first), text.last != ".", Double(text) != nil else {
                place = start
                throw error("'\(String(text.prefix(20)).printable)' is no value")
            }
            return .number(text)
        }
    }

    private mutating func string() throws(JSONError) -> String {
        place += 1
        var scalars: [UInt8] = []
        while let byte = next {
            place += 1
            switch byte {
            case 0x22: return String(decoding: scalars, as: UTF8.self)
            case 0x5c: scalars += Array(String(Character(try escape())).utf8)
            case ..<0x20: throw error("a control character in a text")
            default: scalars.append(byte)
            }
        }
        throw error("a text has no end")
    }

    /// What follows a backslash.
    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        guard let byte = next else { throw error("a text has no end") }
        place += 1
        switch Unicode.Scalar(byte) {
        case "\"": return "\""
        case "\\": return "\\"
        case "/": return "/"
        case "b": return "\u{8}"
        case "f": return "\u{c}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u":
            let unit = try hexadecimal()
            if let scalar = Unicode.Scalar(unit) { return scalar }
            // The first half of a pair of surrogates.
            if unit < 0xdc00, next == 0x5c, place + 1 < bytes.count, bytes[place + 1] == 0x75 {
                place += 2
                let second = try hexadecimal()
                if (0xdc00...0xdfff).contains(second),
                    let scalar = Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (second - 0xdc00))
                {
                    return scalar
                }
            }
            throw error("half a pair of surrogates")
        default: throw error("an unknown escape")
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        let digits = bytes[place..<min(place + 4, bytes.count)]
        let text = String(decoding: digits, as: UTF8.self)
        guard digits.count == 4, text.allSatisfy(\.isHexDigit), let value = UInt32(text, radix: 16) else {
            throw error("four hexadecimal digits were expected")
        }
        place += 4
        return value
    }
}
