// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Testing

private typealias Extent = IDMap.Extent

@Suite struct IDMapTests {
    @Test func `one extent starts at id 0 inside and holds for users and groups`() throws {
        let map = try IDMap(outside: 100_000, count: 65_536)
        #expect(map.uidText == "0 100000 65536\n")
        #expect(map.gidText == map.uidText)
        #expect("\(map)" == "0:100000:65536")
    }

    @Test func `two ways to write the same map are equal`() throws {
        let split = try IDMap(parsing: ["5:105:5", "0:100:5"])
        let whole = try IDMap(outside: 100, count: 10)
        #expect(split == whole)
        #expect(split.hashValue == whole.hashValue)
        #expect(split.uidText == "0 100 10\n")
    }

    @Test func `a map for users and another for groups are kept apart`() throws {
        let map = try IDMap(parsingUID: ["0:1000:1"], gid: ["0:2000:1,1:3000:2"])
        #expect(map.uidText == "0 1000 1\n")
        #expect(map.gidText == "0 2000 1\n1 3000 2\n")
        #expect("\(map)" == "uid 0:1000:1 gid 0:2000:1,1:3000:2")
        #expect(map.outside(uid: 1) == nil)
        #expect(map.outside(gid: 2) == 3001)
        #expect(map.inside(gid: 3001) == 2)
        #expect(map.inside(uid: 2000) == nil)
    }

    @Test func `the printed form reads back`() throws {
        let map = try IDMap(parsing: "0:100000:1000,1000:1000:1,1001:101001:64535")
        #expect(try IDMap(parsing: map.description) == map)
        #expect(try IDMap(kernelUID: map.uidText, gid: map.gidText) == map)
    }

    @Test func `the kernel's padded columns are read`() throws {
        let text = "         0     100000      65536\n"
        #expect(try IDMap(kernelUID: text, gid: text) == IDMap(outside: 100_000, count: 65_536))
    }

    @Test func `the initial namespace's map holds every id but the invalid one`() throws {
        let map = try IDMap(kernelUID: "0 0 4294967295\n", gid: "0 0 4294967295\n")
        #expect(map.outside(uid: 4_294_967_294) == 4_294_967_294)
        #expect(map.outside(uid: 4_294_967_295) == nil)
    }

    @Test(arguments: [
        ("", IDMapError.malformed("")),
        ("0:1", .malformed("0:1")),
        ("0:1:2:3", .malformed("0:1:2:3")),
        ("0:1:2,", .malformed("")),
        ("0:-1:2", .notDecimal("-1", in: "0:-1:2")),
        ("+0:1:2", .notDecimal("+0", in: "+0:1:2")),
        ("0x0:1:2", .notDecimal("0x0", in: "0x0:1:2")),
        ("0: 1:2", .notDecimal(" 1", in: "0: 1:2")),
        ("0::2", .notDecimal("", in: "0::2")),
        ("٠:1:2", .notDecimal("٠", in: "٠:1:2")),
        ("0:4294967296:1", .outOfRange("4294967296", in: "0:4294967296:1")),
        ("0:99999999999999999999999:1", .outOfRange("99999999999999999999999", in: "0:99999999999999999999999:1")),
        ("4294967295:0:1", .invalidID(Extent(inside: .max, outside: 0, count: 1), .inside)),
        ("0:4294967295:1", .invalidID(Extent(inside: 0, outside: .max, count: 1), .outside)),
        ("0:5:0", .zeroLength(Extent(inside: 0, outside: 5, count: 0))),
        ("0:4294967290:6", .wrapsAround(Extent(inside: 0, outside: 4_294_967_290, count: 6), .outside)),
    ])
    func `a malformed text is refused with its reason`(text: String, reason: IDMapError) {
        #expect(throws: reason) { try IDMap(parsing: text) }
    }

    @Test func `an overlap names both extents and the side`() {
        let error = #expect(throws: IDMapError.self) { try IDMap(parsing: "0:100:10,20:105:1") }
        #expect(error?.description == "ID map extents 0:100:10 and 20:105:1 overlap outside")
        #expect(throws: IDMapError.self) { try IDMap(parsing: "0:100:10,9:500:1") }
    }

    @Test func `no extent is refused`() {
        #expect(throws: IDMapError.empty) { try IDMap(extents: []) }
        #expect(throws: IDMapError.empty) { try IDMap(parsing: []) }
        #expect(throws: IDMapError.empty) { try IDMap(kernelUID: "", gid: "0 0 1\n") }
    }

    @Test func `extents are counted after neighbours are merged`() throws {
        let neighbours = (0..<400).map { Extent(inside: $0, outside: 1000 + $0, count: 1) }
        #expect(try IDMap(extents: neighbours).uid.count == 1)
        let apart = (0..<341).map { Extent(inside: $0 * 2, outside: $0 * 2, count: 1) }
        #expect(throws: IDMapError.tooManyExtents(341)) { try IDMap(extents: apart) }
        #expect(try IDMap(extents: Array(apart.dropLast())).uid.count == 340)
    }

    @Test func `a text over 4,095 bytes is refused with its byte count`() throws {
        // 33 bytes a line: 124 lines are 4,092 bytes.
        let long = (0..<125).map {
            Extent(inside: 2_000_000_000 + $0 * 2_000_000, outside: 1_000_000_000 + $0 * 2_000_000, count: 1_000_000)
        }
        let fits = try IDMap(extents: Array(long.dropLast()))
        #expect(fits.uidText.utf8.count <= 4095)
        let longer = (0..<340).map { Extent(inside: 4_000_000_000 + $0 * 2, outside: 3_000_000_000 + $0, count: 1) }
        #expect(throws: IDMapError.tooLong(bytes: 8160, extents: 340)) { try IDMap(extents: longer) }
    }
}
