// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Testing

@testable import BulkheadCommands
@testable import ToolOutput

@Suite("The tree as text")
struct TreeTests {
    private let plain = Style(isColoured: false)

    private func memory(
        _ current: UInt64, min: UInt64 = 0, low: UInt64 = 0, high: UInt64? = nil, max: UInt64? = nil
    ) -> TreeSample.Memory {
        TreeSample.Memory(
            current: .mebibytes(current), min: .mebibytes(min), low: .mebibytes(low),
            high: high.map(ByteCount.mebibytes) ?? .max, max: max.map(ByteCount.mebibytes) ?? .max)
    }

    private func sample(_ path: String, _ memory: TreeSample.Memory?, _ children: [TreeSample] = []) throws
        -> TreeSample
    {
        TreeSample(
            path: try CgroupPath(parsing: path), memory: memory, pids: 3, processes: nil, cpu: 1_500_000,
            isPopulated: true, isFrozen: false, descendants: UInt64(children.count), children: children)
    }

    private func bar(_ memory: TreeSample.Memory, of full: UInt64 = 100, unicode: Bool = true) -> String {
        TreeBar(memory, full: .mebibytes(full), width: 10).text(plain, unicode: unicode)
    }

    @Test("A bar shows use by how it is protected, then what is free, then the marks")
    func bars() {
        #expect(bar(memory(0)) == "··········")
        #expect(bar(memory(50)) == "▒▒▒▒▒·····")
        #expect(bar(memory(50, min: 20)) == "██▒▒▒·····")
        #expect(bar(memory(50, min: 20, low: 40)) == "██▓▓▒·····")
        #expect(bar(memory(50, low: 70)) == "▓▓▓▓▓··l··")
        #expect(bar(memory(50, min: 70, high: 90)) == "█████··m·h")
        #expect(bar(memory(50, min: 20, low: 30, high: 80), unicode: false) == "##=--...h.")
        #expect(bar(memory(80, high: 60), unicode: false) == "------~~..")
    }

    @Test("A bar has its width whatever the values are, and no use is too small to be seen")
    func extremes() {
        for memory in [memory(100, max: 100), memory(500), memory(1, min: 1000, low: 1000, high: 1000, max: 1000)] {
            #expect(bar(memory).count == 10)
        }
        #expect(bar(memory(1), of: 1_000_000).hasPrefix("▒·"))
        #expect(TreeBar(memory(5), full: .max, width: 10).parts.count == 10)
        #expect(TreeBar(memory(5), full: .zero, width: 0).parts.count == 1)
        #expect(TreeBar(memory(95, max: 100), full: .mebibytes(100), width: 10).isFull)
        #expect(!TreeBar(memory(80, max: 100), full: .mebibytes(100), width: 10).isFull)
    }

    @Test(
        "No line is wider than the terminal, and the values that there is no room for go",
        arguments: [40, 60, 80, 100, 200])
    func widths(columns: Int) throws {
        let deep = try sample(
            "/kubepods/burstable/pod0123456789-0123456789-0123456789-0123456789",
            memory(20, min: 5, low: 10, high: 50, max: 60))
        let tree = try sample(
            "/kubepods", memory(80, min: 40, low: 50, max: 100),
            [sample("/kubepods/burstable", memory(70, low: 30), [deep])])
        let text = TreeText(columns: columns, rows: nil, style: plain, unicode: true, machine: .gibibytes(4))
        let lines = text.lines(tree)
        #expect(lines.count == 4)
        for line in lines { #expect(line.count <= columns, "\(line)") }
        #expect(lines[0].contains("min") == (columns >= 60))
        #expect(lines[0].contains("pids") && lines[0].contains("used"))
        #expect(lines[3].contains("└ pod0"))
    }

    @Test("What does not fit into the rows is counted")
    func rows() throws {
        let children = try (0..<50).map { try sample("/a/c\($0)", memory(1)) }
        let text = TreeText(columns: 80, rows: 10, style: plain, unicode: true, machine: .gibibytes(1))
        let lines = text.lines(try sample("/a", memory(50), children))
        #expect(lines.count == 10)
        #expect(lines.last == "… 43 more lines; --depth shows fewer")
    }

    @Test("Of many siblings the largest are shown, by name, with the sum of the rest")
    func many() throws {
        let children = try (0..<100).map { try sample("/a/c\($0)", memory(UInt64($0))) }
        let (shown, hidden) = TreeReader(depth: 3, width: 10).chosen(children)
        #expect(shown.map(\.path.description) == (90..<100).map { "/a/c\($0)" })
        #expect(hidden?.count == 90)
        #expect(hidden?.memory == .mebibytes((0..<90).reduce(0, +)))
        #expect(hidden?.pids == 270)
        #expect(TreeReader(depth: 3, width: nil).chosen(children).0.count == 100)
    }

    @Test("Processor time is seconds at first, and a share of one processor when it is watched")
    func processor() throws {
        var text = TreeText(columns: 80, rows: nil, style: plain, unicode: true, machine: .gibibytes(1))
        let tree = try sample("/a", nil)
        #expect(text.lines(tree).last?.hasSuffix("1.5s") == true)
        text.previous = ([tree.path: 1_000_000], .seconds(2))
        #expect(text.lines(tree).last?.hasSuffix("25.0%") == true)
    }

    @Test("Names that hold control characters are shown without them")
    func hostileNames() throws {
        let tree = try sample("/a", nil, [sample("/a/\u{1B}[31mred", nil)])
        let text = TreeText(columns: 80, rows: nil, style: plain, unicode: false, machine: .gibibytes(1))
        #expect(text.lines(tree).allSatisfy { !$0.contains("\u{1B}") })
    }
}
