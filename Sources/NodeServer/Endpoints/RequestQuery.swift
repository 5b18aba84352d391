// SPDX-License-Identifier: Apache-2.0

/// The query of a request: names and values, decoded, in order.
struct RequestQuery: Hashable, Sendable {
    private var items: [(name: String, value: String)] = []

    static func == (left: RequestQuery, right: RequestQuery) -> Bool {
        left.items.elementsEqual(right.items) { $0 == $1 }
    }
    func hash(into hasher: inout Hasher) {
        for item in items { hasher.combine([item.name, item.value]) }
    }

    /// Reads what follows the first question mark of a request's target.
    init(_ target: String) throws(Refusal) {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return }
        let query = target.utf8[target.utf8.index(after: mark)...].prefix { $0 != UInt8(ascii: "#") }
        for item in query.split(separator: UInt8(ascii: "&")) {
            let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), let value = parts.count > 1 ? Self.decoded(parts[1]) : ""
            else { throw .badRequest("the query is not percent-encoded UTF-8") }
            items.append((name, value))
        }
    }

    /// All values of a name.
    func values(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

    /// The value of a name that may be given once.
    func value(_ name: String) throws(Refusal) -> String? {
        let values = values(name)
        guard values.count <= 1 else { throw .badRequest("\(name) is given more than once") }
        return values.first.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A switch: on when any of its names says so.
    func flag(_ names: String...) throws(Refusal) -> Bool {
        var isOn = false
        for name in names {
            switch try value(name) {
            case "1", "true", "True", "TRUE": isOn = true
            case nil, "0", "false", "False", "FALSE": break
            case let other?: throw .badRequest("\(name)=\(other) is neither true nor false")
            }
        }
        return isOn
    }

    /// A whole number from a lowest one on.
    func number(_ name: String, from lowest: Int) throws(Refusal) -> Int? {
        guard let text = try value(name) else { return nil }
        guard let number = Int(text), number >= lowest else {
            throw .badRequest("\(name)=\(text) is no whole number from \(lowest) on")
        }
        return number
    }

    /// In a query, a plus is a space.
    private static func decoded(_ text: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2)
                guard digits.count == 2, digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-"),
                    let byte = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(byte)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        guard !bytes.contains(0) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
