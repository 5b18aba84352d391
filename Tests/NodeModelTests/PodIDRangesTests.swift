// SPDX-License-Identifier: Apache-2.0

import NodeModel
import TestSupport
import Testing

/// All rows of `userns_alloc.json`: the kubelet's own tests, and rules read in its source.
@Suite("Ids of pods, by the kubelet's rules")
struct PodIDRangesTests {
    private static let table = try? vectors("userns_alloc.json", as: PodIDTable.self)
    private static var rows: PodIDTable { get throws { try #require(table) } }

    @Test("The constants are the kubelet's") func constants() throws {
        let constants = try Self.rows.constants
        #expect(PodIDRanges.defaultIDsPerPod == constants.block)
        #expect(PodIDRanges.defaultRange == IDRange(first: constants.first, count: constants.length))
        #expect(PodIDFile.name == constants.fileName)
    }

    @Test("A node starts with these ids, or not", arguments: try rows.managers) func managers(row: PodIDTable.Manager)
        throws
    {
        #expect(((try? PodIDRanges(range: row.range, maxPods: row.maxPods)) != nil) == row.isFine, "\(row)")
    }

    @Test("Ids are enough for the pods, or not", arguments: try rows.sizes) func sizes(row: PodIDTable.Size) throws {
        let range = IDRange(first: row.first, count: row.count)
        #expect(((try? PodIDRanges(range: range, maxPods: row.maxPods)) != nil) == row.isFine, "\(row)")
    }

    @Test("A pod's file is believed, or not", arguments: try rows.files) func files(row: PodIDTable.File) throws {
        var ranges = try PodIDRanges(maxPods: 110)
        let file = PodIDFile(uidMappings: row.uid, gidMappings: row.gid)
        let again = try PodIDFile(parsing: file.description)
        #expect(again == file)
        let isFine: Bool
        do {
            try ranges.record("pod", file.block())
            isFine = true
        } catch { isFine = false }
        #expect(isFine == row.isFine, "\(row)")
    }

    @Test("A block is taken note of, or not", arguments: try rows.records) func records(row: PodIDTable.Record) throws {
        var ranges = try PodIDRanges(range: IDRange(first: row.first, count: row.count), maxPods: 1)
        for (pod, first) in row.already { try ranges.record(pod, IDRange(first: first, count: 65_536)) }
        let before = ranges
        let wanted = IDRange(first: row.from, count: row.length)
        switch row.expected {
        case "ok":
            try ranges.record(row.pod, wanted)
            #expect(ranges.block(of: row.pod) == wanted)
        case "error: wrong length":
            #expect(throws: PodIDRangeError.wrongLength(wanted, pod: row.pod, idsPerPod: 65_536)) {
                try ranges.record(row.pod, wanted)
            }
        case "error: out of range":
            #expect(throws: PodIDRangeError.outOfRange(wanted, pod: row.pod, ranges.range)) {
                try ranges.record(row.pod, wanted)
            }
        case "error: different range already used":
            let present = try #require(ranges.block(of: row.pod))
            #expect(throws: PodIDRangeError.differs(wanted, present, pod: row.pod)) {
                try ranges.record(row.pod, wanted)
            }
        default: Issue.record("no rule for \(row.expected)")
        }
        if row.expected != "ok" { #expect(ranges == before) }
    }

    @Test("Orphans are what nobody knows or runs, and what is not on disk", arguments: try rows.cleanups)
    func cleanups(row: PodIDTable.Cleanup) throws {
        var ranges = try PodIDRanges(maxPods: 110)
        for pod in row.recorded { _ = try ranges.allocate(pod) }
        let orphans = ranges.orphans(onDisk: Set(row.onDisk), known: Set(row.pods), running: Set(row.running))
        #expect(orphans == row.released)
        for pod in orphans { ranges.release(pod) }
        #expect(ranges.pods.keys.sorted() == row.allocated)
    }

