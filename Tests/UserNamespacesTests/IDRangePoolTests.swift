// SPDX-License-Identifier: Apache-2.0

import Testing
import UserNamespaces

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

    @Test("The last ids of all make a block, and nothing overflows")
    func end() {
        let pool = IDRangePool(ranges: [4_294_836_224...UInt32.max])
        #expect(pool.blocks == [4_294_836_224, 4_294_901_760])
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
