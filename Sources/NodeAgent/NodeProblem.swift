// SPDX-License-Identifier: Apache-2.0

public import NodeModel
internal import PodManifests

/// Something that keeps a node from being as its manifests say, for whoever has to mend it.
public struct NodeProblem: Hashable, Sendable {
    /// The manifest, by its name in the folder; nil when it is none's.
    public var file: String?
    /// The line, counted from 1; nil when it concerns the whole file, or is not known.
    public var line: Int?
    /// The Pod or Job; nil when it concerns the whole file.
    public var object: ObjectName?
    /// The field, such as `spec.completions`; empty when it concerns the whole object.
    public var field: String
    /// What is wrong, and what is in force meanwhile.
    public var reason: String

    /// A problem.
    public init(
        file: String? = nil, line: Int? = nil, object: ObjectName? = nil, field: String = "", _ reason: String
    ) {
        self.file = file
        self.line = line
        self.object = object
        self.field = field
        self.reason = reason
    }
}

extension NodeProblem: CustomStringConvertible {
    /// `web.yaml:14: default/web: spec.hostUsers: must be true or false, not 'maybe'`.
    public var description: String {
        var parts: [String] = []
        if let file { parts.append(line.map { "\(file):\($0)" } ?? file) }
        if let object { parts.append("\(object)") }
        if !field.isEmpty { parts.append(field) }
        return (parts + [reason]).joined(separator: ": ")
    }
}

extension NodeProblem {
    init(_ error: ManifestError) {
        // An error holds the value, and what is in an environment is nobody's business.
        let isSecret = error.field.contains(".env[")
        self.init(
            file: error.file, line: error.line, field: error.field,
            isSecret ? "is wrong: a name and a value, both texts, are expected" : error.reason)
    }

    init(_ error: FieldError, file: String, object: ObjectName) {
        let text = String(error.description.dropFirst(error.field.utf8.count + 2))
        self.init(file: file, object: object, field: error.field, text)
    }

    init(_ field: UnimplementedField, file: String, object: ObjectName) {
        let line = field.place.split(separator: ":").last.flatMap { Int($0) }
        self.init(file: file, line: line, object: object, field: field.field, "is not implemented")
    }
}
