// SPDX-License-Identifier: Apache-2.0

/// One value behind a key of a keyed line.
public enum Figure: Hashable, Sendable, CustomStringConvertible {
    /// A whole number.
    case number(UInt64)
    /// A number with two decimals, such as `cost.vrate`.
    case hundredths(Hundredths)
    /// The kernel's word `max`.
    case max
    /// Any other word.
    case word(String)

    /// Reads one word. It prints as it was: `007` is a word.
    public init(_ text: some StringProtocol) {
        if text == "max" {
            self = .max
        } else if let number = UInt64(decimal: text) {
            self = .number(number)
        } else if let hundredths = Hundredths(text) {
            self = .hundredths(hundredths)
        } else {
            self = .word(String(text))
        }
    }

    /// A limit.
    public init(_ limit: Limit) { self = limit.value.map { .number($0) } ?? .max }

    /// As the kernel prints it.
    public var description: String {
        switch self {
        case .number(let number): String(number)
        case .hundredths(let hundredths): hundredths.description
        case .max: "max"
        case .word(let word): word
        }
    }

    /// The whole number, if it is one.
    public var number: UInt64? { if case .number(let number) = self { number } else { nil } }
    /// The number with two decimals; a whole one counts as such too.
    public var hundredths: Hundredths? {
        switch self {
        case .hundredths(let hundredths): hundredths
        case .number(let number) where number <= UInt64.max / 100: Hundredths(number * 100)
        default: nil
        }
    }
    /// The limit, if it is one.
    public var limit: Limit? {
        switch self {
        case .number(let number): .value(number)
        case .max: .max
        default: nil
        }
    }
}

/// One line of a nested keyed file: `254:0 rbytes=4096 wbytes=0`. Keys that nobody knows are kept, in their order.
public struct KeyedLine: Hashable, Sendable {
    /// One `key=value`.
    public struct Field: Hashable, Sendable {
        /// The key, which may hold dots.
        public let key: String
        /// The value.
        public var value: Figure
    }
    /// What the line is about: a device, a kind of memory; empty in `hugetlb.SIZE.numa_stat`, which has one line.
    public var name: String
    /// The values.
    public var fields: [Field]

    /// A line.
    public init(_ name: String, _ fields: [(String, Figure)] = []) {
        self.name = name
        self.fields = fields.map { Field(key: $0.0, value: $0.1) }
    }

    /// Reads one line; nil when a word behind the first is no `key=value`.
    public init?(_ line: some StringProtocol) {
        var words = line.split(separator: " ")[...]
        guard let first = words.first else { return nil }
        name = ""
        if !first.utf8.contains(UInt8(ascii: "=")) {
            name = String(first)
            words = words.dropFirst()
        }
        fields = []
        for word in words {
            guard let equals = word.firstIndex(of: "="), equals > word.startIndex else { return nil }
            let value = word[word.index(after: equals)...]
            if value.isEmpty { return nil }
            fields.append(Field(key: String(word[..<equals]), value: Figure(value)))
        }
    }

    /// The value behind a key; nil where there is none. Set to nil it is taken out.
    public subscript(_ key: String) -> Figure? {
        get { fields.first { $0.key == key }?.value }
        set {
            guard let place = fields.firstIndex(where: { $0.key == key }) else {
                if let newValue { fields.append(Field(key: key, value: newValue)) }
                return
            }
            if let newValue { fields[place].value = newValue } else { fields.remove(at: place) }
        }
    }

    /// The line. A device without counters keeps the blank that the kernel puts behind it.
    public var text: String {
        let values = fields.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        return name.isEmpty ? values : name + " " + values
    }
}
