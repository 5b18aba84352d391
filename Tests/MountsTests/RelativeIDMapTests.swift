// SPDX-License-Identifier: Apache-2.0

import Mounts
import NodeModel
import Testing

@Suite struct RelativeIDMapTests {
    private func resolved(_ text: String, in container: String?) throws -> String {
        let map = try RelativeIDMap(parsing: [text])
        return try "\(map.resolved(in: container.map { try IDMap(parsing: $0) }))"
    }

    @Test(
        arguments: [
            ("0:1000:10", nil, "0:1000:10"),
            ("@0:0:10", "0:100000:65536", "0:100000:10"),
            ("@0:1000:1", "0:100000:65536", "0:101000:1"),
            ("@5:1:3,8:7:2", "0:100000:65536", "5:100001:3,8:7:2"),
            ("@0:0:20", "0:100000:10,10:300000:10", "0:100000:10,10:300000:10"),
            ("@0:5:10", "0:100000:10,10:300000:10", "0:100005:5,5:300000:5"),
        ] as [(String, String?, String)])
    func `relative extents become host ids by the container's map`(_ text: String, _ container: String?, _ map: String)
        throws
    {
        #expect(try resolved(text, in: container) == map)
    }

    @Test func `an id that the container lacks is named`() throws {
        let map = try RelativeIDMap(parsing: ["@0:0:20"])
        let container = try IDMap(parsing: "0:100000:10,11:200000:10")
        #expect(throws: RelativeIDMapError.notInContainer(map.uid[0], id: 10)) { try map.resolved(in: container) }
        #expect(throws: RelativeIDMapError.noContainer(map.uid[0])) { try map.resolved(in: nil) }
        #expect("\(RelativeIDMapError.noContainer(map.uid[0]))".contains("@0:0:20"))
    }

    @Test func `what is no map is refused as such`() throws {
        #expect(throws: IDMapError.self) { try RelativeIDMap(parsing: ["@0:0"]) }
        #expect(throws: IDMapError.self) { try RelativeIDMap(parsing: ["@@0:0:1"]) }
        let twice = try RelativeIDMap(parsing: ["@0:0:1,0:7:1"])
        #expect(throws: RelativeIDMapError.self) { try twice.resolved(in: IDMap(parsing: "0:100000:10")) }
    }

    @Test func `uids and gids are apart`() throws {
        let map = try RelativeIDMap(parsingUID: ["@0:0:1"], gid: ["0:5:1"])
        #expect(map.isRelative)
        let resolved = try map.resolved(in: IDMap(outside: 1000, count: 10))
        #expect(resolved.outside(uid: 0) == 1000 && resolved.outside(gid: 0) == 5)
    }
}