    @Test("What getsubids prints is a range, or not", arguments: try rows.outputs) func outputs(row: PodIDTable.Output)
        throws
    {
        switch row.expected {
        case .range(let first, let count):
            #expect(
                try SubordinateIDs.range(uidOutput: row.uids, gidOutput: row.gids)
                    == IDRange(first: first, count: count))
        case .error(let word):
            let error = #expect(throws: SubordinateIDError.self) {
                try SubordinateIDs.range(uidOutput: row.uids, gidOutput: row.gids)
            }
            switch (word, error) {
            case ("error: mismatch", .usersAndGroupsDiffer), ("error: field count", .fieldCount(2 + 1, _)),
                ("error: not a number", .notANumber("x")):
                break
            default: Issue.record("\(word): \(String(describing: error))")
            }
        }
    }

    @Test("The kubelet's own sequence of allocations") func sequence() throws {
        #expect(try Self.rows.sequences.count == 2)
        var ranges = try PodIDRanges(maxPods: 110)
        #expect(ranges.isTaken(0) && ranges.isTaken(65_535) && !ranges.isTaken(65_536))
        let one = try ranges.allocate("one")
        #expect(one.count == 65_536 && ranges.isTaken(one.first) && ranges.isTaken(one.first + 65_535))
        let two = try ranges.allocate("two")
        #expect(two.first != one.first && two.count == one.count)
        #expect(try ranges.allocate("two") == two)
        try ranges.record("two", two)
        #expect(throws: PodIDRangeError.self) {
            try ranges.record("two", IDRange(first: two.first + 1, count: 65_536))
        }
        ranges.release("one")
        ranges.release("two")
        let isThere = ranges.release("two")
        #expect(!isThere)
        #expect(!ranges.isTaken(one.first) && !ranges.isTaken(two.first))
        var blocks: Set<UInt32> = []
        for number in 0..<1000 { blocks.insert(try ranges.allocate("pod \(number)").first) }
        #expect(blocks.count == 1000 && blocks.allSatisfy { ranges.isTaken($0) })
        for number in 0..<1000 {
            let block = try #require(ranges.block(of: "pod \(number)"))
            ranges.release("pod \(number)")
            try ranges.record("again", block)
            ranges.release("again")
            #expect(!ranges.isTaken(block.first))
        }
        #expect(ranges.pods.isEmpty)
    }

    @Test("The cap of older kubelets is the size of the range here: as many pods as blocks, and not one more")
    func cap() throws {
        var ranges = try PodIDRanges(range: IDRange(first: 65_536, count: 65_536 * 1024), maxPods: 1024)
        for number in 0..<1024 { _ = try ranges.allocate("\(number)") }
        #expect(throws: PodIDRangeError.exhausted(1024, idsPerPod: 65_536)) { try ranges.allocate("one more") }
        #expect(throws: PodIDRangeError.self) { try ranges.record("more", IDRange(first: 65_536, count: 65_536)) }
    }

    @Test("A pod may have a multiple of a block") func multiples() throws {
        var ranges = try PodIDRanges(range: IDRange(first: 131_072, count: 65_536 * 6), idsPerPod: 131_072, maxPods: 3)
        #expect(Set(try ["a", "b", "c"].map { try ranges.allocate($0).first }) == [131_072, 262_144, 393_216])
        #expect(throws: PodIDRangeError.wrongIDsPerPod(65_537)) { try PodIDRanges(idsPerPod: 65_537, maxPods: 1) }
        #expect(throws: PodIDRangeError.wrongIDsPerPod(0)) { try PodIDRanges(idsPerPod: 0, maxPods: 1) }
        #expect(throws: PodIDRangeError.tooFewBlocks(3, maxPods: 4)) {
            try PodIDRanges(range: IDRange(first: 131_072, count: 65_536 * 6), idsPerPod: 131_072, maxPods: 4)
        }
        ranges.release("b")
        // Not between two blocks.
        #expect(throws: PodIDRangeError.self) { try ranges.record("d", IDRange(first: 196_608, count: 131_072)) }
    }

    @Test("The block that reaches 4294967295 is nobody's: the kernel refuses its map") func last() throws {
        var ranges = try PodIDRanges(range: IDRange(first: 4_294_836_224, count: 131_072), maxPods: 2)
        #expect(ranges.capacity == 1)
        #expect(try ranges.allocate("a").first == 4_294_836_224)
        #expect(throws: PodIDRangeError.self) { try ranges.allocate("b") }
        #expect(throws: PodIDRangeError.self) {
            try ranges.record("b", IDRange(first: 4_294_901_760, count: 65_536))
        }
        #expect(throws: PodIDRangeError.beyondLastID(IDRange(first: 4_294_901_760, count: 131_072))) {
            try PodIDRanges(range: IDRange(first: 4_294_901_760, count: 131_072), maxPods: 1)
        }
    }
}

