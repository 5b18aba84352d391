// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NodeModel

/// Makes the pods of Jobs and counts their ends, by what the caches say.
///
/// The caches follow the store with a delay. So every write is told to the guard, which keeps a Job back until the caches have
/// seen it: without that a Job that is looked at again too soon gets its pods twice.
struct JobController: Reconciler {
    let controllerName = "job"
    let store: NodeStore
    let staleness: any StalenessGuard
    let logger: Logger

    /// The names by which the guard knows the caches.
    static let (podResource, jobResource) = ("pods", "jobs.batch")

    func reconcile(_ name: ObjectName, at now: Timestamp) async throws(JobWriteError) -> Timestamp? {
        guard let job = store.jobs.store[name]?.stored else {
            staleness.clear(name, uid: "")
            return nil
        }
        let pods = store.pods.store.objects(job.uid, in: "owner")
        if job.isDeleted {
            try await delete(pods, of: job)
            return nil
        }
        // Whether it ended or not is known when it was taken over; until then it is neither missing nor one too many.
        if pods.contains(where: \.isUnknown) { return nil }
        let decision = job.parsed.decision(with: pods.compactMap(\.jobPod), at: now)
        if decision.status != job.status {
            let version = try await store.update(job, to: decision.status)
            staleness.wroteAt(name, uid: job.uid, resource: Self.jobResource, version: "\(version)")
        }
        for event in decision.events {
            logger.log(
                level: event.isWarning ? .warning : .info, "\(event.message)",
                metadata: ["job": "\(name)", "reason": "\(event.reason)"])
        }
        for deletion in decision.delete { try await delete(deletion.uid, deletion.isReleased, of: job) }
        for creation in decision.create {
            try await write(of: job) { () throws(StateError) in try await store.createPod(creation, of: job) }
        }
        // Kubernetes removes the Job itself. Here its manifest would make it anew at once: it stays, without its pods.
        if decision.isExpired { for pod in pods { try await delete(pod.stored.version.uid, true, of: job) } }
        return decision.again
    }

    private func delete(_ pods: [PodObject], of job: StoredJob) async throws(JobWriteError) {
        for pod in pods { try await delete(pod.stored.version.uid, true, of: job) }
        guard pods.isEmpty else { return }
        do { try await store.removeJob(job) } catch { throw .state(error) }
    }

    private func delete(_ uid: String, _ isReleased: Bool, of job: StoredJob) async throws(JobWriteError) {
        try await write(of: job) { () throws(StateError) in try await store.deletePod(uid, isReleased: isReleased) }
    }

    private func write(
        of job: StoredJob, _ body: () async throws(StateError) -> UInt64?
    ) async throws(JobWriteError) {
        do {
            guard let version = try await body() else { return }
            staleness.wroteAt(job.job, uid: job.uid, resource: Self.podResource, version: "\(version)")
        } catch {
            throw .state(error)
        }
    }
}
