// SPDX-License-Identifier: Apache-2.0

/// What makes the world as an object says it should be.
///
/// It looks at caches, decides, writes, and notes each write with the ``StalenessGuard`` that its ``ReconcileLoop`` asks.
/// It may be called again at any time, for an object that is as it should be, or that is gone.
public protocol Reconciler: Sendable {
    /// Why a reconciliation could not be finished.
    associatedtype Failure: Error

    /// The name of the controller in lower case, as in its metrics: `job`.
    var controllerName: String { get }

    /// Looks at an object and does what is missing.
    /// - Parameters:
    ///   - object: its name. The same object is never looked at twice at a time.
    ///   - now: the time.
    /// - Returns: when to look again although nothing changes; nil for no need.
    func reconcile(_ object: ObjectName, at now: Timestamp) async throws(Failure) -> Timestamp?
}

/// What one turn of a ``ReconcileLoop`` came to.
public enum ReconcileTurn<Failure: Error>: Sendable {
    /// The object is as it should be; `again` is when to look without a cause.
    case done(ObjectName, again: Timestamp?)
    /// A cache is older than the controller's own last write; the object waits until a time, as after a failure.
    case skipped(StaleCache, until: Timestamp)
    /// It could not be finished; the object waits until a time.
    case failed(ObjectName, Failure, until: Timestamp)
}
