// SPDX-License-Identifier: Apache-2.0

internal import NodeModel
internal import PodManifests

extension NodeStore {
    /// A Job by its name.
    func job(_ name: ObjectName) -> StoredJob? { jobObjects[name] }

    @discardableResult private func put(_ job: StoredJob) throws(StateError) -> UInt64 {
        var job = job
        job.resourceVersion = nextVersion()
        try disk.write(job)
        let isNew = jobObjects.updateValue(job, forKey: job.job) == nil
        jobs.tell { queue in
            if isNew { queue.add(JobObject(stored: job)) } else { queue.update(JobObject(stored: job)) }
        }
        told()
        return job.resourceVersion
    }

    /// A manifest describes a Job: it is made, changed, or the change is refused.
    /// - Returns: what is wrong with it; then it is as it was.
    func apply(_ item: WantedItem, _ job: Job, rules: JobUpdateRules) throws(StateError) -> [NodeProblem] {
        guard var known = jobObjects[job.objectName] else {
            try put(StoredJob(item, job))
            return []
        }
        if known.uid != job.uid { try deleteJob(known.job) }
        if known.isDeleted || known.uid != job.uid {
            return [
                NodeProblem(
                    file: item.file, object: job.objectName,
                    "waits until the Job of this name that was there before is gone")
            ]
        }
        if known.digest == item.item.digest {
            if known.file == item.file { return [] }
            known.file = item.file
            try put(known)
            return []
        }
        switch rules.change(known.parsed, to: job.spec) {
        case .accepted:
            known.accept(item, job)
            try put(known)
            return []
        case .rejected(let errors):
            return errors.map { error in
                var problem = NodeProblem(error, file: item.file, object: job.objectName)
                problem.reason += "; the version before stays in force"
                return problem
            }
        }
    }

    /// No manifest names a Job any more.
    func deleteJob(_ name: ObjectName) throws(StateError) {
        guard var job = jobObjects[name], !job.isDeleted else { return }
        job.isDeleted = true
        try put(job)
    }

    /// Writes the status of a Job that is still as it was looked at.
    /// - Returns: the version that was written.
    func update(_ job: StoredJob, to status: JobStatus) throws(JobWriteError) -> UInt64 {
        guard var known = jobObjects[job.job], known.resourceVersion == job.resourceVersion else {
            throw .changed(job.job)
        }
        known.note(status)
        do { return try put(known) } catch { throw .state(error) }
    }

    /// Nothing is left of a Job.
    func removeJob(_ job: StoredJob) throws(StateError) {
        guard var known = jobObjects[job.job], known.uid == job.uid else { return }
        try disk.removeJob(job.uid)
        jobObjects[job.job] = nil
        known.resourceVersion = nextVersion()
        jobs.tell { $0.delete(JobObject(stored: known)) }
        told()
    }
}

/// Why something of a Job was not written.
enum JobWriteError: Error, Hashable, CustomStringConvertible {
    /// It is not what it was when it was looked at.
    case changed(ObjectName)
    /// The disk.
    case state(StateError)

    var description: String {
        switch self {
        case .changed(let name): "the Job \(name) was changed meanwhile"
        case .state(let error): "\(error)"
        }
    }
}
