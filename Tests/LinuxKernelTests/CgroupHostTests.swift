// SPDX-License-Identifier: Apache-2.0

import SystemPackage
import Testing

@testable import LinuxKernel

@Suite struct CgroupHostTests {
    /// Captured on Linux 6.18.44, a host with a hybrid tree.
    static let hybridMounts = """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
        40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
        """
    /// Captured on Linux 6.18.44.
    static let hybridControllers = """
        #subsys_name\thierarchy\tnum_cgroups\tenabled
        cpuset\t3\t1\t1
        cpu\t1\t1\t1
        blkio\t7\t1\t1
        memory\t4\t12\t1
        hugetlb\t0\t1\t1
        pids\t8\t1\t1
        """
    /// Captured on Linux 6.12.107.
    static let unifiedMounts = """
        25 20 0:22 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
        """

    private func host(
        _ mounts: String, controllers: String? = nil, isWholeTree: Bool = true, cgroups: String? = nil,
        own: String? = nil, commandLine: String = "quiet"
    ) -> CgroupHost {
        CgroupHost(
            mounts: MountLine.parse(mounts), controllers: controllers, isWholeTree: isWholeTree, cgroups: cgroups,
            own: own, commandLine: commandLine)
    }

    @Test("A hybrid tree names who holds each controller")
    func hybrid() {
        let host = host(
            Self.hybridMounts, controllers: "hugetlb\n", cgroups: Self.hybridControllers, own: "4:memory:/x\n0::/\n")
        #expect(host.mode == .hybrid)
        #expect(host.root == "/sys/fs/cgroup/unified")
        #expect(host.controllers == ["hugetlb"])
        #expect(host.unavailability(of: "hugetlb") == nil)
        #expect(host.unavailability(of: "memory") == "bound to cgroup v1 at /sys/fs/cgroup/memory")
        #expect(host.unavailability(of: "io") == "bound to cgroup v1 at /sys/fs/cgroup/blkio")
        #expect(host.unavailability(of: "rdma") == "not compiled into this kernel")
        #expect(host.unavailability(of: "pids") == "bound to cgroup v1 hierarchy 8, which is not mounted here")
        #expect(host.unavailability(of: "nonsense") == "no such controller in this kernel")
        #expect(host.ownPath == "/sys/fs/cgroup/unified")
        #expect(host.mountOptions.isEmpty)
        #expect(host.absence == nil)
    }

    @Test("A unified tree has its mount options")
    func unified() {
        let host = host(
            Self.unifiedMounts, controllers: "cpuset cpu io memory hugetlb pids rdma misc dmem\n",
            own: "0::/user.slice/a b\n")
        #expect(host.mode == .unified)
        #expect(host.root == "/sys/fs/cgroup")
        #expect(host.unavailable.isEmpty)
        #expect(host.protectsRecursively)
        #expect(host.delegatesByNamespace)
        #expect(host.ownPath == "/sys/fs/cgroup/user.slice/a b")
    }

    @Test("Version 1 alone, and nothing at all, say what helps")
    func withoutVersion2() {
        let legacy = host(
            "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory", cgroups: Self.hybridControllers)
        #expect(legacy.mode == .legacy)
        #expect(legacy.root == nil)
        #expect(legacy.absence?.contains("systemd.unified_cgroup_hierarchy=1") == true)
        #expect(legacy.unavailability(of: "hugetlb") == "no cgroup2 file system is mounted")
        let none = host("20 1 0:5 / /proc rw - proc proc rw")
        #expect(none.mode == .none)
        #expect(none.absence?.contains("mount -t cgroup2") == true)
    }

    @Test("A controller that is off names the kernel parameter")
    func disabled() {
        let off = "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t0\t1\t0\npids\t0\t1\t1\n"
        let byParameter = host(Self.unifiedMounts, cgroups: off, commandLine: "quiet cgroup_disable=io,memory")
        #expect(
            byParameter.unavailability(of: "memory") == "disabled by the kernel parameter cgroup_disable=io,memory")
        let byDefault = host(Self.unifiedMounts, cgroups: off)
        #expect(byDefault.unavailability(of: "memory") == "compiled in but off")
        #expect(
            byDefault.unavailable.first { $0.controller == "memory" }?.remedy
                == "boot with the kernel parameter cgroup_enable=memory")
    }

    @Test("In a container the owner outside decides")
    func delegated() {
        let mounts = "90 80 0:22 /docker/abc /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate"
        let host = host(
            mounts, controllers: "pids\n", isWholeTree: false,
            cgroups: Self.hybridControllers.replacing("\t4\t", with: "\t0\t"),
            own: "0::/docker/abc/inner\n")
        #expect(host.unavailability(of: "memory")?.hasPrefix("not delegated") == true)
        #expect(host.ownPath == "/sys/fs/cgroup/inner")
    }

    @Test("Of several mounts the one that shows the whole tree is taken, and what is mounted over is not")
    func chooses() {
        let several = """
            1 0 0:22 /part /a rw - cgroup2 none rw
            2 0 0:22 / /custom/cgroup rw - cgroup2 none rw
            3 0 0:22 / /hidden rw - cgroup2 none rw
            4 0 0:30 / /hidden rw - tmpfs none rw
            """
        #expect(host(several).root == "/custom/cgroup")
    }

    @Test("A process beyond the namespace's root has no path")
    func outside() {
        #expect(host(Self.unifiedMounts, own: "0::/../other\n").ownPath == nil)
    }

    @Test("Mount lines with optional fields and escapes are read, others passed over")
    func mountLines() {
        let lines = MountLine.parse(
            """
            36 35 98:0 /mnt1 /mnt\\0402\\134x rw,noatime,idmapped master:1 shared:2 - ext3 /dev/root rw,errors=continue
            garbage
            1 2 3:4 / /short rw
            """)
        #expect(lines.count == 1)
        #expect(lines.first?.point == "/mnt 2\\x")
        #expect(lines.first?.type == "ext3")
        #expect(lines.first?.options.contains("idmapped") == true)
    }

    @Test("The answer for this host agrees with the file system's own number")
    func agreesWithTheHost() throws {
        let host = CgroupHost.probe()
        guard let root = host.root else { return }
        #expect(try Descriptor.open(root, [.path]).fileSystem() == .cgroup2)
        if let own = host.ownPath { #expect(try Descriptor.open(own, [.path]).fileSystem() == .cgroup2) }
    }
}
