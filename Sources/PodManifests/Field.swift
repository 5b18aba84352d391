// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Yams

/// A value in a manifest that knows its place, so that whatever is wrong with it can be said by file, line and field.
///
/// Types are as strict as in Kubernetes: a number is no string, and a quoted number is no number.
struct Field {
    let node: Yams.Node
    let path: String
    let file: String

    var line: Int? { node.mark?.line }
    var place: String { line.map { "\(file):\($0)" } ?? file }

    func error(_ reason: String) -> ManifestError {
        ManifestError(file: file, line: line, field: path, reason: reason)
    }

    /// A plain scalar that means nothing: the same as an absent field.
    var isNull: Bool {
        guard case .scalar(let scalar) = node, isPlain(scalar) else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    func string() throws(ManifestError) -> String {
        guard case .scalar(let scalar) = node else { throw error("must be a text, not \(kind)") }
        if isPlain(scalar), isNumber(scalar.string) || bool(scalar.string) != nil {
            throw error("must be a text; write it in quotes: \"\(scalar.string)\"")
        }
        return scalar.string
    }

    func bool() throws(ManifestError) -> Bool {
        if case .scalar(let scalar) = node, isPlain(scalar), let value = bool(scalar.string) { return value }
        throw error("must be true or false, not \(kind)")
    }

    func integer(in range: ClosedRange<Int64>) throws(ManifestError) -> Int64 {
        guard case .scalar(let scalar) = node, isPlain(scalar), isNumber(scalar.string) else {
            throw error("must be a whole number, not \(kind)")
        }
        guard let value = Int64(scalar.string) else { throw error("'\(scalar.string)' is not a whole number") }
        guard range.contains(value) else {
            throw error("\(value) is not between \(range.lowerBound) and \(range.upperBound)")
        }
        return value
    }

    func number() throws(ManifestError) -> Double {
        guard case .scalar(let scalar) = node, isPlain(scalar), isNumber(scalar.string),
            let number = Double(scalar.string)
        else { throw error("must be a number, not \(kind)") }
        return number
    }

    /// A quantity, written as a number or a text, and not below zero.
    func quantity() throws(ManifestError) -> Quantity {
        guard case .scalar(let scalar) = node else { throw error("must be a quantity, not \(kind)") }
        let quantity: Quantity
        do { quantity = try Quantity(parsing: scalar.string) } catch { throw self.error("\(error)") }
        guard quantity >= .zero else { throw error("'\(scalar.string)' is below zero") }
        return quantity
    }

    /// One of the spelled cases.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        of type: Choice.Type
    ) throws(ManifestError) -> Choice {
        let text = try string()
        if let choice = Choice(rawValue: text) { return choice }
        let known = Choice.allCases.map { $0.rawValue }.filter { !$0.isEmpty }.joined(separator: ", ")
        throw error("'\(text)' is not one of \(known)")
    }

    /// The items of a list; none when it is null.
    func items() throws(ManifestError) -> [Field] {
        if isNull { return [] }
        guard case .sequence(let sequence) = node else { throw error("must be a list, not \(kind)") }
        return sequence.enumerated().map { Field(node: $1, path: "\(path)[\($0)]", file: file) }
    }

    /// The fields of an object; none when it is null.
    func object() throws(ManifestError) -> FieldObject {
        if isNull { return FieldObject(field: self, members: [:]) }
        guard case .mapping(let mapping) = node else { throw error("must have fields, but is \(kind)") }
        var members: [String: Field] = [:]
        for (key, value) in mapping {
            guard case .scalar(let name) = key else { throw error("has a field whose name is not a text") }
            if name.string == "<<", name.style == .plain {
                try merge(value, into: &members)
            } else {
                members[name.string] = member(name.string, value)
            }
        }
        return FieldObject(field: self, members: members)
    }

