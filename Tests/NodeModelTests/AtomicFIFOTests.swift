// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import NodeModel

struct Thing: VersionedObject, Equatable {
    var objectName: ObjectName
    var resourceVersion: String?
    var group = ""

    init(_ name: String, version: String? = nil, group: String = "") {
        objectName = ObjectName(name: name)
        resourceVersion = version
        self.group = group
    }
}

extension Delta<Thing> {
    /// As the tables spell it.
    var text: String {
        switch self {
        case .added(let thing): "Added:\(thing.objectName)"
        case .updated(let thing): "U:\(thing.objectName)"
        case .deleted(let thing): "Deleted:\(thing.objectName)"
        case .deletedUnseen(let name): "Unseen:\(name)"
        case .replaced(let thing): "R:\(thing.objectName)"
        case .synced(let thing): "Sync:\(thing.objectName)"
        case .replacedAll(let things, let version): "ReplacedAll:\(version)\(things.map(\.objectName))"
        case .syncedAll: "SyncAll"
        case .bookmark(let version): "Bookmark:\(version)"
        }
    }
}

// The fields are named as in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Table: Decodable {
    struct Batches: Decodable {
        let test: String
        let initial, updates: [String]
        let batch_size: Int
        let expected_batches: [[String]]
    }
    /// `["Replace", [], "123"]`: a word, then texts or an empty list.
    enum Part: Decodable {
        case text(String)
        case list
        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            self = (try? value.decode(String.self)).map(Part.text) ?? .list
        }
        var text: String { if case .text(let text) = self { text } else { "" } }
    }
    struct Operations: Decodable {
        let test: String
        let ops, expected: [[Part]]
    }
    let fifo_batches: [Batches]
    let atomic_fifo: [Operations]
}

@Suite struct AtomicFIFOTests {
    private func batches(_ fifo: inout AtomicFIFO<Thing>, upTo limit: Int = 1000) -> [[String]] {
        var found: [[String]] = []
        while let batch = fifo.next(upTo: limit) {
            found.append(batch.deltas.map(\.text))
            fifo.finish()
        }
        return found
    }

    @Test func `Every row of the table about batches is cut as in Kubernetes`() throws {
        let table: Table = try vectors("consistency_store.json")
        for row in table.fifo_batches {
            var fifo = row.initial.isEmpty ? AtomicFIFO() : AtomicFIFO(list: row.initial.map { Thing($0) })
            for name in row.updates { fifo.update(Thing(name)) }
            #expect(batches(&fifo, upTo: row.batch_size) == row.expected_batches, "\(row.test)")
        }
    }

    @Test func `Every row of the table about atomic events is queued as in Kubernetes`() throws {
        let table: Table = try vectors("consistency_store.json")
        for row in table.atomic_fifo {
            var fifo = AtomicFIFO<Thing>()
            for operation in row.ops {
                switch operation.first?.text {
                case "Add": fifo.add(Thing(operation[1].text))
                case "Bookmark": fifo.bookmark(version: operation[1].text)
                case "Replace": fifo.replace(with: [], version: operation[2].text)
                default: fifo.resync()
                }
            }
            let expected = row.expected.map { parts in
                parts.count == 1 ? parts[0].text : parts[0].text + ":" + parts[1].text + (parts.count == 3 ? "[]" : "")
            }
            #expect(batches(&fifo) == expected.map { [$0] }, "\(row.test)")
        }
    }

    @Test func `A batch that is under way holds the next one back`() {
        var fifo = AtomicFIFO<Thing>()
        fifo.add(Thing("a"))
        #expect(fifo.next() != nil)
        fifo.update(Thing("a"))
        #expect(fifo.next() == nil && fifo.count == 1)
        fifo.finish()
        #expect(fifo.next()?.deltas.map(\.text) == ["U:a"])
    }

    @Test func `The first list is synced when it was applied, not when it was handed out`() {
        var fifo = AtomicFIFO<Thing>()
        fifo.bookmark(version: "5")
        #expect(fifo.next() != nil)
        #expect(!fifo.hasSynced)
        fifo.replace(with: [Thing("a"), Thing("b")], version: "7")
        fifo.finish()
        #expect(!fifo.hasSynced)
        #expect(fifo.next() != nil)
        #expect(!fifo.hasSynced)
        fifo.finish()
        #expect(fifo.hasSynced)
    }

    @Test func `What is told before the first list counts as synced at once`() {
        var fifo = AtomicFIFO<Thing>()
        fifo.add(Thing("a"))
        #expect(fifo.hasSynced)
    }

    @Test func `Bookmarks are passed over when nobody wants them`() {
        var fifo = AtomicFIFO<Thing>(takesBookmarks: false)
        fifo.bookmark(version: "5")
        #expect(fifo.isEmpty)
    }

    @Test func `Whatever is told in whatever order comes out in that order, in batches of different objects`() {
        var random = SplitMix(state: 36)
        for _ in 0..<80 {
            var fifo = AtomicFIFO<Thing>()
            var told: [String] = []
            var handedOut: [String] = []
            var isUnderWay = false
            for step in 0..<120 {
                let thing = Thing("n\(Int.random(in: 0..<6, using: &random))", version: "\(step + 1)")
                switch Int.random(in: 0..<12, using: &random) {
                case 0, 1: told.append(Delta.added(thing).text); fifo.add(thing)
                case 2, 3: told.append(Delta.updated(thing).text); fifo.update(thing)
                case 4: told.append(Delta.deleted(thing).text); fifo.delete(thing)
                case 5:
                    told.append(Delta<Thing>.deletedUnseen(thing.objectName).text); fifo.deleteUnseen(thing.objectName)
                case 6:
                    told.append(Delta.replacedAll([thing], version: "\(step)").text)
                    fifo.replace(with: [thing], version: "\(step)")
                case 7: told.append(Delta<Thing>.bookmark(version: "\(step)").text); fifo.bookmark(version: "\(step)")
                case 8 where isUnderWay:
                    fifo.finish()
                    isUnderWay = false
                default:
                    let limit = Int.random(in: 1...5, using: &random)
                    guard let batch = fifo.next(upTo: limit) else { break }
                    #expect(!isUnderWay)
                    isUnderWay = true
                    let names = batch.deltas.compactMap(\.name)
                    #expect(Set(names).count == names.count && batch.deltas.count <= limit)
                    #expect(names.count == batch.deltas.count || batch.deltas.count == 1)
                    handedOut += batch.deltas.map(\.text)
                    if Bool.random(using: &random) {
                        fifo.finish()
                        isUnderWay = false
                    }
                }
                #expect(fifo.count == told.count - handedOut.count)
            }
            if isUnderWay { fifo.finish() }
            handedOut += batches(&fifo).flatMap(\.self)
            #expect(handedOut == told)
            #expect(fifo.isEmpty && (told.isEmpty || fifo.hasSynced || told.allSatisfy { $0.hasPrefix("Bookmark") }))
        }
    }
}
