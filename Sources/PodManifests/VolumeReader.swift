// SPDX-License-Identifier: Apache-2.0

import NodeModel

enum VolumeReader {
    static func volume(_ field: Field) throws(ManifestError) -> Volume {
        let object = try field.object()
        let name = try object.required("name")
        try DNSName.check(try name.string(), name, isLabel: true)
        let kinds = object.members.keys.filter { $0 != "name" && object[$0] != nil }.sorted()
        guard kinds.count <= 1 else {
            throw field.error("is of several kinds: \(kinds.joined(separator: ", "))")
        }
        return Volume(name: try name.string(), source: try source(object, kind: kinds.first))
    }

    private static func source(_ object: FieldObject, kind: String?) throws(ManifestError) -> VolumeSource {
        // Kubernetes takes a volume of no kind for an empty directory.
        guard let kind else { return .emptyDir(inMemory: false, sizeLimit: nil) }
        let details = try object.required(kind)
        switch kind {
        case "hostPath":
            let path = try details.object().required("path")
            let text = try path.string()
            guard text.utf8.first == UInt8(ascii: "/") else { throw path.error("'\(text)' does not start with '/'") }
            try checkNoClimbing(text, path)
            let type = try details.object()["type"]?.choice(of: HostPathType.self)
            return .hostPath(path: text, type: type ?? .unchecked)
        case "emptyDir":
            let medium = try details.object().string("medium") ?? ""
            guard medium.isEmpty || medium == "Memory" else { return .unimplemented(kind: "emptyDir.medium") }
            guard let limit = try details.object()["sizeLimit"] else {
                return .emptyDir(inMemory: medium == "Memory", sizeLimit: nil)
            }
            let size = try limit.quantity().value
            return .emptyDir(
                inMemory: medium == "Memory", sizeLimit: size > 0 ? ByteCount(UInt64(clamping: size)) : nil)
        default:
            return .unimplemented(kind: kind)
        }
    }

    static func mount(_ field: Field, volumes: [Volume]) throws(ManifestError) -> VolumeMount {
        let object = try field.object()
        let nameField = try object.required("name")
        let name = try nameField.string()
        guard volumes.contains(where: { $0.name == name }) else {
            throw nameField.error("'\(name)' is not one of the pod's volumes")
        }
        let path = try object.required("mountPath")
        let text = try path.string()
        guard text.utf8.first == UInt8(ascii: "/") else { throw path.error("'\(text)' does not start with '/'") }
        try checkNoClimbing(text, path)
        let subPath = try object.string("subPath") ?? ""
        if let field = object["subPath"] {
            if subPath.utf8.first == UInt8(ascii: "/") { throw field.error("'\(subPath)' must not start with '/'") }
            try checkNoClimbing(subPath, field)
        }
        return VolumeMount(
            name: name, mountPath: text, subPath: subPath,
            readOnly: try object.bool("readOnly") ?? false)
    }

    private static func checkNoClimbing(_ path: String, _ field: Field) throws(ManifestError) {
        if path.utf8.contains(0) { throw field.error("holds a zero byte") }
        if path.split(separator: "/").contains("..") { throw field.error("'\(path)' must not hold '..'") }
    }
}
