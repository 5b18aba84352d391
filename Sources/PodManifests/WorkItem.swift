// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// One Pod or Job of a manifest, with the text of its own that a node can keep: whatever becomes of the file, it can be read
/// again from there.
public struct WorkItem: Hashable, Sendable {
    /// What is described.
    public enum Object: Hashable, Sendable {
        /// A Pod.
        case pod(Pod)
        /// A Job.
        case job(Job)
    }

    /// What is described.
    public let object: Object
    /// All that the manifest says of it but its status, as one line of YAML: fields in the order of their names, aliases
    /// unfolded, without comments.
    public let text: String
    /// A digest of ``text``, so the same for two manifests that differ in form alone.
    public let digest: String
    /// Where it is, such as `pods.yaml:14`.
    public let place: String

    init(_ object: Object, _ field: Field) throws(ManifestError) {
        let kind =
            switch object {
            case .pod: ("v1", "Pod")
            case .job: ("batch/v1", "Job")
            }
        self.object = object
        text = try ManifestText.text(of: field, version: kind.0, kind: kind.1)
        digest = ContentHash.hex(text)
        place = field.place
    }

    /// The namespace and the name.
    public var name: ObjectName {
        switch object {
        case .pod(let pod): ObjectName(namespace: pod.namespace, name: pod.name)
        case .job(let job): job.objectName
        }
    }

    /// The uid.
    public var uid: String {
        switch object {
        case .pod(let pod): pod.uid
        case .job(let job): job.uid
        }
    }
}

extension Job {
    /// The uid of a pod that is made for it, which no other pod has: serials are not given twice.
    public func podUID(_ creation: JobDecision.Creation) -> String {
        PodUID.derived(namespace: "Job/\(uid)/\(namespace)", name: creation.name)
    }
}
