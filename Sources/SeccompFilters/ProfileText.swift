// SPDX-License-Identifier: Apache-2.0

/// A value of a JSON document. The libraries do without Foundation, and a profile needs little.
indirect enum ProfileValue {
    case null
    case bool(Bool)
    /// As it is written.
    case number(String)
    case string(String)
    case array([ProfileValue])
    case object([(name: String, value: ProfileValue)])

    /// What it is, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a truth value"
        case .number(let text): "the number \(text)"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

/// Reads a JSON document (RFC 8259), strictly: what is no JSON is refused with its line and column.
struct ProfileTextReader {
    private let bytes: [UInt8]
    private var position = 0
    // A profile is four levels deep; a hostile text must not exhaust the stack.
    private static let maximumDepth = 32

    private init(_ text: String) { bytes = Array(text.utf8) }

    static func read(_ text: String) throws(SeccompError) -> ProfileValue {
        var reader = ProfileTextReader(text)
        let value = try reader.value(depth: 0)
        reader.skipBlanks()
        guard reader.position == reader.bytes.count else { throw reader.wrong("nothing more was expected") }
        return value
    }

    private func wrong(_ reason: String) -> SeccompError {
        let before = bytes[..<position]
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return .malformedText(line: line, column: position - start + 1, reason: reason)
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(SeccompError) -> ProfileValue {
        guard depth < Self.maximumDepth else { throw wrong("more than \(Self.maximumDepth) levels") }
        skipBlanks()
        guard let first = next else { throw wrong("the text ends where a value was expected") }
        switch first {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
        default: return try word()
        }
    }

    private mutating func object(depth: Int) throws(SeccompError) -> [(name: String, value: ProfileValue)] {
        position += 1
        var members: [(name: String, value: ProfileValue)] = []
        if take("}") { return members }
        repeat {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw wrong("the name of a field was expected") }
            let name = try string()
            guard take(":") else { throw wrong("\":\" was expected after \"\(name)\"") }
            members.append((name, try value(depth: depth + 1)))
        } while take(",")
        guard take("}") else { throw wrong("\",\" or \"}\" was expected") }
        return members
    }

    private mutating func array(depth: Int) throws(SeccompError) -> [ProfileValue] {
        position += 1
        var elements: [ProfileValue] = []
        if take("]") { return elements }
        repeat { elements.append(try value(depth: depth + 1)) } while take(",")
        guard take("]") else { throw wrong("\",\" or \"]\" was expected") }
        return elements
    }

    private mutating func word() throws(SeccompError) -> ProfileValue {
        for (text, value) in [("true", ProfileValue.bool(true)), ("false", .bool(false)), ("null", .null)] {
            if bytes[position...].starts(with: text.utf8) {
                position += text.utf8.count
                return value
            }
        }
        throw wrong("a value was expected")
    }

    private mutating func number() throws(SeccompError) -> String {
        let start = position
        func isDigit(_ byte: UInt8?) -> Bool { byte.map { $0 >= 0x30 && $0 <= 0x39 } ?? false }
        if next == UInt8(ascii: "-") { position += 1 }
        guard isDigit(next) else { throw wrong("a digit was expected") }
        if next == UInt8(ascii: "0") { position += 1 } else { while isDigit(next) { position += 1 } }
        if isDigit(next) { throw wrong("a number with leading zeros") }
        if next == UInt8(ascii: ".") {
            position += 1
            guard isDigit(next) else { throw wrong("a digit was expected") }
            while isDigit(next) { position += 1 }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            guard isDigit(next) else { throw wrong("a digit was expected") }
            while isDigit(next) { position += 1 }
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func string() throws(SeccompError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                position += 1
                text.append(contentsOf: String(try escape()).utf8)
            case ..<0x20: throw wrong("a control character in a text")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw wrong("the text ends within quotes")
    }

    private mutating func escape() throws(SeccompError) -> Character {
        guard let byte = next else { throw wrong("the text ends within quotes") }
        position += 1
        let plain: [UInt8: Character] = [
            UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/", UInt8(ascii: "b"): "\u{8}",
            UInt8(ascii: "f"): "\u{c}", UInt8(ascii: "n"): "\n", UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
        ]
        if let character = plain[byte] { return character }
        guard byte == UInt8(ascii: "u") else { throw wrong("no such escape") }
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return Character(scalar) }
        // The first half of a pair; a half by itself is no character.
        guard first < 0xdc00, bytes[position...].starts(with: "\\u".utf8) else { return "\u{fffd}" }
        position += 2
        let second = try hexadecimal()
        guard 0xdc00...0xdfff ~= second,
            let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
        else { return "\u{fffd}" }
        return Character(scalar)
    }

    private mutating func hexadecimal() throws(SeccompError) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
            let number = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw wrong("four hexadecimal digits were expected") }
        position += 4
        return number
    }
}
