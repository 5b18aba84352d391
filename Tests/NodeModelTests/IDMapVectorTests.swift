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
        let map = try IDMap(extents: extents(row.op.map))
        let id = try #require(row.op.id)
        #expect((row.op.name == "map_down" ? map.outside(uid: id) : map.inside(uid: id)) == row.expect.id)
        #expect((row.op.name == "map_down" ? map.outside(gid: id) : map.inside(gid: id)) == row.expect.id)
    }

    @Test(arguments: try cases("normalize"))
    func `neighbours are merged only where both sides continue`(row: IDMapRow) throws {
        let map = try IDMap(extents: extents(row.op.map))
        #expect(map.uid == extents(row.expect.map))
    }

    /// Texts that the vectors describe instead of spelling out.
    @Test(arguments: try cases("map_write_generated") + cases("map_write_padded"))
    func `what is too long for the kernel's one write is refused before it`(row: IDMapRow) throws {
        let text: String
        if let bytes = row.op.bytes {
            text = "0 0 1" + String(repeating: " ", count: bytes - 5)
        } else {
            let count = UInt32(try #require(row.op.extents))
            // In the kernel "i i 1" lines are as many extents; here they would be merged into one.
            let step: UInt32 = row.op.pattern == "i i 1" ? 2 : 1
            let (inside, outside): (UInt32, UInt32) =
                row.op.pattern == "i i 1" ? (0, 0) : (4_000_000_000, 3_000_000_000)
            text = (0..<count).map { "\(inside + $0 * 2) \(outside + $0 * step) 1\n" }.joined()
        }
        if row.expect.ok == true {
            let map = try IDMap(kernelUID: text, gid: text)
            #expect(map.uid.count == row.op.extents ?? 1)
            #expect(map.uidText.utf8.count <= IDMap.maximumTextBytes)
        } else {
            let error = #expect(throws: IDMapError.self) { try IDMap(kernelUID: text, gid: text) }
            // With the byte count where that is the reason.
            if row.libraryMust != nil { #expect(error?.description.contains("8160 bytes") == true) }
        }
    }

    @Test(arguments: try cases("compose"))
    func `a map in a map is one map, and what the outer lacks is told`(row: IDMapRow) throws {
        let inner = try IDMap(extents: extents(row.op.inner))
        let result = try inner.composed(with: try IDMap(extents: extents(row.op.outer)))
        #expect(result.map?.uid ?? [] == extents(row.expect.map))
        #expect(result.map?.gid ?? [] == extents(row.expect.map))
        let unmapped = (row.expect.unmapped ?? []).map { IDRange(first: UInt32($0[0]), count: UInt32($0[1])) }
        #expect(result.unmappedUID == unmapped && result.unmappedGID == unmapped)
    }

    @Test(arguments: try cases("split_for_parent"))
    func `extents are cut where the parent's begin and end`(row: IDMapRow) throws {
        let map = try IDMap(extents: extents(row.op.map))
        let parts = try map.split(forParent: try IDMap(extents: extents(row.op.parent)))
        #expect(parts.uid == extents(row.expect.map) && parts.gid == parts.uid)
    }

    @Test(arguments: try cases("encoded_size"))
    func `the size of a text is known`(row: IDMapRow) throws {
        #expect(row.op.mapPattern == "i i 1 for i in 0..339 step 2")
        let map = try IDMap(extents: (0..<340).map { IDMap.Extent(inside: $0 * 2, outside: $0 * 2, count: 1) })
        #expect(map.uidText.utf8.count == row.expect.bytes)
        #expect((map.uidText.utf8.count <= IDMap.maximumTextBytes) == row.expect.fits)
    }

    @Test(arguments: try cases("max_extents"))
    func `how many extents fit is known`(row: IDMapRow) throws {
        let count = IDMap.maximumExtents(
            lineBytes: try #require(row.op.lineBytes), pageSize: try #require(row.op.pageSize))
        #expect(count == row.expect.extents)
    }

    @Test func `every row of these groups has a test`() throws {
        let names = Set(try vectors("idmap_cases.json", as: Table.self).cases.compactMap(\.row?.op.name))
        let tested: Set = [
            "map_write", "map_write_generated", "map_write_padded", "map_down", "map_up", "normalize", "validate",
            "compose", "split_for_parent", "encoded_size", "max_extents",
        ]
        #expect(names == tested)
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
        var inner, outer, parent: [[UInt64]]?
        var extents, bytes: Int?
        var pattern, mapPattern: String?
        var lineBytes, pageSize: Int?

        enum CodingKeys: String, CodingKey {
            case name, text, map, id, inner, outer, parent, extents, bytes, pattern
            case mapPattern = "map_pattern"
            case lineBytes = "line_bytes"
            case pageSize = "page_size"
        }
    }
    struct Expectation: Decodable, Sendable {
        var ok, fits: Bool?
        var error: String?
        var id: UInt32?
        var bytes, extents: Int?
        var map, unmapped: [[UInt64]]?

        enum CodingKeys: String, CodingKey {
            case ok, error, id, map, unmapped, bytes, extents
            case fits = "fits_page_4096"
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

private func extents(_ triples: [[UInt64]]?) -> [IDMap.Extent] { (triples ?? []).compactMap(extent) }

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
        case .notInParent: "not-in-parent"
        case .tooManyExtents: "too-many-extents"
        case .tooLong: "too-long"
        }
    }
}
