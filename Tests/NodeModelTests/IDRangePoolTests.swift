// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Testing

@Suite("Ranges of ids to claim")
struct IDRangePoolTests {
    @Test("A pool has the blocks that lie wholly in its ranges")
    func blocks() {
        #expect(IDRangePool(ranges: [65_536...196_607]).blocks == [65_536, 131_072])
        #expect(IDRangePool(ranges: [65_537...196_607]).blocks == [131_072])
        #expect(IDRangePool(ranges: [65_536...196_606]).blocks == [65_536])
        #expect(IDRangePool(ranges: [1...65_536]).blocks.isEmpty)
        #expect(IDRangePool(ranges: []).blocks.isEmpty)
        #expect(IDRangePool(ranges: [262_144...327_679, 65_536...131_071]).blocks == [65_536, 262_144])
    }

    @Test("The block of 4294967295, which is no id, is none, and nothing overflows")
    func end() throws {
        let pool = IDRangePool(ranges: [4_294_770_688...UInt32.max])
        #expect(pool.blocks == [4_294_770_688, 4_294_836_224])
        for block in pool.blocks { _ = try IDMap(outside: block, count: IDRangePool.blockSize) }
        #expect(IDRangePool(ranges: [4_294_901_760...UInt32.max]).blocks.isEmpty)
    }

    @Test("What is subtracted goes with every block it touches")
    func subtracting() {
        var pool = IDRangePool(ranges: [65_536...393_215])
        pool.subtract([131_071...131_072, 262_144...262_144])
        #expect(pool.blocks == [196_608, 327_680])
        pool.subtract([0...UInt32.max])
        #expect(pool.blocks.isEmpty)
    }

    @Test("The default pool avoids every block that touches somebody's subordinate ids")
    func avoiding() {
        let all = IDRangePool(avoiding: [])
        #expect(all.blocks.first == 524_288)
        #expect(all.blocks.last.map { $0 + 65_535 } == 1_879_048_191)
        let touched = IDRangePool(avoiding: SubordinateIDs.parse("user:589823:2\n"))
        #expect(touched.blocks.count == all.blocks.count - 2)
        #expect(touched.blocks.first == 655_360)
    }

    @Test("Lines of subuid are read, and what is none is passed over")
    func parsing() {
        let text = """
            a:100000:65536

            # comment
            b:1:0
            c:x:1
            d:1
            1000:200000:1
            e:4294967295:1
            f:4294967295:2
            g:1:2:3
            h:-1:5

            """
        let lines = SubordinateIDs.parse(text)
        #expect(lines.map(\.user) == ["a", "1000", "e"])
        #expect(lines.first?.range == 100_000...165_535)
        #expect(lines.last?.range == UInt32.max...UInt32.max)
        #expect(SubordinateIDs.parse("").isEmpty)
    }
}
