// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// A file with Kubernetes RBAC objects, read as what they say about the node API.
///
/// ClusterRoles and ClusterRoleBindings count. Roles and RoleBindings are of a namespace, and nodes are in none, so that
/// they allow nothing here: that is a note, as it is for whatever else in the file has no effect.
public struct AccessPolicyFile: Hashable, Sendable {
    /// What the objects say together.
    public let policy: AccessPolicy
    /// What has no effect, by file and line.
    public let notes: [String]

    /// Reads the text of a file: YAML documents or JSON, Lists among them.
    /// - Parameters:
    ///   - text: what the file holds.
    ///   - file: how errors name it.
    /// - Throws: ``ManifestError`` for the first thing that is wrong, by file, line and field.
    public init(parsing text: String, file: String) throws(ManifestError) {
        var reader = Reader()
        for document in try PodManifest.documents(text, file) where !document.isNull { try reader.read(document) }
        policy = AccessPolicy(roles: reader.roles.map(\.role), bindings: reader.bindings.map(\.binding))
        for (binding, field) in reader.bindings where policy.roles[binding.role] == nil {
            throw field.error("there is no ClusterRole '\(binding.role)' in this file")
        }
        notes = reader.notes
    }
}

private struct Reader {
    var roles: [(role: AccessRole, place: String)] = []
    var bindings: [(binding: AccessBinding, reference: Field)] = []
    var notes: [String] = []

    mutating func read(_ document: Field) throws(ManifestError) {
        let object = try document.object()
        let kind = try object.required("kind")
        let name = try kind.string()
        if name == "List" || name == "ClusterRoleList" || name == "ClusterRoleBindingList" {
            for item in try object.items("items") { try read(item) }
            return
        }
        guard ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"].contains(name) else {
            throw kind.error("'\(name)' is none of ClusterRole, ClusterRoleBinding, Role, RoleBinding and List")
        }
        let version = try object.required("apiVersion")
        guard try version.string() == "rbac.authorization.k8s.io/v1" else {
            throw version.error("'\(try version.string())' is not rbac.authorization.k8s.io/v1")
        }
        let named = try object.required("metadata").object().required("name")
        switch name {
        case "ClusterRole": try readRole(object, named)
        case "ClusterRoleBinding": try readBinding(object, named)
        default:
            notes.append(
                "\(document.place): \(name) \(try named.string()) allows nothing here: nodes are in no namespace")
        }
    }

    private mutating func readRole(_ object: FieldObject, _ named: Field) throws(ManifestError) {
        try object.checkSpelling(of: ["apiVersion", "kind", "metadata", "rules", "aggregationRule"])
        let name = try named.string()
        if let first = roles.first(where: { $0.role.name == name }) {
            throw named.error("the ClusterRole \(name) is given twice; first at \(first.place)")
        }
        if let aggregation = object["aggregationRule"] {
            throw aggregation.error("is filled in by a cluster's controller; write the rules out")
        }
        var rules: [AccessRule] = []
        for item in try object.items("rules") { rules.append(try readRule(item)) }
        roles.append((AccessRole(name: name, rules: rules), named.place))
    }

    private mutating func readRule(_ field: Field) throws(ManifestError) -> AccessRule {
        let object = try field.object()
        // A slip takes a limit away: a rule without resourceNames is about every node.
        try object.checkSpelling(of: ["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"])
        let rule = AccessRule(
            verbs: try object.strings("verbs"), apiGroups: try object.strings("apiGroups"),
            resources: try object.strings("resources"), resourceNames: try object.strings("resourceNames"))
        if rule.verbs.isEmpty { throw try object.required("verbs").error("names no verb") }
        if rule.resources.isEmpty {
            guard object["nonResourceURLs"] != nil else { throw try object.required("resources").error("names none") }
            notes.append("\(field.place): \(field.path) allows nothing here: requests to a node are about resources")
        } else if rule.apiGroups.isEmpty {
            throw try object.required("apiGroups").error("names no group; the one of nodes is \"\"")
        }
        for resource in rule.resources where resource.hasSuffix("/*") {
            notes.append(
                "\(field.place): \(field.path).resources: '\(resource)' matches nothing; name the subresources")
        }
        return rule
    }

    private mutating func readBinding(_ object: FieldObject, _ named: Field) throws(ManifestError) {
        try object.checkSpelling(of: ["apiVersion", "kind", "metadata", "roleRef", "subjects"])
        let reference = try object.required("roleRef").object()
        let kind = try reference.required("kind")
        guard try kind.string() == "ClusterRole" else {
            throw kind.error("'\(try kind.string())' is not ClusterRole")
        }
        let role = try reference.required("name")
        var subjects: [AccessBinding.Subject] = []
        for item in try object.items("subjects") { subjects.append(try readSubject(item)) }
        bindings.append(
            (AccessBinding(name: try named.string(), role: try role.string(), subjects: subjects), role))
    }

    private func readSubject(_ field: Field) throws(ManifestError) -> AccessBinding.Subject {
        let object = try field.object()
        let kind = try object.required("kind")
        let name = try object.required("name").string()
        switch try kind.string() {
        case "User": return .user(name)
        case "Group": return .group(name)
        case "ServiceAccount":
            return .serviceAccount(namespace: try object.required("namespace").string(), name: name)
        default: throw kind.error("'\(try kind.string())' is none of User, Group and ServiceAccount")
        }
    }
}
