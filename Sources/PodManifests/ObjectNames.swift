// SPDX-License-Identifier: Apache-2.0

import NodeModel

/// What an object is called.
struct ObjectNames {
    let namespace: String
    let name: String
    let uid: String

    /// Reads the `metadata` of an object.
    /// - Parameter kind: of what kind it is, unless it is a Pod: the uids of others are derived with it.
    init(_ object: FieldObject, kind: String? = nil) throws(ManifestError) {
        let metadata = try object.required("metadata").object()
        try metadata.checkSpelling(of: ["name", "namespace", "uid"])
        let nameField = try metadata.required("name")
        name = try nameField.string()
        try DNSName.check(name, nameField, isLabel: false)
        namespace = try metadata.string("namespace") ?? "default"
        if let field = metadata["namespace"] { try DNSName.check(namespace, field, isLabel: true) }
        let place = (kind.map { $0 + "/" } ?? "") + namespace
        let derived = PodUID.derived(namespace: place, name: name)
        uid = try metadata.string("uid") ?? derived
        if let field = metadata["uid"], let reason = PodUID.problem(uid) { throw field.error(reason) }
    }
}
