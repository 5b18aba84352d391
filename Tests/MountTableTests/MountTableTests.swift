// SPDX-License-Identifier: Apache-2.0

import Foundation
import MountTable
import SystemPackage
import Testing

@Suite struct MountTableTests {
    /// Lines in the form of Linux 6.18; the first is the example of proc_pid_mountinfo(5).
    static let text = #"""
        36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
        37 36 0:45 / /mnt2/a\040b\011c\012d\134e rw,relatime,idmapped shared:7 master:2 propagate_from:3 - tmpfs  rw,size=4k
        38 36 0:46 / /mnt2/o rw unbindable future:9 - overlay none rw,lowerdir+=/l\0541,lowerdir+=/l\1342,xino=,userxattr
        39 36 0:4 net:[4026532281] /mnt2/n rw - nsfs nsfs rw
        """#

    @Test func `every field of a line is read`() throws {
        let entry = try #require(try MountTable(parsing: Self.text)[id: 36])
        #expect(entry.parent == 35)
        #expect("\(entry.device)" == "98:0")
        #expect(entry.root == "/mnt1")
        #expect(entry.target == "/mnt2")
        #expect(entry.type == "ext3")
        #expect(entry.source == "/dev/root")
        #expect("\(entry.options)" == "rw,noatime")
        #expect("\(entry.superblockOptions)" == "rw,errors=continue")
        #expect(entry.superblockOptions["errors"] == "continue")
        #expect(entry.propagation.master == 1)
        #expect(!entry.propagation.isPrivate)
        #expect(!entry.isIDMapped)
        #expect(!entry.isReadOnly)
    }

    @Test func `escaped bytes and an empty source are read`() throws {
        let entry = try #require(try MountTable(parsing: Self.text)[id: 37])
        #expect(entry.target == "/mnt2/a b\tc\nd\\e")
        #expect(entry.source == "")
        #expect(entry.isIDMapped)
        #expect("\(entry.propagation)" == "shared:7 master:2 propagate_from:3")
    }

    @Test func `a comma in a value does not end the option, and unknown fields are kept`() throws {
        let entry = try #require(try MountTable(parsing: Self.text)[id: 38])
        #expect(entry.superblockOptions.values(of: "lowerdir+") == ["/l,1", #"/l\2"#])
        #expect(entry.superblockOptions["xino"] == "")
        #expect(entry.superblockOptions["userxattr"] == nil)
        #expect(entry.superblockOptions.contains("userxattr"))
        #expect(entry.propagation.isUnbindable)
        #expect(entry.propagation.unknown == ["future:9"])
        #expect("\(entry.propagation)" == "unbindable future:9")
    }

    @Test func `a namespace's file keeps its root`() throws {
        #expect(try MountTable(parsing: Self.text)[id: 39]?.root == "net:[4026532281]")
    }

    @Test func `an empty text is a table without mounts`() throws {
        #expect(try MountTable(parsing: "").entries == [])
    }

    @Test(arguments: ["rubbish", "36 35 98:0 /mnt1", "36 35 98:0 / /a rw"])
    func `a line that is no mount is refused with its number`(line: String) {
        #expect(throws: MountTableError.malformed(line: 2, text: line)) {
            try MountTable(parsing: "1 0 0:1 / / rw - rootfs rootfs rw\n\(line)\n")
        }
    }

    @Test func `a process that is not there is an error that names the file`() {
        let error = #expect(throws: MountTableError.self) { try MountTable.of(pid: Int32.max) }
        #expect(error?.description == "read /proc/2147483647/mountinfo: No such file or directory")
    }

    @Test func `the calling thread's table is the kernel's, line by line`() throws {
        func lines() throws -> [String] {
            try String(contentsOfFile: "/proc/thread-self/mountinfo", encoding: .utf8).split(separator: "\n").map(
                firstThree)
        }
        var table = try MountTable.current()
        var before: [String] = []
        // Somebody may mount meanwhile.
        repeat {
            before = try lines()
            table = try MountTable.current()
        } while try lines() != before
        #expect(table.entries.map { "\($0.id) \($0.parent) \($0.device)" } == before)
        #expect(table.mount(at: "/proc")?.type == "proc")
    }

    private func firstThree(_ line: Substring) -> String {
        line.split(separator: " ").prefix(3).joined(separator: " ")
    }

    @Test func `another process's table is read by its number`() throws {
        let table = try MountTable.of(pid: ProcessInfo.processInfo.processIdentifier)
        #expect(table.mount(covering: "/proc/self/status")?.type == "proc")
    }

    @Test func `reading leaves no descriptor open`() throws {
        func descriptors() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
        let before = try descriptors()
        for _ in 0..<200 {
            _ = try MountTable.current()
            _ = try? MountTable.of(pid: Int32.max)
            _ = try? MountTable(parsing: "rubbish")
        }
        #expect(try descriptors() < before + 100)
    }
}

@Suite struct MountLookUpTests {
    private func table(_ mounts: (id: Int, parent: Int, target: String)...) throws -> MountTable {
        try MountTable(
            parsing: mounts.map { "\($0.id) \($0.parent) 0:\($0.id) / \($0.target) rw - tmpfs t rw\n" }.joined())
    }

    @Test func `a path is on the nearest mount above it`() throws {
        let table = try table((20, 1, "/"), (21, 20, "/a"), (22, 21, "/a/b"))
        #expect(table.mount(covering: "/a/b/c")?.id == 22)
        #expect(table.mount(covering: "/a/b")?.id == 22)
        #expect(table.mount(covering: "/a/bc")?.id == 21)
        #expect(table.mount(covering: "/a/b/../x")?.id == 21)
        #expect(table.mount(covering: "/x")?.id == 20)
        #expect(table.mount(covering: "/")?.id == 20)
        #expect(table.mount(covering: "a") == nil)
    }

    @Test func `only a mount point has a mount at it`() throws {
        let table = try table((20, 1, "/"), (21, 20, "/a"))
        #expect(table.mount(at: "/a")?.id == 21)
        #expect(table.mount(at: "/a/")?.id == 21)
        #expect(table.mount(at: "/a/b") == nil)
    }

    @Test func `of mounts on one another the top one counts`() throws {
        let table = try table((20, 1, "/"), (21, 20, "/a"), (22, 21, "/a"), (23, 22, "/a/b"))
        #expect(table.mount(at: "/a")?.id == 22)
        #expect(table.mount(covering: "/a/b/c")?.id == 23)
    }

    @Test func `a mount under a later one is hidden`() throws {
        let table = try table((20, 1, "/"), (21, 20, "/a/b"), (22, 20, "/a"))
        #expect(table.mount(covering: "/a/b/c")?.id == 22)
        #expect(table.mount(at: "/a/b") == nil)
        #expect(table.children(of: table.entries[0]).map(\.id) == [21, 22])
    }

    @Test func `a root that is its own parent, and parents in a circle, end`() throws {
        let table = try table((1, 1, "/"), (2, 1, "/a"), (3, 4, "/c"), (4, 3, "/c"))
        #expect(table.mount(covering: "/a/x")?.id == 2)
        #expect(table.mount(covering: "/c/x")?.id == 1)
        #expect(try MountTable(parsing: "").mount(covering: "/") == nil)
    }
}
