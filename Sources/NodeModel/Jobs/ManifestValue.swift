// SPDX-License-Identifier: Apache-2.0

/// A part of a manifest as it stands, fields that nothing here knows among it. Two are equal when they mean the same to
/// Kubernetes: empty is as good as absent, `1Gi` is `1024Mi`, and what is said to be the default is not said.
///
/// It is what immutable fields are compared by. Who reads a manifest does the evening out.
public indirect enum ManifestValue: Hashable, Sendable {
    /// A text, or a number by its digits.
    case text(String)
    /// True or false.
    case flag(Bool)
    /// A list.
    case list([ManifestValue])
    /// Fields by name.
    case object([String: ManifestValue])

    /// Nothing: an object without fields.
    public static let nothing = ManifestValue.object([:])

    /// A field of an object; nil when it is absent, or this is no object.
    public subscript(_ name: String) -> ManifestValue? {
        get { if case .object(let fields) = self { fields[name] } else { nil } }
        set {
            guard case .object(var fields) = self else { return }
            fields[name] = newValue
            self = .object(fields)
        }
    }

    /// The items of a list; none when this is no list.
    public var items: [ManifestValue] { if case .list(let items) = self { items } else { [] } }

    /// The text; nil when this is none.
    public var string: String? { if case .text(let text) = self { text } else { nil } }

    /// The fields that differ, in order, as far down as both have something to compare.
    /// - Parameters:
    ///   - old: the other value.
    ///   - path: what this one is called.
    public func changes(from old: ManifestValue, at path: String) -> [String] {
        if self == old { return [] }
        switch (old, self) {
        case (.object(let before), .object(let after)):
            return Set(before.keys).union(after.keys).sorted().flatMap { name -> [String] in
                let below = Self.path(path, name)
                guard let one = before[name], let other = after[name] else {
                    return before[name] == after[name] ? [] : [below]
                }
                return other.changes(from: one, at: below)
            }
        case (.list(let before), .list(let after)) where before.count == after.count:
            return zip(before, after).enumerated().flatMap { index, pair in
                pair.1.changes(from: pair.0, at: "\(path)[\(index)]")
            }
        default: return [path]
        }
    }

    private static func path(_ parent: String, _ name: String) -> String {
        let isWord = name.utf8.allSatisfy { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "/") }
        if !isWord { return "\(parent)[\(name)]" }
        return parent.isEmpty ? name : "\(parent).\(name)"
    }
}
