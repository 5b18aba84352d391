// SPDX-License-Identifier: Apache-2.0

import Foundation
import NodeModel
import Testing

@Suite struct StaleCacheArticleTests {
    @Test func `Without the guard the impatient owner gets two pods, with it one`() async {
        #expect(await podsOfAnImpatientOwner(guarded: false) == 2)
        #expect(await podsOfAnImpatientOwner(guarded: true) == 1)
    }

    private static let example = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "DoubleCreateExample.swift")

    /// A test bundle that runs away from its checkout has no article beside it.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: example.path), "there is no checkout"))
    func `The article shows the program that is tested`() throws {
        let article = Self.example.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/NodeModel/NodeModel.docc/StaleCaches.md")
        let shown = try String(contentsOf: article, encoding: .utf8).components(separatedBy: "```swift\n").last?
            .components(separatedBy: "```").first
        let tested = try String(contentsOf: Self.example, encoding: .utf8).components(
            separatedBy: "// article begins\n"
        )
        .last?.components(separatedBy: "// article ends").first
        #expect(shown == tested)
    }
}
