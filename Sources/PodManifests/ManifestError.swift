// SPDX-License-Identifier: Apache-2.0

/// What is wrong in a manifest, and where.
public struct ManifestError: Error, Sendable, Hashable {
    /// The file, as it was named by the caller.
    public let file: String
    /// The line, counted from 1; nil when it concerns the whole file.
    public let line: Int?
    /// The field, such as `spec.containers[0].image`; empty when it concerns the document.
    public let field: String
    /// What is wrong, with the value.
    public let reason: String
}

extension ManifestError: CustomStringConvertible {
    /// `pods.yaml:14: spec.containers[0].resources.limits.memory: '12Q' is not a quantity: …`.
    public var description: String {
        var text = file
        if let line { text += ":\(line)" }
        if !field.isEmpty { text += ": \(field)" }
        return text + ": " + reason
    }
}
