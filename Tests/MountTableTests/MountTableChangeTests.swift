// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import MountTable

@Suite struct MountTableChangeTests {
    private func table(_ lines: String...) throws -> MountTable {
        try MountTable(parsing: lines.joined(separator: "\n"))
    }
    private let root = "1 0 8:1 / / rw shared:1 - ext4 /dev/a rw"

    @Test func `what came, what went and what changed are told`() throws {
        let before = try table(root, "2 1 0:5 / /a rw - tmpfs tmpfs rw", "3 1 0:6 / /b rw - tmpfs tmpfs rw")
        let after = try table(root, "3 1 0:6 / /b ro - tmpfs tmpfs rw", "4 1 0:7 / /c rw - tmpfs tmpfs rw")
        let changes = after.changes(since: before)
        guard changes.count == 3, case .unmounted(let gone) = changes[0], case .changed(let old, let new) = changes[1],
            case .mounted(let came) = changes[2]
        else {
            Issue.record("\(changes)")
            return
        }
        #expect(gone.target == "/a" && came.target == "/c" && !old.isReadOnly && new.isReadOnly)
        #expect(after.changes(since: after).isEmpty)
    }

    @Test func `a number that is used again is another mount`() throws {
        let before = try table(root, "2 1 0:5 / /a rw - tmpfs tmpfs rw")
        let after = try table(root, "2 1 0:9 / /a rw - tmpfs tmpfs rw")
        let changes = after.changes(since: before)
        #expect(changes.count == 2)
        // A mount that moved is the same.
        let moved = try table(root, "2 1 0:5 / /b rw - tmpfs tmpfs rw")
        guard case .changed(let old, let new)? = moved.changes(since: before).first else {
            Issue.record("not moved")
            return
        }
        #expect(old.target == "/a" && new.target == "/b")
    }

    @Test func `what nobody has taken is merged`() throws {
        let entry = try table("2 1 0:5 / /a rw - tmpfs tmpfs rw").entries[0]
        var read = entry
        read.options = MountOptions([.init("ro")])
        var waiting: [MountTableChange] = []
        MountTableChanges.merge(.mounted(entry), into: &waiting)
        MountTableChanges.merge(.changed(before: entry, after: read), into: &waiting)
        #expect(waiting == [.mounted(read)])
        MountTableChanges.merge(.unmounted(read), into: &waiting)
        #expect(waiting.isEmpty)
        MountTableChanges.merge(.unmounted(entry), into: &waiting)
        MountTableChanges.merge(.mounted(entry), into: &waiting)
        #expect(waiting == [.unmounted(entry), .mounted(entry)])
    }
}
