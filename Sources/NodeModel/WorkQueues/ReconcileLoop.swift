// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Takes objects from a work queue, asks the guard, and lets a reconciler look at them.
///
/// An object whose caches are older than the controller's last write is put back instead, later and later, and counted. One
/// turn is one call of ``turn(at:)``; any number of tasks may call it.
///
/// Source: KEP-5647, which puts an object back as after an error.
public final class ReconcileLoop<Controller: Reconciler>: Sendable {
    private let controller: Controller
    private let staleness: any StalenessGuard
    private let state: Mutex<State>

    private struct State {
        var queue: WorkQueue<ObjectName>
        var skips: UInt64 = 0
    }

    /// A loop with an empty queue.
    /// - Parameters:
    ///   - controller: what looks at the objects.
    ///   - staleness: what is asked before; the controller tells it of its writes.
    ///   - queue: a queue with other delays.
    public init(
        _ controller: Controller, staleness: any StalenessGuard, queue: WorkQueue<ObjectName> = WorkQueue()
    ) {
        self.controller = controller
        self.staleness = staleness
        state = Mutex(State(queue: queue))
    }

    /// An object is to be looked at.
    public func enqueue(_ object: ObjectName) { state.withLock { $0.queue.add(object) } }

    /// An object is to be looked at from a time on.
    public func enqueue(_ object: ObjectName, at time: Timestamp) { state.withLock { $0.queue.add(object, at: time) } }

    /// Looks at the next object.
    /// - Parameter now: the time.
    /// - Returns: what came of it; nil when no object is due.
    @discardableResult public func turn(at now: Timestamp) async -> ReconcileTurn<Controller.Failure>? {
        guard let object = state.withLock({ $0.queue.next(at: now) }) else { return nil }
        do { try staleness.ensureReady(object) } catch {
            return .skipped(error, until: putBack(object, at: now, isStale: true))
        }
        do {
            let again = try await controller.reconcile(object, at: now)
            state.withLock { state in
                state.queue.forget(object)
                if let again { state.queue.add(object, at: again) }
                state.queue.done(object)
            }
            return .done(object, again: again)
        } catch {
            return .failed(object, error, until: putBack(object, at: now, isStale: false))
        }
    }

    private func putBack(_ object: ObjectName, at now: Timestamp, isStale: Bool) -> Timestamp {
        state.withLock { state in
            if isStale { state.skips += 1 }
            let until = state.queue.addAfterFailure(object, at: now)
            state.queue.done(object)
            return until
        }
    }

    /// Whether an object can be taken without waiting.
    public var hasWork: Bool { state.withLock { $0.queue.count > 0 } }

    /// When the next of the objects that wait is due; nil when none waits.
    public var nextTime: Timestamp? { state.withLock { $0.queue.nextTime } }

    /// How many times an object was put back because a cache was too old.
    public var staleSkips: UInt64 { state.withLock { $0.skips } }

    /// ``staleSkips`` as monitoring reads it.
    public var metric: MetricSample { .staleSyncSkips(controller: controller.controllerName, count: staleSkips) }
}
