// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Testing

@testable import Mounts

@Suite("What a shift makes of ids")
struct ShiftRuleTests {
    private static func rule(_ text: String) throws -> ShiftRule { ShiftRule(try IDMap(parsing: text).uid) }

    @Test("An inside id shifts, an outside id is right, any other is not in the map")
    func standing() throws {
        let rule = try Self.rule("0:100000:1000,2000:5000:10")
        #expect(rule.forward(0) == 100_000 && rule.forward(999) == 100_999 && rule.forward(2009) == 5009)
        for (id, isRight) in [(100_000, true), (5009, true), (1000, false), (101_000, false)] as [(UInt32, Bool)] {
            switch rule.standing(of: id) {
            case .shifts: Issue.record("\(id) shifts")
            case .right: #expect(isRight, "\(id)")
            case .unmapped: #expect(!isRight, "\(id)")
            }
        }
        #expect(!rule.overlaps)
        #expect(rule.isAmbiguous(100_500) && !rule.isAmbiguous(500))
    }

    @Test("Ids that stay as they are are neither shifted nor ambiguous")
    func fixedPoints() throws {
        let rule = try Self.rule("0:0:1000,1000:50000:1000")
        #expect(!rule.overlaps && !rule.isAmbiguous(5))
        guard case .right = rule.standing(of: 5) else {
            Issue.record("5 is not right")
            return
        }
    }

    @Test("Where inside and outside ids overlap, each id that could be either is ambiguous")
    func overlap() throws {
        let rule = try Self.rule("0:500:1000")
        #expect(rule.overlaps)
        // 400 becomes 900, which is an inside id itself; 600 may have been 100; 1200 was 700.
        #expect(rule.isAmbiguous(400) && rule.isAmbiguous(600) && rule.isAmbiguous(1200))
        #expect(!rule.isAmbiguous(1600))
    }
}

@Suite("Ids in extended attributes")
struct StoredIDTests {
    @Test("Named users and groups of a list are mapped, the rest stays byte for byte")
    func list() throws {
        let list: [UInt8] = [
            2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 5, 0, 232, 3, 0, 0, 8, 0, 6, 0, 1, 0, 0, 0,
        ]
        let mapped = try #require(
            AccessControlBytes.mapped(list, user: { $0 + 1 }, group: { $0 + 2 }))
        #expect(mapped.word(at: 16) == 1001 && mapped.word(at: 24) == 3 && mapped.word(at: 8) == .max)
        #expect(AccessControlBytes.mapped([1, 0, 0, 0], user: { $0 }, group: { $0 }) == nil)
        #expect(AccessControlBytes.mapped([2, 0, 0, 0, 1], user: { $0 }, group: { $0 }) == nil)
    }

    @Test("A capability's root becomes another, there and back")
    func capability() {
        let plain: [UInt8] = [1, 0, 0, 2, 0, 32, 0, 0] + [UInt8](repeating: 0, count: 12)
        #expect(FileCapabilityBytes.rootID(plain) == 0)
        let shifted = FileCapabilityBytes.mapped(plain, root: 100_000)
        #expect(shifted.count == 24 && shifted[3] == 3 && FileCapabilityBytes.rootID(shifted) == 100_000)
        #expect(FileCapabilityBytes.mapped(shifted, root: 0) == plain)
        #expect(FileCapabilityBytes.rootID([1, 2, 3]) == nil)
    }

    @Test("A record and a mark say what was written, and what is cut off says nothing")
    func written() throws {
        var before = InodeOwnership(uid: 1, gid: 2, mode: 0o104755)
        before.capability = [1, 2, 3]
        before.access = []
        let record = ShiftRecord(before, stays: true)
        #expect(ShiftRecord(bytes: record.bytes) == record)
        for count in 0..<record.bytes.count { #expect(ShiftRecord(bytes: Array(record.bytes.prefix(count))) == nil) }
        let shift = UnfinishedShift(
            phase: .restoring, map: try IDMap(parsingUID: ["0:5:3,9:20:1"], gid: ["1:7:1"]), keepsUnmapped: true,
            books: .ambiguous)
        #expect(ShiftMark.parse(ShiftMark.text(shift)) == shift)
        #expect(ShiftMark.parse("bulkhead shift 2\n") == nil && ShiftMark.parse("") == nil)
    }
}
