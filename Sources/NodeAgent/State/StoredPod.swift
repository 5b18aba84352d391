// SPDX-License-Identifier: Apache-2.0

internal import NodeModel
internal import PodManifests

/// A pod as it is on disk: what it is, whose it is, and how far it is.
///
/// What a later version adds has to be optional: a record that cannot be read is a pod that nobody knows.
struct StoredPod: Hashable, Sendable, Codable {
    /// The Job that a pod is one of.
    struct Owner: Hashable, Sendable, Codable {
        var namespace: String
        var name: String
        var uid: String
        /// What of it was decided (`JobDecision.Creation`).
        var podName: String
        var serial: UInt64
        var index: Int32?

        var job: ObjectName { ObjectName(namespace: namespace, name: name) }
        var creation: JobDecision.Creation { JobDecision.Creation(name: podName, serial: serial, index: index) }
    }

    var version: PodVersion
    /// The version of the record itself, as the caches count it.
    var resourceVersion: UInt64 = 0
    /// The manifest that it came from; empty for a pod of a Job.
    var file = ""
    /// The text of the Pod, or of the Job as it was when it made the pod: enough to go on with it, or to end it, when the
    /// manifest is another one or gone.
    var manifest: String
    /// The Job that made it; nil for a pod of a manifest.
    var owner: Owner?
    /// Whether its Job wants it no more.
    var isDeleted = false
    /// Whether its Job let go of it: however it ends, it does not count.
    var isReleased = false
    /// Which start of the machine its record is of; nil where nothing tells.
    var bootID: String?
    /// Since when it is on the node.
    var begunAt: Timestamp?
    /// How far it is; nil before it is begun.
    var record: PodRecord?

    /// A pod of a manifest.
    init(_ item: WantedItem, _ pod: Pod) {
        version = PodVersion(
            namespace: pod.namespace, name: pod.name, uid: pod.uid, digest: item.item.digest)
        file = item.file
        manifest = item.item.text
    }

    /// A pod of a Job.
    init(_ creation: JobDecision.Creation, of job: StoredJob) {
        version = PodVersion(
            namespace: job.namespace, name: creation.name, uid: job.parsed.podUID(creation), digest: job.digest)
        manifest = job.manifest
        owner = Owner(
            namespace: job.namespace, name: job.name, uid: job.uid, podName: creation.name, serial: creation.serial,
            index: creation.index)
    }

    /// The pod, read from its text; nil when this version of the agent does not understand what another one wrote.
    func pod() -> Pod? {
        guard let item = try? WorkManifest(parsing: manifest, file: version.name).items.first else { return nil }
        switch item.object {
        case .pod(let pod): return pod.asWanted
        case .job(let job): return owner.map { job.pod($0.creation, uid: version.uid) }
        }
    }

    /// As much of the pod as its record tells: enough to end it.
    func podOfRecord() -> Pod {
        let containers = record?.containers.keys.sorted().map { Container(name: $0) } ?? []
        return Pod(
            namespace: version.namespace, name: version.name, uid: version.uid,
            spec: PodSpec(containers: containers, restartPolicy: .never))
    }
}

extension Pod {
    /// Without what another node's status said of it.
    var asWanted: Pod {
        var pod = self
        pod.recordedQoSClass = nil
        pod.phase = nil
        return pod
    }
}
