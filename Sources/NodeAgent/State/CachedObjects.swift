// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// A pod in the caches: what is on disk, and how its containers are.
struct PodObject: VersionedObject {
    var stored: StoredPod
    /// What it is; nil when its text is not understood.
    var pod: Pod?
    /// How its containers are; nil as long as nobody has looked since the agent started, or it was not begun.
    var life: PodLife?
    /// The version that the caches see.
    var version: UInt64

    var objectName: ObjectName { ObjectName(namespace: stored.version.namespace, name: stored.version.uid) }
    var resourceVersion: String? { "\(version)" }

    /// A pod on disk. How one is that has ended is known; of the others only the kernel knows.
    init(_ stored: StoredPod, _ pod: Pod?) {
        self.stored = stored
        self.pod = pod
        version = stored.resourceVersion
        guard let record = stored.record, record.stage == .ended, let pod else { return }
        life = ManagedPod(recovering: record, spec: pod.spec, sighting: nil, at: Timestamp(seconds: 0)).life
    }

    /// Whether it was begun before the agent started, and not taken over yet.
    var isUnknown: Bool { life == nil && stored.record != nil }

    /// What its Job is to know of it; nil when it is none's.
    var jobPod: JobPod? {
        guard let owner = stored.owner else { return nil }
        var pod: JobPod
        if let life {
            pod = JobPod(owner.creation, uid: stored.version.uid, life: life, isReleased: stored.isReleased)
        } else {
            // One that was begun before this agent started may have ended or not (``isUnknown``).
            pod = JobPod(
                name: owner.podName, uid: stored.version.uid, serial: owner.serial, index: owner.index,
                phase: stored.record == nil ? .pending : .unknown, isReleased: stored.isReleased)
        }
        if stored.isDeleted { pod.isTerminating = true }
        return pod
    }
}

/// A Job in the caches.
struct JobObject: VersionedObject {
    var stored: StoredJob

    var objectName: ObjectName { stored.job }
    var resourceVersion: String? { "\(stored.resourceVersion)" }
}
