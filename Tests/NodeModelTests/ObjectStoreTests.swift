// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TestSupport
import Testing

@testable import NodeModel

// The fields are named as in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Table: Decodable {
    struct Row: Decodable {
        struct Step: Decodable {
            let op: String
            let rv, expect, list_rv: String?
            let rvs, item_rvs: [String]?
        }
        let test: String
        let steps: [Step]
    }
    struct Gauge: Decodable {
        /// A number, or that it stays as it was.
        enum Expected: Decodable, Equatable {
            case value(Int64)
            case unchanged
            init(from decoder: any Decoder) throws {
                self = (try? decoder.singleValueContainer().decode(Int64.self)).map(Expected.value) ?? .unchanged
            }
        }
        let rv: String
        let expected_gauge: Expected
    }
    let store_rv: [Row]
    let store_metric: [Gauge]
}

extension StoreEvent<Thing> {
    var text: String {
        switch self {
        case .added(let thing): "+\(thing.objectName)"
        case .updated(let old, let new): "~\(new.objectName) \(old.resourceVersion ?? "")>\(new.resourceVersion ?? "")"
        case .deleted(let thing, let isUnknown): "-\(thing.objectName)" + (isUnknown ? "?" : "")
        }
    }
}

@Suite struct ObjectStoreTests {
    private func things(_ versions: [String]) -> [Thing] {
        versions.enumerated().map { Thing("t\($0)", version: $1) }
    }