struct PodIDTable: Decodable, Sendable {
    var constants: Constants
    var managers: [Manager]
    var files: [File]
    var records: [Record]
    var cleanups: [Cleanup]
    var outputs: [Output]
    var sizes: [Size]
    var sequences: [Sequence]

    enum CodingKeys: String, CodingKey {
        case constants, sequences
        case managers = "make_manager"
        case files = "parse_file"
        case records = "record"
        case cleanups = "cleanup"
        case outputs = "getsubids"
        case sizes = "subid_sizing"
    }

    struct Constants: Decodable, Sendable {
        var block, first, length: UInt32
        var fileName: String
        enum CodingKeys: String, CodingKey {
            case block
            case first = "default_first"
            case length = "default_len"
            case fileName = "file_name"
        }
    }
    struct Manager: Decodable, Sendable {
        var first, length: UInt32
        var maxPods: Int
        var isFine: Bool
        var range: IDRange { IDRange(first: first, count: length) }
        enum CodingKeys: String, CodingKey {
            case first = "mapping_first_id"
            case length = "mapping_len"
            case maxPods = "max_pods"
            case isFine = "expected_success"
        }
    }
    struct File: Decodable, Sendable {
        struct Content: Decodable, Sendable { var uidMappings, gidMappings: [Mapping] }
        struct Mapping: Decodable, Sendable {
            var hostId, containerId, length: UInt32
            var value: PodIDFile.Mapping {
                PodIDFile.Mapping(hostID: hostId, containerID: containerId, length: length)
            }
        }
        var file: Content
        var isFine: Bool
        var uid: [PodIDFile.Mapping] { file.uidMappings.map(\.value) }
        var gid: [PodIDFile.Mapping] { file.gidMappings.map(\.value) }
        enum CodingKeys: String, CodingKey {
            case file
            case isFine = "expected_success"
        }
    }
    struct Record: Decodable, Sendable {
        var first, count, from, length: UInt32
        var already: [String: UInt32]
        var pod, expected: String
        enum CodingKeys: String, CodingKey {
            case already, pod, from, length, expected
            case first = "range_first"
            case count = "range_len"
        }
    }
    struct Cleanup: Decodable, Sendable {
        var onDisk, recorded, pods, running, allocated, released: [String]
        enum CodingKeys: String, CodingKey {
            case pods, running
            case onDisk = "listed_on_disk"
            case recorded = "recorded_before"
            case allocated = "expected_allocated"
            case released = "expected_released"
        }
    }
    struct Output: Decodable, Sendable {
        enum Expectation: Decodable, Sendable {
            case range(UInt32, UInt32)
            case error(String)
            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                if let pair = try? value.decode([UInt32].self), pair.count == 2 {
                    self = .range(pair[0], pair[1])
                } else {
                    self = .error(try value.decode(String.self))
                }
            }
        }
        var uids, gids: String
        var expected: Expectation
        enum CodingKeys: String, CodingKey {
            case expected
            case uids = "uids_output"
            case gids = "gids_output"
        }
    }
    struct Size: Decodable, Sendable {
        var first, count: UInt32
        var maxPods: Int
        var isFine: Bool
        enum CodingKeys: String, CodingKey {
            case first, count
            case maxPods = "max_pods"
            case isFine = "expected_success"
        }
    }
    struct Sequence: Decodable, Sendable { var test: String }
}
