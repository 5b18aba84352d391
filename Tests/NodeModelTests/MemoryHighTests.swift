// SPDX-License-Identifier: Apache-2.0

import NodeModel
import TestSupport
import Testing

// The fields are named as in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Table: Decodable {
    struct Row: Decodable {
        let test: String
        let request_bytes: UInt64
        let limit_bytes: UInt64
        let node_allocatable_bytes: UInt64?
        let factor: Double?
        let page_size: UInt64
        let expected_memory_high: UInt64?
    }
    let rows: [Row]
}

@Suite struct MemoryHighTests {
    @Test func `The throttling limit of every row in the table is the kubelet's`() throws {
        for row in try vectors("memory_high.json", as: Table.self).rows {
            let high = MemoryHigh.limit(
                request: ByteCount(row.request_bytes), limit: ByteCount(row.limit_bytes),
                nodeAllocatable: row.node_allocatable_bytes.map { ByteCount($0) },
                factor: try row.factor.map { try ThrottlingFactor($0) }, pageSize: ByteCount(row.page_size))
            #expect(high?.bytes == row.expected_memory_high, "\(row.test)")
        }
    }

    @Test func `A container that asks for nothing is throttled below what the node has for pods`() {
        let high = MemoryHigh.limit(
            request: .zero, limit: .zero, nodeAllocatable: .gibibytes(32), factor: .standard, pageSize: ByteCount(4096))
        #expect(high == ByteCount(30_923_763_712))
    }

    @Test(arguments: [0, -0.5, 1.000_000_1, .nan, .infinity])
    func `A factor outside of 0 to 1 is refused`(value: Double) {
        #expect(throws: ThrottlingFactorError.self) { try ThrottlingFactor(value) }
    }
}
