// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Yams

/// Fields that change how a pod is isolated, or what its processes are given, and that nothing implements. All other
/// unknown fields are passed over.
struct UnimplementedFields {
    var fields: [UnimplementedField] = []

    /// A field name, and the values with which it changes nothing.
    typealias Rule = (name: String, harmless: [String])

    static let spec: [Rule] = [
        ("runtimeClassName", []), ("os", []), ("resourceClaims", []),
    ]
    static let podSecurityContext: [Rule] = [
        ("seLinuxOptions", []), ("appArmorProfile", ["RuntimeDefault"]), ("windowsOptions", []), ("sysctls", []),
        ("supplementalGroupsPolicy", ["Merge"]),
    ]
    static let container: [Rule] = [
        ("volumeDevices", []), ("envFrom", []),
    ]
    static let securityContext: [Rule] = [
        ("seLinuxOptions", []), ("appArmorProfile", ["RuntimeDefault"]), ("windowsOptions", []),
        ("procMount", ["Default"]),
    ]
    static let volumeMount: [Rule] = [
        ("mountPropagation", ["None"]), ("recursiveReadOnly", ["Disabled", "IfPossible"]), ("subPathExpr", []),
    ]
    static let environment: [Rule] = [("valueFrom", [])]
    static let resources: [Rule] = [("claims", [])]

    /// Notes the fields of the object that a rule names and that hold something.
    mutating func note(_ object: FieldObject, _ rules: [Rule]) {
        for rule in rules {
            guard let field = object[rule.name], !rule.harmless.contains(value(field)), !isEmpty(field) else {
                continue
            }
            fields.append(UnimplementedField(field: field.path, place: field.place))
        }
    }

    /// The text of a scalar, or of the `type` of a profile.
    private func value(_ field: Field) -> String {
        if case .mapping(let mapping) = field.node {
            if case .scalar(let type)? = mapping["type"] { return type.string }
            return ""
        }
        if case .scalar(let scalar) = field.node { return scalar.string }
        return ""
    }

    private func isEmpty(_ field: Field) -> Bool {
        switch field.node {
        case .mapping(let mapping): mapping.isEmpty
        case .sequence(let sequence): sequence.isEmpty
        case .scalar(let scalar): scalar.string.isEmpty
        case .alias: false
        }
    }
}
