// SPDX-License-Identifier: Apache-2.0

/// What a controller asks before each reconciliation, and tells of each of its writes.
///
/// Source: KEP-5647; kubernetes, pkg/controller/util/consistency.
public protocol StalenessGuard: Sendable {
    /// Notes that what was written for an owner has this version.
    func wroteAt(_ owner: ObjectName, uid: String, resource: String, version: String)
    /// Throws while a cache has not seen what was written for an owner.
    func ensureReady(_ owner: ObjectName) throws(StaleCache)
    /// Forgets the writes for an owner that is gone; with a uid, only for that object of the name.
    func clear(_ owner: ObjectName, uid: String)
}

extension ConsistencyStore: StalenessGuard {}

/// No mitigation: every owner is always ready. As Kubernetes with its gates off, and as every controller before.
public struct Unguarded: StalenessGuard {
    /// It keeps nothing.
    public init() {}
    /// Notes nothing.
    public func wroteAt(_ owner: ObjectName, uid: String, resource: String, version: String) {}
    /// Never throws.
    public func ensureReady(_ owner: ObjectName) throws(StaleCache) {}
    /// Nothing is there to forget.
    public func clear(_ owner: ObjectName, uid: String) {}
}
