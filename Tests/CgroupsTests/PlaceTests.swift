// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cgroups

@Suite("Where control groups are mounted, and where a process is")
struct PlaceTests {
    static let hybrid = """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        33 31 0:30 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
        40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:4 - cgroup2 cgroup2 rw
        """
    @Test("The version 2 mount of a hybrid host is found") func hybridHost() {
        #expect(CgroupMount.all(in: Self.hybrid).map(\.point) == ["/sys/fs/cgroup/unified"])
        #expect(CgroupMount.all(in: "35 31 0:32 / /c rw - cgroup cgroup rw,memory").isEmpty)
    }

    @Test("The mount of the whole tree comes before a part of it, and odd names are read") func mounts() {
        let mounts = CgroupMount.all(
            in: """
                50 23 0:38 /pod\\040a /mnt/a\\134b rw - cgroup2 none rw,nsdelegate
                41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,memory_recursiveprot
                """)
        #expect(mounts.map(\.root) == ["/", "/pod a"])
        #expect(mounts.last?.point == "/mnt/a\\b")
    }

    @Test("A line of /proc/PID/cgroup is divided by its first two colons") func membership() {
        #expect(CgroupMembership("4:memory:/a:b/c")?.path == "/a:b/c")
        #expect(CgroupMembership("0::/")?.path == "/")
        #expect(CgroupMembership("0::/")?.isOutsideNamespace == false)
        #expect(CgroupMembership("0::/..")?.isOutsideNamespace == true)
        #expect(CgroupMembership("0::/..a")?.isOutsideNamespace == false)
        #expect(CgroupMembership("0::/a (deleted)")?.pathBeforeDeletion == "/a")
        #expect(CgroupMembership("nonsense") == nil)
        #expect(CgroupMembership("x::/") == nil)
    }

    @Test("A path is taken relative to the cgroup that is mounted") func inside() {
        #expect(pathInside("/", "/") == "")
        #expect(pathInside("/", "/a/b") == "a/b")
        #expect(pathInside("/a", "/a/b") == "b")
        #expect(pathInside("/a", "/a") == "")
        #expect(pathInside("/a", "/ab") == nil)
        #expect(pathInside("/a", "/") == nil)
    }

    @Test(
        "Names that cannot be a cgroup, or would stand in the way of an interface file",
        arguments: ["", ".", "..", "a/b", "a\nb", "a\0b", "cgroup.procs", "memory.max", "cpu.x", "dmem.min"])
    func badNames(name: String) { #expect(newNameFault(name) != nil) }

    @Test("Other names are good", arguments: ["web", "a.slice", "memory", "podUID", "ä", "memoryx.max", "-", "..."])
    func goodNames(name: String) { #expect(newNameFault(name) == nil) }

    @Test("A name has at most 255 bytes, which cgroupfs itself does not mind") func longNames() {
        #expect(newNameFault(String(repeating: "a", count: 255)) == nil)
        #expect(newNameFault(String(repeating: "a", count: 256)) != nil)
    }
}