    @Test func `Every row of the table leaves the version it leaves in Kubernetes`() throws {
        let table: Table = try vectors("consistency_store.json")
        for row in table.store_rv {
            let store = ObjectStore<Thing>()
            #expect(store.lastSyncedResourceVersion == "")
            for step in row.steps {
                let deltas: [Delta<Thing>] =
                    switch step.op {
                    case "Add": [.added(Thing("a", version: step.rv))]
                    case "DeleteWithObject": [.deleted(Thing("a", version: step.rv))]
                    case "Add non-metadata object": [.added(Thing("b"))]
                    case "Delete without object": [.deletedUnseen(ObjectName(name: "a"))]
                    case "Transaction": things(try #require(step.rvs)).map { .updated($0) }
                    default:
                        [.replacedAll(things(try #require(step.item_rvs)), version: try #require(step.list_rv))]
                    }
                store.apply(DeltaBatch(deltas: deltas))
                #expect(store.lastSyncedResourceVersion == step.expect, "\(row.test): \(step.op)")
            }
        }
    }

    @Test func `Every row of the table moves the gauge as in Kubernetes`() throws {
        let table: Table = try vectors("consistency_store.json")
        for row in table.store_metric {
            var contents = StoreContents<Thing>()
            _ = contents.apply(DeltaBatch(deltas: [.bookmark(version: "77")]))
            _ = contents.apply(DeltaBatch(deltas: [.bookmark(version: row.rv)]))
            #expect(
                Table.Gauge.Expected.value(contents.versionGauge)
                    == (row.expected_gauge == .unchanged ? .value(77) : row.expected_gauge))
        }
    }

    @Test func `A new list deletes what is missing, then updates and adds in its order`() {
        let informer = Informer<Thing>(InformerIdentity(name: "test", resource: "things"))
        informer.tell { queue in for name in ["a", "b", "c"] { queue.add(Thing(name, version: "1")) } }
        informer.applyNext()
        let events = informer.store.apply(
            DeltaBatch(deltas: [.replacedAll([Thing("d", version: "2"), Thing("b", version: "2")], version: "9")]))
        #expect(events.map(\.text) == ["-a?", "-c?", "+d", "~b 1>2"])
        #expect(informer.lastSyncedResourceVersion == "9")
        #expect(informer.metric.value == 9)
    }

    @Test func `All objects told again are updates of themselves`() {
        var contents = StoreContents<Thing>()
        _ = contents.apply(DeltaBatch(deltas: [.added(Thing("b", version: "1")), .added(Thing("a", version: "2"))]))
        #expect(contents.apply(DeltaBatch(deltas: [.syncedAll])).map(\.text) == ["~a 2>2", "~b 1>1"])
        #expect(contents.version == "2")
    }

    @Test func `A handler sees the whole batch, and may tell and ask`() {
        let seen = Mutex<[Int]>([])
        let box = Mutex<Informer<Thing>?>(nil)
        let informer = Informer<Thing>(InformerIdentity(name: "test", resource: "things")) { event in
            guard let informer = box.withLock({ $0 }) else { return }
            seen.withLock { $0.append(informer.store.snapshot.objects.count) }
            if event.object.objectName.name == "a" { informer.tell { $0.delete(event.object) } }
            #expect(!informer.applyNext())
        }
        box.withLock { $0 = informer }
        informer.tell { queue in for name in ["a", "b"] { queue.add(Thing(name, version: "1")) } }
        #expect(informer.applyNext())
        #expect(seen.withLock { $0 } == [2, 2])
        #expect(informer.waiting == 1)
        box.withLock { $0 = nil }
    }

    @Test func `Random changes leave what a plain dictionary has, and the events tell all of it`() {
        var random = SplitMix(state: 5647)
        for _ in 0..<50 {
            let informer = Informer<Thing>(
                InformerIdentity(name: "test", resource: "things"), indexes: [StoreIndex("group") { [$0.group] }])
            var model: [ObjectName: Thing] = [:]
            var version = ""
            var followed: [ObjectName: Thing] = [:]
            var store = StoreContents<Thing>(indexes: [StoreIndex("group") { [$0.group] }])
            var queue = AtomicFIFO<Thing>()
            for step in 1...60 {
                func thing() -> Thing {
                    Thing(
                        "n\(Int.random(in: 0..<8, using: &random))", version: "\(step)",
                        group: "g\(Int.random(in: 0..<3, using: &random))")
                }
                let one = thing()
                switch Int.random(in: 0..<6, using: &random) {
                case 0, 1:
                    queue.add(one)
                    model[one.objectName] = one
                    version = "\(step)"
                case 2:
                    queue.delete(one)
                    model[one.objectName] = nil
                    version = "\(step)"
                case 3:
                    queue.deleteUnseen(one.objectName)
                    model[one.objectName] = nil
                case 4:
                    let list = (0..<Int.random(in: 0..<5, using: &random)).map { _ in thing() }
                    queue.replace(with: list, version: "\(step)")
                    model = Dictionary(list.map { ($0.objectName, $0) }) { $1 }
                    version = "\(step)"
                default:
                    queue.bookmark(version: "\(step)")
                    version = "\(step)"
                }
                guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
                while let batch = queue.next(upTo: Int.random(in: 1...4, using: &random)) {
                    for event in store.apply(batch) {
                        switch event {
                        case .added(let new): #expect(followed.updateValue(new, forKey: new.objectName) == nil)
                        case .updated(let old, let new):
                            #expect(followed.updateValue(new, forKey: new.objectName) == old)
                        case .deleted(let last, let isUnknown):
                            let known = followed.removeValue(forKey: last.objectName)
                            #expect(!isUnknown || known == last)
                        }
                    }
                    queue.finish()
                }
                #expect(store.objects == model && followed == model)
                #expect(store.version == version)
                for group in 0..<3 {
                    #expect(
                        store.objects("g\(group)", in: "group").map(\.objectName)
                            == model.values.filter { $0.group == "g\(group)" }.map(\.objectName).sorted())
                }
            }
            #expect(informer.store.snapshot.objects.isEmpty)
        }
    }

    @Test func `Readers of many threads see each batch whole`() async {
        let store = ObjectStore<Thing>()
        await withTaskGroup { group in
            group.addTask {
                for round in 1...300 {
                    store.apply(DeltaBatch(deltas: (0..<5).map { .updated(Thing("n\($0)", version: "\(round)")) }))
                }
            }
            for _ in 0..<3 {
                group.addTask {
                    for _ in 0..<200 {
                        let snapshot = store.snapshot
                        #expect(snapshot.objects.values.allSatisfy { $0.resourceVersion == snapshot.version })
                        await Task.yield()
                    }
                }
            }
        }
        #expect(store.lastSyncedResourceVersion == "300")
    }
}
