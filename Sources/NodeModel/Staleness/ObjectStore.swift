// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A cache of objects that many threads read while one applies what the source told.
///
/// A reader never sees half of a batch, nor a version without its objects.
public final class ObjectStore<Object: VersionedObject>: VersionedCache {
    private let contents: Mutex<StoreContents<Object>>

    /// An empty cache.
    public init(indexes: [StoreIndex<Object>] = []) { contents = Mutex(StoreContents(indexes: indexes)) }

    /// The version of what was applied last; empty before anything was.
    public var lastSyncedResourceVersion: String { contents.withLock { $0.version } }

    /// All of it at one version.
    public var snapshot: StoreContents<Object> { contents.withLock { $0 } }

    /// The object of a name.
    public subscript(_ name: ObjectName) -> Object? { contents.withLock { $0[name] } }

    /// The objects that an index has under a key, by name.
    public func objects(_ key: String, in index: String) -> [Object] {
        contents.withLock { $0.objects(key, in: index) }
    }

    /// Applies a batch as one change and tells what it changed.
    @discardableResult public func apply(_ batch: DeltaBatch<Object>) -> [StoreEvent<Object>] {
        contents.withLock { $0.apply(batch) }
    }
}
