// SPDX-License-Identifier: Apache-2.0

internal import NodeModel
internal import Synchronization

/// What the parts of an agent tell each other. Each stream has one reader.
struct AgentSignals: Sendable {
    /// The whole node is to be looked at.
    let looks: AsyncStream<Void>
    let look: AsyncStream<Void>.Continuation
    /// The folder of manifests is to be read.
    let manifests = Flag()
    /// The caches have something to apply.
    let deliveries: AsyncStream<Void>
    let deliver: AsyncStream<Void>.Continuation
    /// A Job is to be looked at; nil for those whose time has come.
    let jobs: AsyncStream<ObjectName?>
    let job: AsyncStream<ObjectName?>.Continuation

    init() {
        (looks, look) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (deliveries, deliver) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (jobs, job) = AsyncStream.makeStream()
    }

    /// The folder of manifests changed, or was not read for long.
    func manifestsChanged() {
        manifests.raise()
        look.yield()
    }

    /// A pod in the caches changed.
    func podChanged(_ event: StoreEvent<PodObject>) {
        guard let owner = event.object.stored.owner else { return }
        job.yield(owner.job)
        // What is wanted changed only if it came, went, or is wanted no more.
        if case .updated(let old, let new) = event, old.stored.isDeleted == new.stored.isDeleted { return }
        look.yield()
    }

    /// A Job in the caches changed: pods that wait to be counted may go, and an edit that was refused may be accepted.
    func jobChanged(_ event: StoreEvent<JobObject>) {
        job.yield(event.object.objectName)
        look.yield()
    }
}

/// Something that is to be done once, however often it was said.
final class Flag: Sendable {
    private let isRaised = Mutex(false)

    func raise() { isRaised.withLock { $0 = true } }

    /// Whether it was raised since the last time.
    func take() -> Bool {
        isRaised.withLock { isRaised in
            defer { isRaised = false }
            return isRaised
        }
    }
}
