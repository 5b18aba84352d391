// SPDX-License-Identifier: Apache-2.0

import NodeModel

/// A pod, and where it is described.
struct FoundPod {
    let pod: Pod
    let field: Field
}

enum PodReader {
    /// The pods of a document: of a Pod, a PodList or a List; none of an empty one.
    static func pods(in document: Field) throws(ManifestError) -> [FoundPod] {
        if document.isNull { return [] }
        let object = try document.object()
        let kind = try object.required("kind").string()
        switch kind {
        case "Pod":
            try checkVersion(object)
            return [FoundPod(pod: try pod(object), field: document)]
        case "PodList", "List":
            try checkVersion(object)
            var found: [FoundPod] = []
            for item in try object.items("items") { found.append(try self.item(item, isTyped: kind == "List")) }
            return found
        default:
            let hint =
                workloads.contains(kind)
                ? "; it has pods made, which are here once they exist (kubectl get pods -o yaml)" : ""
            throw try object.required("kind").error("'\(kind)' is not a Pod, a PodList or a List" + hint)
        }
    }

    private static let workloads: Set<String> = [
        "CronJob", "DaemonSet", "Deployment", "Job", "PodTemplate", "ReplicaSet", "ReplicationController",
        "StatefulSet",
    ]

    private static func item(_ item: Field, isTyped: Bool) throws(ManifestError) -> FoundPod {
        let object = try item.object()
        // The items of a PodList need not say again what they are.
        if isTyped || object["kind"] != nil {
            let kind = try object.required("kind")
            guard try kind.string() == "Pod" else { throw kind.error("'\(try kind.string())' is not a Pod") }
            try checkVersion(object)
        }
        return FoundPod(pod: try pod(object), field: item)
    }

    private static func checkVersion(_ object: FieldObject) throws(ManifestError) {
        let version = try object.required("apiVersion")
        guard try version.string() == "v1" else { throw version.error("'\(try version.string())' is not v1") }
    }

    private static func pod(_ object: FieldObject) throws(ManifestError) -> Pod {
        let names = try ObjectNames(object)
        let status = try object.object("status")
        return Pod(
            namespace: names.namespace, name: names.name, uid: names.uid,
            spec: try SpecReader(object.required("spec").object()).spec(),
            recordedQoSClass: try status?["qosClass"]?.choice(of: QoSClass.self),
            phase: try status?["phase"]?.choice(of: PodPhase.self))
    }
}

/// The names Kubernetes takes.
enum DNSName {
    static func check(_ name: String, _ field: Field, isLabel: Bool) throws(ManifestError) {
        let limit = isLabel ? 63 : 253
        if name.utf8.count > limit { throw field.error("'\(name)' has more than \(limit) characters") }
        let labels = isLabel ? [name[...]] : name.split(separator: ".", omittingEmptySubsequences: false)
        if labels.allSatisfy(isValidLabel) { return }
        let dots = isLabel ? "" : " and dots"
        throw field.error(
            "'\(name)' is no name: it may hold lower-case letters, digits, dashes\(dots), with a letter or a digit at "
                + "both ends")
    }

    private static func isValidLabel(_ label: Substring) -> Bool {
        guard let first = label.utf8.first, let last = label.utf8.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
