// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a field, in the words of the Kubernetes API server.
///
/// Source: k8s.io/apimachinery, pkg/util/validation/field/errors.go.
public struct FieldError: Error, Hashable, Sendable {
    /// The kind of fault, by the words in the text.
    public enum Kind: String, Hashable, Sendable {
        /// It must be there.
        case required = "Required value"
        /// It is malformed, out of range, or not to be changed.
        case invalid = "Invalid value"
        /// It is none of the known values.
        case notSupported = "Unsupported value"
        /// It must not be there.
        case forbidden = "Forbidden"
    }

    /// The field, such as `spec.template.spec.containers[0].resources.limits[example.com/gpu]`.
    public var field: String
    /// The kind of fault.
    public var kind: Kind
    /// The value, where it is short enough to tell.
    public var value: String?
    /// What is wrong.
    public var detail: String
    /// For a field that must not change: what below it did.
    public var changes: [String]

    /// A fault.
    public init(_ field: String, _ kind: Kind, value: String? = nil, _ detail: String, changes: [String] = []) {
        self.field = field
        self.kind = kind
        self.value = value
        self.detail = detail
        self.changes = changes
    }

    /// A field that changed and must not.
    static func immutable(_ field: String, value: String? = nil, changes: [String] = []) -> FieldError {
        FieldError(field, .invalid, value: value, "field is immutable", changes: changes)
    }

    /// A value that is none of the known ones.
    static func notSupported(_ field: String, _ value: String, _ known: [String]) -> FieldError {
        let list = known.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        return FieldError(field, .notSupported, value: "\"\(value)\"", "supported values: \(list)")
    }

    /// A number that must not be below zero.
    static func negative(_ field: String, _ value: some BinaryInteger) -> FieldError {
        FieldError(field, .invalid, value: "\(value)", "must be greater than or equal to 0")
    }
}

extension FieldError: CustomStringConvertible {
    /// `spec.completions: Invalid value: 5: field is immutable`; where a whole template is meant, with what changed in it.
    public var description: String {
        var text = "\(field): \(kind.rawValue)"
        if let value { text += ": \(value)" }
        if !detail.isEmpty { text += ": \(detail)" }
        if !changes.isEmpty, changes != [field] { text += " (changed: \(changes.joined(separator: ", ")))" }
        return text
    }
}
