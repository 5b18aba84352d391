// SPDX-License-Identifier: Apache-2.0

/// A JSON document as a value: members keep their order, and it prints readably.
public enum JSON: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, in JSON's spelling; make one with `integer` or `decimal`.
    case number(String)
    /// A text.
    case string(String)
    /// An array.
    case array([JSON])
    /// An object, in order.
    case object([Member])

    /// A name and its value in an object.
    public struct Member: Hashable, Sendable {
        /// The name.
        public var name: String
        /// The value.
        public var value: JSON

        /// A name with its value.
        public init(_ name: String, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// A whole number of any width.
    public static func integer(_ value: some BinaryInteger) -> JSON { .number(String(value)) }
    /// A number with a fraction; JSON has no infinity and no NaN: those are null.
    public static func decimal(_ value: Double) -> JSON { value.isFinite ? .number("\(value)") : .null }
    /// A text, or null.
    public static func optional(_ text: String?) -> JSON { text.map(JSON.string) ?? .null }
    /// Texts.
    public static func strings(_ texts: some Sequence<String>) -> JSON { .array(texts.map(JSON.string)) }
}

extension JSON: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
    /// An array.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// An object; the members keep their order.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(elements.map { Member($0.0, $0.1) })
    }
}

extension JSON: CustomStringConvertible {
    /// The document on as few lines as keep each below 120 columns, indented by two blanks.
    public var description: String {
        var text = ""
        write(to: &text, indent: 0, used: 0)
        return text
    }

    /// On one line.
    public var compact: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let text): text
        case .string(let text): Self.quoted(text)
        case .array(let elements): "[" + elements.map(\.compact).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.map { Self.quoted($0.name) + ": " + $0.value.compact }.joined(separator: ", ") + "}"
        }
    }

    private func write(to text: inout String, indent: Int, used: Int) {
        // What is deep is never tried on one line: trying costs as much as printing.
        if depth <= 1 {
            let line = compact
            if indent + used + line.count < 118 {
                text += line
                return
            }
        }
        let inner = String(repeating: " ", count: indent + 2)
        switch self {
        case .array(let elements) where !elements.isEmpty:
            text += "[\n"
            for (index, element) in elements.enumerated() {
                text += inner
                element.write(to: &text, indent: indent + 2, used: 0)
                text += index + 1 < elements.count ? ",\n" : "\n"
            }
            text += inner.dropLast(2) + "]"
        case .object(let members) where !members.isEmpty:
            text += "{\n"
            for (index, member) in members.enumerated() {
                let name = Self.quoted(member.name) + ": "
                text += inner + name
                member.value.write(to: &text, indent: indent + 2, used: name.count)
                text += index + 1 < members.count ? ",\n" : "\n"
            }
            text += inner.dropLast(2) + "}"
        default: text += compact
        }
    }

    /// Levels of arrays and objects, as far as it matters: 0, 1 or more.
    private var depth: Int {
        let values: [JSON]
        switch self {
        case .array(let elements): values = elements
        case .object(let members): values = members.map(\.value)
        default: return 0
        }
        let isFlat = values.allSatisfy {
            switch $0 {
            case .array, .object: false
            default: true
            }
        }
        return isFlat ? 1 : 2
    }

    /// A text as JSON writes it: quotes, backslashes and control characters escaped, the rest as it is.
    package static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
