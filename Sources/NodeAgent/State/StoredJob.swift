// SPDX-License-Identifier: Apache-2.0

internal import NodeModel
internal import PodManifests

/// A Job as it is on disk: the version of it that was accepted, and how far it is.
struct StoredJob: Hashable, Sendable, Codable {
    var namespace: String
    var name: String
    var uid: String
    /// The version of the record itself, as the caches count it.
    var resourceVersion: UInt64 = 0
    /// The manifest that it came from.
    var file: String
    /// The text of the Job.
    var manifest: String
    var digest: String
    var status = JobStatus()
    /// Whether no manifest names it any more: it is gone when its pods are.
    var isDeleted = false
    /// The Job, as its text says, with its status.
    private(set) var parsed: Job

    private enum Key: String, CodingKey {
        case namespace, name, uid, resourceVersion, file, manifest, digest, status, isDeleted
    }

    /// A new Job. Whatever its manifest says of its status, nobody has looked at it yet.
    init(_ item: WantedItem, _ job: Job) {
        (namespace, name, uid) = (job.namespace, job.name, job.uid)
        (file, manifest, digest) = (item.file, item.item.text, item.item.digest)
        parsed = job
        parsed.status = JobStatus()
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        namespace = try fields.decode(String.self, forKey: .namespace)
        name = try fields.decode(String.self, forKey: .name)
        uid = try fields.decode(String.self, forKey: .uid)
        resourceVersion = try fields.decode(UInt64.self, forKey: .resourceVersion)
        file = try fields.decode(String.self, forKey: .file)
        manifest = try fields.decode(String.self, forKey: .manifest)
        digest = try fields.decode(String.self, forKey: .digest)
        status = try fields.decode(JobStatus.self, forKey: .status)
        isDeleted = try fields.decode(Bool.self, forKey: .isDeleted)
        guard case .job(let job)? = try WorkManifest(parsing: manifest, file: name).items.first?.object else {
            throw DecodingError.dataCorruptedError(
                forKey: .manifest, in: fields, debugDescription: "the manifest holds no Job")
        }
        parsed = job
        parsed.status = status
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encode(namespace, forKey: .namespace)
        try fields.encode(name, forKey: .name)
        try fields.encode(uid, forKey: .uid)
        try fields.encode(resourceVersion, forKey: .resourceVersion)
        try fields.encode(file, forKey: .file)
        try fields.encode(manifest, forKey: .manifest)
        try fields.encode(digest, forKey: .digest)
        try fields.encode(status, forKey: .status)
        try fields.encode(isDeleted, forKey: .isDeleted)
    }

    /// The name with its namespace.
    var job: ObjectName { ObjectName(namespace: namespace, name: name) }

    /// Another version of it was accepted.
    mutating func accept(_ item: WantedItem, _ job: Job) {
        (file, manifest, digest) = (item.file, item.item.text, item.item.digest)
        parsed = job
        parsed.status = status
    }

    /// It is further.
    mutating func note(_ new: JobStatus) {
        status = new
        parsed.status = new
    }
}
