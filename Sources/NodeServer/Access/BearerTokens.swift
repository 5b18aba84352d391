// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// Who holds which token.
///
/// Looking for one takes the same time whichever it is and however much of it is right: every entry is compared, and of
/// every entry each byte.
struct BearerTokens: Sendable {
    /// The longest token, in bytes.
    static let longest = 1024

    private struct Entry {
        var token: [UInt8]
        var account: Account
    }

    private var entries: [Entry] = []

    /// No tokens.
    init() {}

    /// Reads a file of static tokens, which nobody but its owner and group may know.
    init(file: String) throws(NodeServerError) {
        let bytes = try readSecret(file, called: "the token file")
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .content(file: file, "it is not UTF-8")
        }
        try self.init(parsing: text, file: file)
    }

    /// Reads the text of a file of static tokens: `token,user,uid` and, in quotes when there are several, groups.
    /// - Parameters:
    ///   - text: what the file holds.
    ///   - file: how errors name it. They name lines, never what is on them.
    init(parsing text: String, file: String) throws(NodeServerError) {
        // By bytes: as characters, a carriage return and a line feed are one that is neither.
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, bytes) in lines.enumerated() {
            let line = Substring(bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes)
            if line.allSatisfy({ $0 == " " || $0 == "\t" }) || line.hasPrefix("#") { continue }
            func wrong(_ reason: String) -> NodeServerError { .content(file: "\(file):\(index + 1)", reason) }
            guard let fields = Self.fields(line) else { throw wrong("a quoted field does not end") }
            guard fields.count == 3 || fields.count == 4 else {
                throw wrong("it has \(fields.count) fields; it is token,user,uid,\"group1,group2\"")
            }
            let token = Array(fields[0].utf8)
            guard !token.isEmpty, token.count <= Self.longest else {
                throw wrong("a token has 1 to \(Self.longest) bytes, not \(token.count)")
            }
            guard token.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
                throw wrong("a token holds what no header can: a space, a control character or no ASCII")
            }
            guard !fields[1].isEmpty else { throw wrong("it names no user") }
            guard !entries.contains(where: { $0.token == Self.padded(token) }) else {
                throw wrong("the token was given before")
            }
            let groups = fields.count == 4 ? fields[3].split(separator: ",").map(String.init) : []
            entries.append(Entry(token: Self.padded(token), account: Account(name: fields[1], groups: groups)))
        }
    }

    /// Who holds a token; nil when nobody does.
    func account(holding token: some Collection<UInt8>) -> Account? {
        // What is too long is compared all the same, cut: it equals no entry, as entries hold their length.
        let candidate = Self.padded(Array(token.prefix(Self.longest + 1)))
        var found: Account?
        for entry in entries where Self.difference(entry.token, candidate) == 0 { found = entry.account }
        return found
    }

    /// The bytes, zeros to a fixed length, and the length: two are equal only when the tokens are.
    private static func padded(_ token: [UInt8]) -> [UInt8] {
        let length = UInt16(clamping: token.count)
        return token.prefix(longest) + [UInt8](repeating: 0, count: max(0, longest - token.count))
            + [UInt8(length >> 8), UInt8(length & 0xff)]
    }

    /// Zero for equal bytes. It has no branch that depends on them, and is kept whole by not being inlined.
    @inline(never)
    private static func difference(_ left: [UInt8], _ right: [UInt8]) -> UInt8 {
        var difference: UInt8 = left.count == right.count ? 0 : 1
        for index in 0..<min(left.count, right.count) { difference |= left[index] ^ right[index] }
        return difference
    }

    /// The fields of a line: commas between them, quotes around those that hold commas, two quotes for one inside.
    private static func fields(_ line: Substring) -> [String]? {
        var fields = [""]
        var isQuoted = false
        var rest = line[...]
        while let character = rest.popFirst() {
            switch character {
            case "\"" where isQuoted && rest.first == "\"":
                rest.removeFirst()
                fields[fields.count - 1].append("\"")
            case "\"": isQuoted.toggle()
            case "," where !isQuoted: fields.append("")
            case " " where !isQuoted && fields[fields.count - 1].isEmpty: break
            default: fields[fields.count - 1].append(character)
            }
        }
        return isQuoted ? nil : fields
    }
}
