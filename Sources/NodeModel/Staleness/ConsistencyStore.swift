// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A cache that knows how far it has followed its source.
public protocol VersionedCache: Sendable {
    /// The version of what the cache applied last; empty as long as it has applied nothing.
    var lastSyncedResourceVersion: String { get }
}

/// The name of an object that a controller reconciles.
public struct ObjectName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Its namespace; empty for what is in none.
    public var namespace: String
    /// Its name.
    public var name: String

    /// A name.
    public init(namespace: String = "", name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// `namespace/name`.
    public var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }

    /// Orders by namespace, then by name.
    public static func < (left: ObjectName, right: ObjectName) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

/// Lets a controller skip an object as long as its caches are older than its own last write for that object
/// (KEP-5647, beta and on in Kubernetes 1.36).
///
/// A controller decides from caches that follow the truth with a delay. Reconciling again before its last write has
/// arrived there, it sees a world without that write, and creates the same pod twice. So it tells the store of every
/// write (``wroteAt(_:uid:resource:version:)``), asks before each reconciliation (``ensureReady(_:)``), and puts the
/// object back into its queue when that throws.
///
/// Source: kubernetes, pkg/controller/util/consistency.
public final class ConsistencyStore: Sendable {
    private struct Record {
        var uid: String
        var written: [String: String] = [:]
    }

    private let caches: [String: any VersionedCache]
    private let records = Mutex<[ObjectName: Record]>([:])

    /// A store over the caches that the controller reads, by resource: `pods`, `daemonsets.apps`.
    public init(caches: [String: any VersionedCache]) { self.caches = caches }

    /// Notes a write: what was written for this owner has this version.
    ///
    /// A lower version than the noted one changes nothing. Another uid is another object of the same name: what was
    /// noted of the old one is forgotten. A version that does not compare replaces what was noted.
    public func wroteAt(_ owner: ObjectName, uid: String, resource: String, version: String) {
        records.withLock { records in
            var record = records[owner].flatMap { $0.uid == uid ? $0 : nil } ?? Record(uid: uid)
            if let noted = record.written[resource], let old = try? ResourceVersion(parsing: noted),
                let new = try? ResourceVersion(parsing: version), old >= new
            {
            } else {
                record.written[resource] = version
            }
            records[owner] = record
        }
    }

    /// Throws when a cache has not yet seen what was written for this owner; forgets the writes that all have seen.
    ///
    /// A resource without a cache and versions that do not compare are passed over. So is a cache that has synced nothing
    /// yet, but what was written there stays noted; Kubernetes 1.36 forgets it. Not to be called while a write for the
    /// same owner is under way: a controller reconciles an object once at a time.
    public func ensureReady(_ owner: ObjectName) throws(StaleCache) {
        let written = records.withLock { $0[owner]?.written } ?? [:]
        var unseen: [String: String] = [:]
        for (resource, version) in written.sorted(by: { $0.key < $1.key }) {
            guard let seen = caches[resource]?.lastSyncedResourceVersion else { continue }
            if seen.isEmpty { unseen[resource] = version }
            guard let read = try? ResourceVersion(parsing: seen), let wrote = try? ResourceVersion(parsing: version)
            else { continue }
            if wrote > read { throw StaleCache(owner: owner, resource: resource, read: read, wrote: wrote) }
        }
        records.withLock { records in
            guard records[owner]?.written == written else { return }
            if unseen.isEmpty { records[owner] = nil } else { records[owner]?.written = unseen }
        }
    }

    /// Forgets the writes for an owner that was deleted; with a uid, only for that object of the name.
    public func clear(_ owner: ObjectName, uid: String = "") {
        records.withLock { records in
            if uid.isEmpty || records[owner]?.uid == uid { records[owner] = nil }
        }
    }

    /// What is noted for an owner, by resource; nil for nothing.
    func noted(for owner: ObjectName) -> [String: String]? { records.withLock { $0[owner]?.written } }
}

/// A cache is older than a write that was made for an owner.
public struct StaleCache: Error, Hashable, Sendable, CustomStringConvertible {
    /// Whose reconciliation has to wait.
    public let owner: ObjectName
    /// The resource whose cache is behind.
    public let resource: String
    /// How far the cache is.
    public let read: ResourceVersion
    /// What was written.
    public let wrote: ResourceVersion

    /// All four.
    public var description: String {
        "\(owner) has to wait: the cache of \(resource) is at version \(read), and version \(wrote) was written"
    }
}
