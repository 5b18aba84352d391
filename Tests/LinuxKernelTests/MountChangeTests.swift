// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LinuxKernel

@Suite struct MountChangeTests {
    @Test func `access times are cleared before they are set`() {
        #expect(MountChange(accessTimes: .never).bits == (0x10, 0x70))
        #expect(MountChange(accessTimes: .relative).bits == (0, 0x70))
        #expect(MountChange(set: .readOnly, clear: .noExecution).bits == (1, 8))
    }

    @Test func `bits without a name are kept and shown`() {
        let attributes = MountAttributes(rawValue: 1 << 40 | 1)
        #expect(attributes.description == "ro,0x10000000000")
        #expect(MountChange(set: attributes).bits.set == 1 << 40 | 1)
    }

    @Test func `a change prints what it does`() {
        let change = MountChange(
            set: [.readOnly, .noSetID], clear: .noExecution, accessTimes: .never, propagation: .slave)
        #expect("\(change)" == "+ro,nosuid -noexec atime=never slave")
        #expect("\(MountChange())" == "private")
    }

    @Test func `statmount's maps are read from where it puts them`() throws {
        var raw = [UInt8](repeating: 0, count: 4096)
        func put<Value: FixedWidthInteger>(_ value: Value, _ at: Int) {
            for byte in 0..<MemoryLayout<Value>.size {
                raw[at + byte] = UInt8(truncatingIfNeeded: value >> (8 * Value(byte)))
            }
        }
        put(UInt64(0x6002), 8)
        put(UInt32(77), 56)
        put(UInt64(0x10_0001), 64)
        let strings = Array("\u{0}0 100000 10\u{0}20 5 1\u{0}7 8 9\u{0}".utf8)
        raw.replaceSubrange(512..<512 + strings.count, with: strings)
        put(UInt32(2), 152)
        put(UInt32(1), 156)
        put(UInt32(1), 160)
        put(UInt32(20), 164)
        let status = try #require(MountStatus(statmount: raw))
        #expect(status.oldID == 77)
        #expect(status.attributes == [.readOnly, .idmap])
        #expect(status.uidMap == ["0 100000 10", "20 5 1"])
        #expect(status.gidMap == ["7 8 9"])
        put(UInt32(0), 152)
        #expect(MountStatus(statmount: raw)?.uidMap == nil)
        #expect(MountStatus(statmount: [1, 2, 3]) == nil)
    }
}
