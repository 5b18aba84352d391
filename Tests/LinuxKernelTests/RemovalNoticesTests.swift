// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import LinuxKernel

@Suite("What inotify tells of removals")
struct RemovalNoticesTests {
    /// An event as the kernel writes it: the name is filled up with NULs to a multiple of 16 bytes.
    private func event(_ watch: Int32, _ mask: UInt32, _ name: String) -> [UInt8] {
        let padded = name.isEmpty ? 0 : (name.utf8.count / 16 + 1) * 16
        let numbers = [UInt32(bitPattern: watch), mask, 0, UInt32(padded)]
        let header = numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
        return header + Array(name.utf8) + [UInt8](repeating: 0, count: padded - name.utf8.count)
    }

    @Test("Removed entries come with their directory and name; other events are passed over")
    func entries() {
        let bytes = event(1, 0x4000_0200, "pod1") + event(2, 0x8000, "") + event(300, 0x200, "sixteen-letters-")
        var taken = RemovalNotices.Taken()
        RemovalNotices.parse(bytes[...], into: &taken)
        #expect(taken.entries.map(\.directory) == [1, 300])
        #expect(taken.entries.map(\.name) == ["pod1", "sixteen-letters-"])
        #expect(!taken.isIncomplete)
    }

    @Test("A queue that ran over, and bytes that end in the middle, are no removals")
    func odd() {
        var taken = RemovalNotices.Taken()
        RemovalNotices.parse(event(-1, 0x4000, "")[...], into: &taken)
        #expect(taken.isIncomplete)
        RemovalNotices.parse(event(1, 0x200, "a").prefix(15), into: &taken)
        #expect(taken.entries.isEmpty)
        RemovalNotices.parse([], into: &taken)
        #expect(taken.entries.isEmpty)
    }
}
