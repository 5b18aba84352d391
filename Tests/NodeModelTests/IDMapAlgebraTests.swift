// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Testing

private typealias Extent = IDMap.Extent

/// Maps against a model: tables of single ids.
@Suite struct IDMapAlgebraTests {
    /// Made-up maps over few ids, so that they meet often.
    private static func maps(_ count: Int, seed: UInt64) -> [IDMap] {
        var generator = SplitMix(state: seed)
        var maps: [IDMap] = []
        while maps.count < count {
            func extents() -> [Extent] {
                (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                    Extent(
                        inside: .random(in: 0..<24, using: &generator), outside: .random(in: 0..<24, using: &generator),
                        count: .random(in: 1...8, using: &generator))
                }
            }
            if let map = try? IDMap(uid: extents(), gid: extents()) { maps.append(map) }
        }
        return maps
    }

    private func table(_ extents: [Extent]) -> [UInt32: UInt32] {
        var table: [UInt32: UInt32] = [:]
        for extent in extents {
            for offset in 0..<extent.count { table[extent.inside + offset] = extent.outside + offset }
        }
        return table
    }

    @Test func `inverting twice is the map, and inside is outside`() {
        for map in Self.maps(300, seed: 1) {
            #expect(map.inverted.inverted == map)
            for (inside, outside) in table(map.uid) {
                #expect(map.inverted.outside(uid: outside) == inside)
                #expect(map.inside(uid: outside) == inside)
            }
        }
    }

    @Test func `composing is looking up twice`() throws {
        let maps = Self.maps(200, seed: 2)
        for (inner, outer) in zip(maps, maps.reversed()) {
            let result = try inner.composed(with: outer)
            var expected: [UInt32: UInt32] = [:]
            var missing: Set<UInt32> = []
            for (inside, middle) in table(inner.gid) {
                if let outside = outer.outside(gid: middle) {
                    expected[inside] = outside
                } else {
                    missing.insert(inside)
                }
            }
            if let map = result.map { #expect(table(map.gid) == expected) }
            #expect(Set(result.unmappedGID.flatMap { $0.first..<$0.first + $0.count }) == missing)
            if result.map == nil {
                #expect(expected.isEmpty || table(inner.uid).values.allSatisfy { outer.outside(uid: $0) == nil })
            }
        }
    }

    @Test func `split extents say the same, and each lies in one extent of the parent`() throws {
        let maps = Self.maps(400, seed: 3)
        var refused = 0
        for (map, parent) in zip(maps, maps.dropFirst()) {
            guard let parts = try? map.split(forParent: parent) else {
                refused += 1
                let error = #expect(throws: IDMapError.self) { try map.split(forParent: parent) }
                guard case .notInParent(let extent, let missing) = error else { continue }
                #expect(map.uid.contains(extent) || map.gid.contains(extent))
                for id in missing.first..<UInt32(missing.end) {
                    #expect(parent.outside(uid: id) == nil || parent.outside(gid: id) == nil)
                }
                continue
            }
            #expect(table(parts.uid) == table(map.uid))
            for part in parts.uid {
                let isWithin = parent.uid.contains {
                    $0.inside <= part.outside && part.outside + part.count <= $0.inside + $0.count
                }
                #expect(isWithin)
            }
        }
        #expect(refused > 0 && refused < 399)
    }

    @Test func `an intersection has what both maps say alike`() {
        let maps = Self.maps(300, seed: 4)
        for (one, other) in zip(maps, maps.reversed()) {
            let expected = table(one.uid).filter { table(other.uid)[$0.key] == $0.value }
            if let both = one.intersection(other) { #expect(table(both.uid) == expected) }
            #expect(one.intersection(one) == one)
        }
    }

    @Test func `the ids that the parent lacks are named with their extent`() throws {
        let map = try IDMap(parsing: "0:0:65536")
        let parent = try IDMap(parsing: "0:1000:1,1:100000:999")
        let error = #expect(throws: IDMapError.self) { try map.split(forParent: parent) }
        #expect(
            error?.description == "ID map extent 0:0:65536: the ids 1000 to 65535 are not in the parent user namespace")
        let whole = try IDMap(parsing: "0:1000:1,1:100000:65535")
        #expect(try map.texts(forParent: whole).uid == "0 0 1\n1 1 65535\n")
    }

    @Test func `the last ids of all do not overflow`() throws {
        let all = try IDMap(outside: 0, count: 4_294_967_295)
        let high = try IDMap(parsing: "0:4294967290:5")
        #expect(try high.composed(with: all).map == high)
        #expect(try high.split(forParent: all).uid == high.uid)
        #expect(all.intersection(all) == all)
        #expect(
            try high.composed(with: IDMap(parsing: "4294967292:0:1")).unmappedUID == [
                IDRange(first: 0, count: 2), IDRange(first: 3, count: 2),
            ])
    }
}
