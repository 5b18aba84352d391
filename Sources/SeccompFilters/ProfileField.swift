// SPDX-License-Identifier: Apache-2.0

/// A field of a profile's document, with its place in it: every error says where.
struct ProfileField {
    let value: ProfileValue
    /// Such as `syscalls[3].args[0].op`; the whole document is the empty path.
    let path: String

    func wrong(_ expected: String) -> SeccompError {
        .field(path: path.isEmpty ? "the profile" : path, reason: .wrongKind(expected: expected, found: value.kind))
    }

    func text() throws(SeccompError) -> String {
        guard case .string(let text) = value else { throw wrong("a text") }
        return text
    }

    func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws(SeccompError) -> Number {
        guard case .number(let text) = value, let number = Number(text) else {
            throw wrong("a whole number from \(Number.min) to \(Number.max)")
        }
        return number
    }

    func elements() throws(SeccompError) -> [ProfileField] {
        guard case .array(let elements) = value else { throw wrong("a list") }
        return elements.enumerated().map { ProfileField(value: $1, path: "\(path)[\($0)]") }
    }

    func texts() throws(SeccompError) -> [String] {
        var texts: [String] = []
        for element in try elements() { texts.append(try element.text()) }
        return texts
    }

    func members() throws(SeccompError) -> Members {
        guard case .object(let members) = value else { throw wrong("an object") }
        return Members(
            path: path,
            fields: members.map { ($0.name, ProfileField(value: $0.value, path: Self.join(path, $0.name))) })
    }

    fileprivate static func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// The members of an object; `null` counts as absent, and of two with one name the last counts.
    struct Members {
        let path: String
        let fields: [(name: String, field: ProfileField)]

        subscript(_ name: String) -> ProfileField? {
            guard let field = fields.last(where: { $0.name == name })?.field else { return nil }
            if case .null = field.value { return nil }
            return field
        }

        func required(_ name: String) throws(SeccompError) -> ProfileField {
            guard let field = self[name] else {
                throw .field(path: ProfileField.join(path, name), reason: .missing)
            }
            return field
        }

        /// The paths of members that are none of these.
        func others(than names: Set<String>) -> [String] {
            fields.filter { !names.contains($0.name) }.map(\.field.path)
        }
    }
}

/// Adds the place in the profile to what is wrong there.
func at<Value>(_ path: String, _ body: () throws(SeccompError) -> Value) throws(SeccompError) -> Value {
    do throws(SeccompError) { return try body() } catch {
        if case .field = error { throw error }
        throw .field(path: path, reason: error)
    }
}
