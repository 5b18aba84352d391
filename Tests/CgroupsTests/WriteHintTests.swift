// SPDX-License-Identifier: Apache-2.0

import LinuxKernel
import SystemPackage
import Testing

@testable import Cgroups

@Suite("What an error of a write says")
struct WriteHintTests {
    @Test(
        "Each names the likely cause",
        arguments: [
            ("cpu.max", Errno.invalidArgument, "cpu.max.burst"), ("cpu.max.burst", .invalidArgument, "quota"),
            ("cpu.weight", .invalidArgument, "cpu.idle"), ("cpu.weight", .outOfRange, "from 1 to 10000"),
            ("cpu.weight.nice", .outOfRange, "from -20 to 19"), ("io.max", .noDevice, "no such block device"),
            ("io.max", .outOfRange, "limit of 0"), ("io.weight", .notSupportedOnSocket, "io.cost.qos"),
            ("cpuset.cpus", .outOfRange, "no such processor"), ("cpuset.mems", .invalidArgument, "no such memory node"),
            ("cpuset.cpus", .noSpace, "processes are inside"),
            ("memory.reclaim", .resourceTemporarilyUnavailable, "reclaimed"),
            ("memory.reclaim", .interrupted, "a signal"), ("memory.peak", .invalidArgument, "before Linux 6.12"),
            ("memory.stat", .invalidArgument, "only read"), ("memory.pressure", .resourceBusy, "one each"),
            ("io.pressure", .invalidArgument, "window"), ("cpu.pressure", .notSupportedOnSocket, "psi=1"),
            ("cgroup.subtree_control", .noSuchFileOrDirectory, "parent"),
            ("cgroup.subtree_control", .resourceBusy, "processes are in the cgroup itself"),
            ("cgroup.subtree_control", .fileExists, "named like an interface file"),
            ("pids.max", .invalidArgument, "from 0 to 4194304"), ("memory.max", .argListTooLong, "4096 bytes"),
            ("memory.max", .invalidArgument, "bytes in decimal digits, or max"),
            ("memory.max", .notPermitted, "nsdelegate"),
            ("memory.max", .permissionDenied, "manages the parent"), ("memory.max", .readOnlyFileSystem, "read-only"),
            ("cgroup.procs", .permissionDenied, "common ancestor"), ("hugetlb.2MB.max", .invalidArgument, "bytes"),
            ("cgroup.pressure", .invalidArgument, "0 or 1"), ("misc.max", .invalidArgument, "misc.capacity"),
        ])
    func causes(file: String, errno: Errno, words: String) {
        let hint = writeHint(errno, CgroupFile(named: file))
        #expect(hint?.contains(words) == true, "\(hint ?? "nothing")")
    }

    @Test("Nothing is made up for a file that is not known") func unknown() {
        #expect(writeHint(.invalidArgument, CgroupFile(named: "memory.unheard")) == nil)
        #expect(writeHint(.outOfRange, CgroupFile(named: "memory.unheard")) == "the value is out of the file's range")
    }

    @Test("A device that is not there is no cgroup that is gone") func gone() {
        let device = KernelError("write", "io.max", errno: .noDevice, hint: "there is no such block device")
        #expect(!device.meansCgroupIsGone)
        #expect(device.hinting("the cgroup is gone").meansCgroupIsGone)
        #expect(KernelError("write", "memory.max", errno: .noDevice).meansCgroupIsGone)
        #expect(KernelError("read", "/pod/io.stat", errno: .noDevice).meansCgroupIsGone)
    }

    @Test("Reading tells why, too") func reading() {
        #expect(readHint(.invalidArgument, CgroupFile(named: "cgroup.kill")) == "the file is only written")
        #expect(readHint(.notSupportedOnSocket, CgroupFile(named: "cgroup.procs"))?.contains("cgroup.threads") == true)
    }
}
