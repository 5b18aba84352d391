// SPDX-License-Identifier: Apache-2.0

import NodeModel
import TestSupport
import Testing

/// The rows of `idmap_cases.json` that a pure map can answer: what the kernel does with a text, and map arithmetic.
@Suite struct IDMapVectorTests {
    @Test(arguments: try cases("map_write"))
    func `what the kernel refuses is refused, and what it misreads too`(row: IDMapRow) throws {
        let text = try #require(row.op.text)
        let accepted = row.expect.ok == true && row.libraryMust != "reject"
        if accepted {
            let map = try IDMap(kernelUID: text, gid: text)
            #expect(try IDMap(kernelUID: map.uidText, gid: map.gidText) == map)
        } else {
            #expect(throws: IDMapError.self) { try IDMap(kernelUID: text, gid: text) }
        }
    }

    @Test(arguments: try cases("map_down") + cases("map_up"))
    func `an id is translated both ways`(row: IDMapRow) throws {
        let map = try IDMap(extents: #require(row.op.extents))
        let id = try #require(row.op.id)
        #expect((row.op.name == "map_down" ? map.outside(uid: id) : map.inside(uid: id)) == row.expect.id)
        #expect((row.op.name == "map_down" ? map.outside(gid: id) : map.inside(gid: id)) == row.expect.id)
    }

    @Test(arguments: try cases("normalize"))
    func `neighbours are merged only where both sides continue`(row: IDMapRow) throws {
        let map = try IDMap(extents: #require(row.op.extents))
        #expect(map.uid == row.expect.map?.compactMap(extent))
    }

    @Test(arguments: try cases("validate"))
    func `a map is refused for the stated reason`(row: IDMapRow) throws {
        let text = try #require(row.op.map).map { $0.map(String.init).joined(separator: ":") }
        let error = #expect(throws: IDMapError.self) { try IDMap(parsing: text) }
        #expect(error?.word == row.expect.error)
    }
}

struct IDMapRow: Decodable, Sendable, CustomTestStringConvertible {
    struct Operation: Decodable, Sendable {
        var name: String
        var text: String?
        var map: [[UInt64]]?
        var id: UInt32?
        var extents: [IDMap.Extent]? { map?.compactMap(extent) }

        enum CodingKeys: CodingKey { case name, text, map, id }
    }
    struct Expectation: Decodable, Sendable {
        var ok: Bool?
        var error: String?
        var id: UInt32?
        var map: [[UInt64]]?

        enum CodingKeys: CodingKey { case ok, error, id, map }
        init(from decoder: any Decoder) throws {
            // Other groups use these keys for other things; only map-write and map-algebra rows matter here.
            let values = try decoder.container(keyedBy: CodingKeys.self)
            ok = try? values.decode(Bool.self, forKey: .ok)
            error = try? values.decode(String.self, forKey: .error)
            id = try? values.decode(UInt32.self, forKey: .id)
            map = try? values.decode([[UInt64]].self, forKey: .map)
        }
    }
    var id: String
    var op: Operation
    var expect: Expectation
    var libraryMust: String?
    var testDescription: String { id }

    enum CodingKeys: String, CodingKey {
        case id, op, expect
        case libraryMust = "library_must"
    }
}

private struct Table: Decodable {
    var cases: [Entry]

    /// A row of another group has another shape, and is nil here.
    struct Entry: Decodable {
        var row: IDMapRow?
        enum CodingKeys: CodingKey { case group }
        init(from decoder: any Decoder) throws {
            let group = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .group)
            row = group == "map-write" || group == "map-algebra" ? try IDMapRow(from: decoder) : nil
        }
    }
}

private func cases(_ name: String) throws -> [IDMapRow] {
    try vectors("idmap_cases.json", as: Table.self).cases.compactMap(\.row).filter { $0.op.name == name }
}

private func extent(_ triple: [UInt64]) -> IDMap.Extent? {
    guard triple.count == 3, let inside = UInt32(exactly: triple[0]), let outside = UInt32(exactly: triple[1]),
        let count = UInt32(exactly: triple[2])
    else { return nil }
    return IDMap.Extent(inside: inside, outside: outside, count: count)
}

extension IDMapError {
    /// The word the vectors have for this reason.
    fileprivate var word: String {
        switch self {
        case .empty: "empty"
        case .malformed: "malformed"
        case .notDecimal: "not-decimal"
        case .outOfRange: "out-of-u32"
        case .invalidID: "invalid-id"
        case .zeroLength: "zero-length"
        case .wrapsAround: "wrap"
        case .overlap(_, _, .inside): "overlap-inside"
        case .overlap(_, _, .outside): "overlap-outside"
        case .tooManyExtents: "too-many-extents"
        case .tooLong: "too-long"
        }
    }
}
