// SPDX-License-Identifier: Apache-2.0

internal import NodeModel
internal import PodManifests

/// The truth about the pods and Jobs of a node: what is on disk. Each write makes a new version, is on disk when the call
/// returns, and reaches the caches some time later, in order.
actor NodeStore {
    /// Waiting for the disk is no thread's of the pool.
    private let executor = BlockingExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// The cache of pods; those of a Job are found by `owner`.
    nonisolated let pods: Informer<PodObject>
    /// The cache of Jobs.
    nonisolated let jobs: Informer<JobObject>

    let disk: RecordCoding
    /// There is something for the caches to apply.
    let told: @Sendable () -> Void
    private var podObjects: [String: PodObject] = [:]
    var jobObjects: [ObjectName: StoredJob] = [:]
    private var version: UInt64 = 0

    init(
        _ files: any RecordFiles, pods: Informer<PodObject>, jobs: Informer<JobObject>,
        told: @escaping @Sendable () -> Void = {}
    ) {
        disk = RecordCoding(files: files)
        self.pods = pods
        self.jobs = jobs
        self.told = told
    }

    /// The caches of a node, which change where the store says so.
    static func caches(
        pods podHandler: @escaping @Sendable (StoreEvent<PodObject>) -> Void = { _ in },
        jobs jobHandler: @escaping @Sendable (StoreEvent<JobObject>) -> Void = { _ in }
    ) -> (pods: Informer<PodObject>, jobs: Informer<JobObject>) {
        let byOwner = StoreIndex<PodObject>("owner") { pod in pod.stored.owner.map { [$0.uid] } ?? [] }
        return (
            Informer(InformerIdentity(name: "job", resource: "pods"), indexes: [byOwner], handler: podHandler),
            Informer(InformerIdentity(name: "job", group: "batch", resource: "jobs"), handler: jobHandler)
        )
    }

    /// Reads what is on disk, and fills the caches.
    /// - Returns: records that could not be read, and were set aside.
    func load() throws(StateError) -> [NodeProblem] {
        let found = try disk.load()
        for pod in found.pods { podObjects[pod.stored.version.uid] = pod }
        for job in found.jobs { jobObjects[job.job] = job }
        version = (found.pods.map(\.version) + found.jobs.map(\.resourceVersion)).max() ?? 0
        version += 1
        let list = (podObjects.values.map(\.self), jobObjects.values.map { JobObject(stored: $0) })
        pods.tell { $0.replace(with: list.0, version: "\(version)") }
        jobs.tell { $0.replace(with: list.1, version: "\(version)") }
        told()
        return found.problems
    }

    /// All pods.
    var allPods: [PodObject] { podObjects.values.sorted { $0.stored.version.uid < $1.stored.version.uid } }
    /// All Jobs.
    var allJobs: [StoredJob] { jobObjects.values.sorted { $0.job < $1.job } }

    /// What manifests asked for when the agent ended.
    var itemsInForce: [WantedItem] {
        let texts =
            podObjects.values.filter { $0.stored.owner == nil }.map { ($0.stored.file, $0.stored.manifest) }
            + jobObjects.values.filter { !$0.isDeleted }.map { ($0.file, $0.manifest) }
        return texts.compactMap { file, text in
            guard let item = try? WorkManifest(parsing: text, file: file).items.first else { return nil }
            return WantedItem(file: file, item: item)
        }
    }

    /// A pod by its uid.
    func pod(_ uid: String) -> PodObject? { podObjects[uid] }

    func nextVersion() -> UInt64 {
        version += 1
        return version
    }

    @discardableResult private func put(_ object: PodObject) throws(StateError) -> UInt64 {
        var object = object
        let uid = object.stored.version.uid
        object.version = nextVersion()
        object.stored.resourceVersion = object.version
        try disk.write(object.stored)
        tell(object, isNew: podObjects.updateValue(object, forKey: uid) == nil)
        return object.version
    }

    private func tell(_ object: PodObject, isNew: Bool) {
        pods.tell { queue in if isNew { queue.add(object) } else { queue.update(object) } }
        told()
    }

    /// Writes down how far a pod is.
    /// - Parameters:
    ///   - record: how far.
    ///   - new: the pod, where nothing of it is on disk yet; and in which start of the machine it is.
    ///   - pod: the same as a value.
    ///   - life: how its containers are, where that is known.
    func note(_ record: PodRecord, of new: StoredPod, _ pod: Pod?, life: PodLife? = nil) throws(StateError) {
        var object = podObjects[record.version.uid] ?? PodObject(new, pod)
        object.stored.begunAt = object.stored.begunAt ?? new.begunAt
        object.stored.bootID = new.bootID
        object.stored.record = record
        object.life = life ?? object.life
        try put(object)
    }

    /// How the containers of a pod are; only the caches hear of it.
    func observe(_ life: PodLife, of uid: String) {
        guard var object = podObjects[uid] else { return }
        object.life = life
        object.version = nextVersion()
        podObjects[uid] = object
        tell(object, isNew: false)
    }

    /// A pod's manifest has another name.
    func note(file: String, of uid: String) throws(StateError) {
        guard var object = podObjects[uid], object.stored.file != file else { return }
        object.stored.file = file
        try put(object)
    }

    /// A Job makes a pod. One that is there already stays.
    /// - Returns: the version that was written.
    func createPod(_ creation: JobDecision.Creation, of job: StoredJob) throws(StateError) -> UInt64 {
        let new = StoredPod(creation, of: job)
        if let known = podObjects[new.version.uid] { return known.version }
        return try put(PodObject(new, new.pod()))
    }

    /// A Job wants a pod no more.
    /// - Returns: the version that was written; nil when there is none.
    func deletePod(_ uid: String, isReleased: Bool) throws(StateError) -> UInt64? {
        guard var object = podObjects[uid] else { return nil }
        if object.stored.isDeleted, object.stored.isReleased || !isReleased { return object.version }
        object.stored.isDeleted = true
        object.stored.isReleased = object.stored.isReleased || isReleased
        return try put(object)
    }

    /// Whether a pod may be forgotten that ended: not before its Job has counted it.
    func mayForget(_ uid: String) -> Bool {
        guard let object = podObjects[uid], let owner = object.stored.owner, object.stored.record != nil,
            let job = jobObjects[owner.job], job.uid == owner.uid, !job.isDeleted
        else { return true }
        return object.stored.isReleased || job.status.counted.contains(uid) || job.status.finished != nil
    }

    /// Nothing is left of a pod.
    func removePod(_ uid: String) throws(StateError) {
        guard var object = podObjects[uid] else { return }
        try disk.removePod(uid)
        podObjects[uid] = nil
        object.version = nextVersion()
        pods.tell { $0.delete(object) }
        told()
    }
}
