// SPDX-License-Identifier: Apache-2.0

import NodeModel
import Testing

@testable import Cgroups

@Suite("The catalog of interface files")
struct FileCatalogTests {
    @Test("A name is in it once, and is found by it") func names() {
        let names = CgroupFile.known.map(\.name)
        #expect(Set(names).count == names.count)
        for file in CgroupFile.known {
            let found = CgroupFile(named: file.name)
            #expect(found.since == file.since)
            #expect(found.access == file.access)
            #expect((file.access == .write) == (file.content == nil), "\(file)")
            #expect((file.access == .read) == (file.command == nil), "\(file)")
        }
    }

    @Test("All controllers but hugetlb have files in it, and each file its controller's name") func controllers() {
        let controllers = Set(CgroupFile.known.compactMap(\.controller))
        #expect(controllers == Set(Controller.known).subtracting([.hugetlb]))
        for file in CgroupFile.known {
            guard let controller = file.controller else { continue }
            #expect(file.name.hasPrefix(controller.rawValue + "."))
        }
    }

    @Test("What changes with a notice is known") func notifies() {
        let files = CgroupFile.known + CgroupFile.hugetlb(.mebibytes2)
        #expect(
            Set(files.filter(\.notifies).map(\.name)) == [
                "cgroup.events", "memory.events", "memory.events.local", "memory.swap.events", "pids.events",
                "pids.events.local", "hugetlb.2MB.events", "hugetlb.2MB.events.local", "misc.events",
                "misc.events.local", "rdma.events", "rdma.events.local", "cpuset.cpus.partition",
            ])
    }

    @Test("Files of huge pages are found by their pattern", arguments: ["64KB", "2MB", "32MB", "1GB", "16GB"])
    func hugePages(size: String) throws {
        let pages = try #require(HugePageSize(size))
        #expect(pages.description == size)
        let file = CgroupFile(named: "hugetlb.\(size).rsvd.max")
        #expect(file == InterfaceFile<ByteCount>.hugetlbReservedMax(pages).file)
        #expect(file.access == .readWrite)
        #expect(CgroupFile.hugetlb(pages).count == 7)
        #expect(file.check(text: "\(pages.bytes)") == nil)
        #expect(file.check(text: "\(pages.bytes - 1)") != nil)
        #expect(file.check(text: "0") == nil)
    }

    @Test(
        "No other spelling is a size of huge pages",
        arguments: ["1024KB", "2048MB", "3MB", "0MB", "2", "MB", "-2MB", "2mb", "99999999999GB"])
    func noSize(text: String) {
        #expect(HugePageSize(text) == nil)
        #expect(!CgroupFile(named: "hugetlb.\(text).max").isKnown)
    }

    @Test("A name that nobody knows keeps its controller, and only an empty text is held against it") func unknown() {
        let file = CgroupFile(named: "memory.unheard")
        #expect(file.controller == .memory)
        #expect(!file.isKnown)
        #expect(file.check(text: "anything") == nil)
        #expect(file.check(text: "\n") != nil)
        #expect(file.value(of: "1\n") == nil)
    }

    @Test("What is only read takes no text") func readOnly() {
        #expect(CgroupFile(named: "memory.stat").check(text: "0") == "memory.stat is only read")
    }

    @Test("A refusal names the file and the form") func words() {
        #expect(
            CgroupFile(named: "cpu.weight").check(text: "abc")
                == "cpu.weight takes a number in decimal digits, from 1 to 10000")
        #expect(CgroupFile(named: "cpu.weight").check(text: "0") == "cpu.weight takes numbers from 1 to 10000")
        #expect(CgroupFile(named: "io.bfq.weight").check(text: "1001") == "io.bfq.weight takes numbers from 1 to 1000")
        #expect(CgroupFile(named: "memory.max").check(text: "1\n2") == "memory.max takes one line")
        #expect(CgroupFile(named: "memory.max").check(text: String(repeating: "1", count: 4097)) != nil)
        #expect(CgroupFile(named: "memory.peak").check(text: "reset") != nil)
        #expect(CgroupFile(named: "memory.pressure").check(text: "some 150000 1000000") != nil)
        #expect(CgroupFile(named: "cgroup.subtree_control").check(text: "+memory -io") == nil)
        #expect(CgroupFile(named: "cgroup.subtree_control").check(text: "memory") != nil)
        #expect(CgroupFile(named: "cgroup.procs").check(text: "0") == "a process id is positive")
    }
}
