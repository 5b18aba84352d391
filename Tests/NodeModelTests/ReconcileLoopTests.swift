// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import NodeModel

private struct Refused: Error, Equatable {}

/// Fails as often as it is told to.
private final class Stubborn: Reconciler {
    let controllerName = "stubborn"
    let failures: Mutex<Int>
    let again: Duration?

    init(failures: Int, again: Duration? = nil) {
        self.failures = Mutex(failures)
        self.again = again
    }

    func reconcile(_ object: ObjectName, at now: Timestamp) async throws(Refused) -> Timestamp? {
        let isRefused = failures.withLock { left in
            left -= 1
            return left >= 0
        }
        if isRefused { throw Refused() }
        return again.map { now + $0 }
    }
}

@Suite struct ReconcileLoopTests {
    private let web = ObjectName(namespace: "default", name: "web")

    /// When each turn of the loop took place, in milliseconds, and what came of it.
    private func turns<C: Reconciler>(_ loop: ReconcileLoop<C>, upTo limit: Int = 10) async -> [String] {
        var found: [String] = []
        var now = Timestamp(seconds: 0)
        while found.count < limit {
            guard let turn = await loop.turn(at: now) else {
                guard let time = loop.nextTime else { break }
                now = time
                continue
            }
            let word =
                switch turn {
                case .done: "done"
                case .skipped: "skipped"
                case .failed: "failed"
                }
            found.append("\((now - Timestamp(seconds: 0)) / .milliseconds(1)) \(word)")
        }
        return found
    }

    @Test func `An object that fails comes back later and later, until it goes well`() async {
        let loop = ReconcileLoop(Stubborn(failures: 3), staleness: Unguarded())
        loop.enqueue(web)
        #expect(await turns(loop) == ["0.0 failed", "5.0 failed", "15.0 failed", "35.0 done"])
        #expect(loop.staleSkips == 0 && !loop.hasWork)
    }

    @Test func `A reconciler says when to look again`() async {
        let loop = ReconcileLoop(Stubborn(failures: 0, again: .seconds(60)), staleness: Unguarded())
        loop.enqueue(web)
        #expect(await turns(loop, upTo: 3) == ["0.0 done", "60000.0 done", "120000.0 done"])
    }

    @Test func `A stale cache puts the object back and is counted by the name of the controller`() async throws {
        let things = ObjectStore<Thing>()
        things.apply(DeltaBatch(deltas: [.bookmark(version: "9")]))
        let store = ConsistencyStore(caches: ["things": things])
        store.wroteAt(web, uid: "1", resource: "things", version: "10")
        let loop = ReconcileLoop(Stubborn(failures: 0), staleness: store)
        loop.enqueue(web)
        #expect(await turns(loop, upTo: 3) == ["0.0 skipped", "5.0 skipped", "15.0 skipped"])
        things.apply(DeltaBatch(deltas: [.bookmark(version: "10")]))
        #expect(await turns(loop) == ["35.0 done"])
        #expect(loop.metric.name == "stubborn_controller_stale_sync_skips_total")
        #expect(loop.metric.value == 3 && loop.metric.kind == .counter && loop.metric.labels.isEmpty)
    }

    @Test func `The gauge of a cache has the labels of Kubernetes`() {
        let informer = Informer<Thing>(InformerIdentity(name: "agent", group: "batch", resource: "jobs"))
        informer.tell { $0.bookmark(version: "1234567890123456") }
        informer.applyNext()
        #expect(informer.metric.name == "informer_store_resource_version" && informer.metric.kind == .gauge)
        #expect(informer.metric.labels.map(\.name) == ["name", "group", "version", "resource"])
        #expect(informer.metric.labels.map(\.value) == ["agent", "batch", "v1", "jobs"])
        #expect(informer.metric.value == 234_567_890_123_456)
    }

    @Test func `Many workers never look at one object at a time`() async {
        final class Exclusive: Reconciler {
            let controllerName = "exclusive"
            let inside = Mutex<Set<ObjectName>>([])
            let turns = Mutex(0)
            func reconcile(_ object: ObjectName, at now: Timestamp) async throws(Never) -> Timestamp? {
                #expect(inside.withLock { $0.insert(object).inserted })
                await Task.yield()
                inside.withLock { _ = $0.remove(object) }
                turns.withLock { $0 += 1 }
                return nil
            }
        }
        let controller = Exclusive()
        let loop = ReconcileLoop(controller, staleness: Unguarded())
        await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    for round in 0..<100 {
                        loop.enqueue(ObjectName(name: "n\(round % 3)"))
                        await loop.turn(at: Timestamp(seconds: 0))
                    }
                }
            }
        }
        while await loop.turn(at: Timestamp(seconds: 0)) != nil {}
        #expect(controller.turns.withLock { $0 } >= 3)
    }
}
