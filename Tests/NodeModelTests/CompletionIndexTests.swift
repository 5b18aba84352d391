// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import NodeModel

@Suite struct CompletionIndexTests {
    @Test(
        arguments: [
            ([], ""), ([1, 3, 4, 5, 7], "1,3-5,7"), ([0, 1], "0,1"), ([7, 5, 3, 4, 1], "1,3-5,7"), ([2, 2, -1], "2"),
        ] as [([Int32], String)])
    func `Indexes are written as Kubernetes writes them`(indexes: [Int32], text: String) {
        #expect(CompletionIndexes(indexes).description == text)
        #expect(CompletionIndexes(parsing: text) == CompletionIndexes(indexes))
    }

    @Test(arguments: ["1,", ",", "a", "3,2", "2-2", "4-3", "1-2-3", "-1", "1,1", "1 ,2"])
    func `Malformed indexes are refused`(text: String) { #expect(CompletionIndexes(parsing: text) == nil) }

    @Test func `Whatever is added, it is what a set holds`() {
        var random = SplitMix(state: 7)
        for _ in 0..<60 {
            var indexes = CompletionIndexes()
            var set: Set<Int32> = []
            for _ in 0..<30 {
                let index = Int32.random(in: 0..<25, using: &random)
                indexes.insert(index)
                set.insert(index)
            }
            #expect(indexes.count == set.count && set.allSatisfy(indexes.contains))
            #expect(CompletionIndexes(parsing: indexes.description) == indexes)
            let bound = Int32.random(in: 0...25, using: &random)
            #expect(indexes.below(bound) == CompletionIndexes(set.filter { $0 < bound }))
            let missing = (0..<bound).filter { !set.contains($0) && $0 != 3 }
            #expect(indexes.missing(5, below: bound, excluding: [3]) == Array(missing.prefix(5)))
        }
    }
}
