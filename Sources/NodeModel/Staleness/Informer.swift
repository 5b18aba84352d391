// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A cache that follows a source: the source tells a queue, the queue changes the cache batch by batch, and handlers hear of
/// it when the cache has it.
///
/// Any thread may tell (``tell(_:)``) and any thread may apply (``applyNext(upTo:)``); batches are applied one after the
/// other. Nothing is applied by itself: a loop of the caller's does it.
public final class Informer<Object: VersionedObject>: VersionedCache {
    /// What the cache holds, for its metric.
    public let identity: InformerIdentity
    /// The cache.
    public let store: ObjectStore<Object>

    private let queue: Mutex<AtomicFIFO<Object>>
    private let handler: @Sendable (StoreEvent<Object>) -> Void

    /// An empty cache.
    /// - Parameters:
    ///   - identity: what it holds.
    ///   - indexes: further ways to find objects.
    ///   - handler: hears of each change after the cache has the whole batch; most put a name into a work queue.
    public init(
        _ identity: InformerIdentity, indexes: [StoreIndex<Object>] = [],
        handler: @escaping @Sendable (StoreEvent<Object>) -> Void = { _ in }
    ) {
        self.identity = identity
        store = ObjectStore(indexes: indexes)
        queue = Mutex(AtomicFIFO())
        self.handler = handler
    }

    /// Tells the queue something: `informer.tell { $0.update(pod) }`. What is told in one call stays together.
    public func tell(_ change: (inout AtomicFIFO<Object>) -> Void) { queue.withLock { change(&$0) } }

    /// Applies the next batch and calls the handler for each change.
    /// - Parameter limit: how many deltas at most.
    /// - Returns: whether there was one; not when another thread is about to apply.
    @discardableResult public func applyNext(upTo limit: Int = AtomicFIFO<Object>.batchLimit) -> Bool {
        guard let batch = queue.withLock({ $0.next(upTo: limit) }) else { return false }
        // Neither the queue nor the cache is locked while handlers run: they may read the one and tell the other.
        for event in store.apply(batch) { handler(event) }
        queue.withLock { $0.finish() }
        return true
    }

    /// Whether the first list has reached the cache. Before that, what is not in the cache may exist.
    public var hasSynced: Bool { queue.withLock { $0.hasSynced } }

    /// How many deltas wait.
    public var waiting: Int { queue.withLock { $0.count } }

    /// The version of what was applied last; empty before anything was.
    public var lastSyncedResourceVersion: String { store.lastSyncedResourceVersion }
}

/// What a cache holds, as its metric is labelled.
public struct InformerIdentity: Hashable, Sendable {
    /// The cache's own name.
    public var name: String
    /// The API group; empty for the core group.
    public var group: String
    /// The API version.
    public var version: String
    /// The resource, in the plural: `pods`.
    public var resource: String

    /// A cache of a resource.
    public init(name: String, group: String = "", version: String = "v1", resource: String) {
        self.name = name
        self.group = group
        self.version = version
        self.resource = resource
    }
}
