// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing

@testable import NodeModel

// The fields are named as in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Table: Decodable {
    struct Sequence: Decodable {
        struct Step: Decodable {
            let op: String
            let owner, uid, gr, rv: String?
            let expect_recorded: [String: String]?
            let expect: Expectation?
        }
        /// "ready", or whether a record is there.
        enum Expectation: Decodable, Equatable {
            case text(String)
            case flag(Bool)
            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                if let flag = try? value.decode(Bool.self) {
                    self = .flag(flag)
                } else {
                    self = .text(try value.decode(String.self))
                }
            }
        }
        let test: String
        let steps: [Step]
    }
    struct Comparison: Decodable {
        /// -1, 0, 1, or "error".
        enum Expected: Decodable, Equatable {
            case order(Int)
            case error
            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                self = (try? value.decode(Int.self)).map(Expected.order) ?? .error
            }
        }
        let test, a, b: String
        let expected: Expected
    }
    let sequences: [Sequence]
    let compare_resource_version: [Comparison]
}

/// A cache that follows as far as a test says.
private final class Cache: VersionedCache {
    private let version = Mutex("")
    var lastSyncedResourceVersion: String { version.withLock { $0 } }
    func bookmark(_ text: String) { version.withLock { $0 = text } }
}

@Suite struct StalenessTests {
    private let owner = ObjectName(namespace: "default", name: "owner1")

    @Test func `Every comparison of the table comes out as in Kubernetes`() throws {
        let table: Table = try vectors("consistency_store.json")
        for row in table.compare_resource_version {
            let found: Table.Comparison.Expected
            do {
                let (a, b) = (try ResourceVersion(parsing: row.a), try ResourceVersion(parsing: row.b))
                found = .order(a < b ? -1 : a == b ? 0 : 1)
            } catch { found = .error }
            #expect(found == row.expected, "\(row.test)")
        }
    }

    @Test(arguments: ["", "0", "01", "-1", "+1", " 1", "1 ", "1.0", "abc", "\u{661}"])
    func `A text that is no version is refused`(text: String) {
        #expect(throws: ResourceVersionError.self) { try ResourceVersion(parsing: text) }
    }

    @Test(
        arguments: [("", 0), ("10", 10), ("1234567890123456", 234_567_890_123_456), ("abc", nil)] as [(String, Int64?)])
    func `The gauge is the last fifteen digits`(text: String, expected: Int64?) {
        #expect(ResourceVersion.gauge(of: text) == expected)
    }

    @Test func `Every sequence of the table is answered as in Kubernetes`() throws {
        let table: Table = try vectors("consistency_store.json")
        for sequence in table.sequences where !sequence.test.contains("Concurrent") {
            let caches = ["pods": Cache(), "daemonsets.apps": Cache()]
            let store = ConsistencyStore(caches: caches)
            for (index, step) in sequence.steps.enumerated() {
                let context = "\(sequence.test), step \(index)"
                switch step.op {
                case "WroteAt":
                    store.wroteAt(
                        owner, uid: step.uid ?? "uid", resource: try #require(step.gr), version: try #require(step.rv))
                case "Bookmark": caches[try #require(step.gr)]?.bookmark(try #require(step.rv))
                case "record exists?": #expect(.flag(store.noted(for: owner) != nil) == step.expect, "\(context)")
                default:
                    #expect(step.op.hasPrefix("EnsureReady"), "\(context)")
                    var answer = "ready"
                    do { try store.ensureReady(owner) } catch { answer = "not ready" }
                    #expect(.text(answer) == step.expect, "\(context)")
                }
                if let recorded = step.expect_recorded {
                    #expect(store.noted(for: owner) == recorded, "\(context)")
                }
            }
        }
    }

    @Test func `Another uid is another object, and clearing one leaves the other`() throws {
        let cache = Cache()
        cache.bookmark("5")
        let store = ConsistencyStore(caches: ["pods": cache])
        store.wroteAt(owner, uid: "old", resource: "pods", version: "10")
        store.wroteAt(owner, uid: "new", resource: "pods", version: "7")
        #expect(store.noted(for: owner) == ["pods": "7"])
        store.clear(owner, uid: "old")
        let stale = #expect(throws: StaleCache.self) { try store.ensureReady(owner) }
        #expect(
            stale?.description
                == "default/owner1 has to wait: the cache of pods is at version 5, and version 7 was written")
        store.clear(owner)
        try store.ensureReady(owner)
    }

    @Test func `Writers of many threads lose nothing`() async {
        let store = ConsistencyStore(caches: ["pods": Cache()])
        await withTaskGroup { group in
            for version in 1...200 {
                group.addTask { [owner] in store.wroteAt(owner, uid: "u", resource: "pods", version: "\(version)") }
            }
        }
        #expect(store.noted(for: owner) == ["pods": "200"])
    }

    /// A controller that keeps one pod for its owner, over a cache that lags behind what it writes.
    private final class Controller {
        let cache = Cache()
        let guarded: Bool
        let store: ConsistencyStore
        var created = 0
        var seen = 0
        var skipped = 0

        init(guarded: Bool) {
            self.guarded = guarded
            store = ConsistencyStore(caches: ["pods": cache])
            cache.bookmark("1")
        }

        func reconcile(_ owner: ObjectName) {
            if guarded {
                do { try store.ensureReady(owner) } catch { return skipped += 1 }
            }
            guard seen == 0 else { return }
            created += 1
            store.wroteAt(owner, uid: "uid", resource: "pods", version: "\(1 + created)")
        }

        func catchUp() {
            seen = created
            cache.bookmark("\(1 + created)")
        }
    }

    @Test func `A controller whose cache lags creates a pod twice, and once with the store`() {
        for (guarded, pods) in [(false, 2), (true, 1)] {
            let controller = Controller(guarded: guarded)
            controller.reconcile(owner)
            controller.reconcile(owner)  // the cache has not seen the pod yet
            controller.catchUp()
            controller.reconcile(owner)
            #expect(controller.created == pods)
            #expect(controller.skipped == (guarded ? 1 : 0))
        }
    }
}
