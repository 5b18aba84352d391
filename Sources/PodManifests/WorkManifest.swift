// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// What a manifest file asks a node to run: Pods and Jobs.
///
/// A file holds one or more YAML documents, or JSON, each a Pod, a Job, a PodList, a JobList or a List of Pods and Jobs.
/// A Job is held to the rules of the Kubernetes API server; the error has the server's words.
public struct WorkManifest: Hashable, Sendable {
    /// The pods, in the order of the file.
    public private(set) var pods: [Pod] = []
    /// The Jobs, in the order of the file.
    public private(set) var jobs: [Job] = []
    /// Both, in the order of the file, each with a text of its own.
    public private(set) var items: [WorkItem] = []

    /// Reads the text of a file.
    /// - Parameters:
    ///   - text: what the file holds.
    ///   - file: how errors name it.
    /// - Throws: ``ManifestError`` for the first thing that is wrong, by file, line and field.
    public init(parsing text: String, file: String) throws(ManifestError) {
        var firsts: [String: String] = [:]
        var owners: [String: String] = [:]
        for document in try PodManifest.documents(text, file) {
            for item in try Self.items(of: document) {
                let (kind, name, uid): (String, ObjectName, String)
                switch item {
                case .job(let field):
                    let job = try JobReader.job(field)
                    (kind, name, uid) = ("Job", job.objectName, job.uid)
                    jobs.append(job)
                    items.append(try WorkItem(.job(job), field))
                case .pod(let found):
                    let pod = found.pod
                    (kind, name, uid) = ("pod", ObjectName(namespace: pod.namespace, name: pod.name), pod.uid)
                    pods.append(pod)
                    items.append(try WorkItem(.pod(pod), found.field))
                }
                let title = "\(kind) \(name)"
                if let first = firsts.updateValue(item.field.place, forKey: title) {
                    throw item.field.error("the \(title) is described twice; first at \(first)")
                }
                if let owner = owners.updateValue(title, forKey: uid) {
                    throw item.field.error("'\(uid)' is the uid of the \(owner), too")
                }
            }
        }
    }

    private enum Item {
        case pod(FoundPod)
        case job(Field)

        var field: Field {
            switch self {
            case .pod(let found): found.field
            case .job(let field): field
            }
        }
    }

    private static func items(of document: Field) throws(ManifestError) -> [Item] {
        if document.isNull { return [] }
        let object = try document.object()
        let kind = try object.required("kind")
        switch try kind.string() {
        case "Job": return [.job(document)]
        case "JobList":
            // The items of a JobList need not say again what they are, but of what version they are.
            return try object.items("items").map { .job($0) }
        case "List":
            var items: [Item] = []
            for item in try object.items("items") { items += try self.items(of: item) }
            return items
        case "Pod", "PodList": return try PodReader.pods(in: document).map { .pod($0) }
        default: throw kind.error("'\(try kind.string())' is none of Pod, Job, PodList, JobList and List")
        }
    }
}