    /// YAML's merge key: what the mapping itself says goes first, then the first of those merged.
    private func merge(_ value: Yams.Node, into members: inout [String: Field]) throws(ManifestError) {
        let sources: [Yams.Node] = if case .sequence(let list) = value { Array(list) } else { [value] }
        for source in sources {
            let merged = try Field(node: source, path: path, file: file).object()
            members.merge(merged.members) { own, _ in own }
        }
    }

    private func member(_ name: String, _ node: Yams.Node) -> Field {
        let isWord = name.utf8.allSatisfy { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "/") }
        let path = isWord ? (self.path.isEmpty ? name : "\(self.path).\(name)") : "\(self.path)[\"\(name)\"]"
        return Field(node: node, path: path, file: file)
    }

    private var kind: String {
        switch node {
        case .scalar(let scalar): isPlain(scalar) ? "'\(scalar.string)'" : "the text \"\(scalar.string)\""
        case .mapping: "an object"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    /// Whether quotes would make something else of it: a number, or true and false.
    var isBare: Bool {
        guard case .scalar(let scalar) = node, isPlain(scalar) else { return false }
        return isNumber(scalar.string) || bool(scalar.string) != nil
    }

    private func isPlain(_ scalar: Yams.Node.Scalar) -> Bool {
        scalar.style == .plain && scalar.tag.description != "tag:yaml.org,2002:str"
    }

    private func bool(_ text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": true
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": false
        default: nil
        }
    }

    private func isNumber(_ text: String) -> Bool {
        guard let first = text.utf8.first, "+-.0123456789".utf8.contains(first) else { return false }
        return Double(text) != nil
    }
}

/// The fields of an object by name. Asking for one that is absent or null gives nil.
struct FieldObject {
    let field: Field
    let members: [String: Field]

    subscript(_ name: String) -> Field? {
        guard let member = members[name], !member.isNull else { return nil }
        return member
    }

    func required(_ name: String) throws(ManifestError) -> Field {
        if let member = self[name] { return member }
        let prefix = field.path.isEmpty ? "" : field.path + "."
        throw ManifestError(file: field.file, line: field.line, field: prefix + name, reason: "is missing")
    }

    func string(_ name: String) throws(ManifestError) -> String? { try self[name]?.string() }
    func bool(_ name: String) throws(ManifestError) -> Bool? { try self[name]?.bool() }
    func items(_ name: String) throws(ManifestError) -> [Field] { try self[name]?.items() ?? [] }
    func object(_ name: String) throws(ManifestError) -> FieldObject? { try self[name]?.object() }

    func strings(_ name: String) throws(ManifestError) -> [String] {
        var strings: [String] = []
        for item in try items(name) { strings.append(try item.string()) }
        return strings
    }

    /// Refuses a field that is one slip away from one of these, such as `resource`: passed over in silence, as what is
    /// not known is, it would take away what it was meant to give.
    func checkSpelling(of names: [String]) throws(ManifestError) {
        for (name, member) in members.sorted(by: { $0.key < $1.key }) where !names.contains(name) {
            guard let meant = names.first(where: { Self.isSlip(name, for: $0) }) else { continue }
            throw member.error("is no field of Kubernetes; '\(meant)' is")
        }
    }

    /// Another case, one letter too many, too few or wrong, or two in the wrong order.
    private static func isSlip(_ text: String, for name: String) -> Bool {
        if abs(text.utf8.count - name.utf8.count) > 1 { return false }
        var (left, right) = (Array(text.lowercased().utf8)[...], Array(name.lowercased().utf8)[...])
        while let first = left.first, first == right.first { (left, right) = (left.dropFirst(), right.dropFirst()) }
        while let last = left.last, last == right.last { (left, right) = (left.dropLast(), right.dropLast()) }
        return max(left.count, right.count) <= 1 || left.count == 2 && right.elementsEqual(left.reversed())
    }

    /// A user or group id, as the Kubernetes API takes it.
    func id(_ name: String) throws(ManifestError) -> UInt32? {
        try self[name].map { field throws(ManifestError) in UInt32(try field.integer(in: 0...0x7fff_ffff)) }
    }
}
