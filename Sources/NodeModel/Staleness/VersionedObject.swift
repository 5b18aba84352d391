// SPDX-License-Identifier: Apache-2.0

/// An object that a cache keeps: it has a name, and a version from its source.
public protocol VersionedObject: Sendable {
    /// The name, unique among the objects of the cache.
    var objectName: ObjectName { get }
    /// The version its source gave it; nil for an object that has none, which leaves the version of a cache alone.
    var resourceVersion: String? { get }
}

/// What a source of objects tells.
///
/// Source: client-go, tools/cache, the_real_fifo.go and delta_fifo.go, with the events that are atomic since 1.36.
public enum Delta<Object: VersionedObject>: Sendable {
    /// An object is new.
    case added(Object)
    /// An object is another.
    case updated(Object)
    /// An object is gone; this was its last state.
    case deleted(Object)
    /// An object is gone, and nobody saw its last state.
    case deletedUnseen(ObjectName)
    /// An object is in a list that is told one by one.
    case replaced(Object)
    /// An object is told again although it is the same.
    case synced(Object)
    /// These are all objects there are, at this version.
    case replacedAll([Object], version: String)
    /// All objects are told again.
    case syncedAll
    /// There is nothing new up to this version.
    case bookmark(version: String)

    /// The object it is about; nil when it is about all of them.
    public var name: ObjectName? {
        switch self {
        case .added(let object), .updated(let object), .deleted(let object), .replaced(let object),
            .synced(let object):
            object.objectName
        case .deletedUnseen(let name): name
        case .replacedAll, .syncedAll, .bookmark: nil
        }
    }
}

/// What changed in a store, told after it changed.
public enum StoreEvent<Object: VersionedObject>: Sendable {
    /// An object that was not there is.
    case added(Object)
    /// An object was told again: it is another, or the same once more.
    case updated(from: Object, to: Object)
    /// An object is gone. The last state that is known is the final one unless `isFinalStateUnknown`.
    case deleted(Object, isFinalStateUnknown: Bool)

    /// The object it is about, as it is now or was at last.
    public var object: Object {
        switch self {
        case .added(let object), .updated(_, let object), .deleted(let object, _): object
        }
    }
}
