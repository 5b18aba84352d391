// SPDX-License-Identifier: Apache-2.0

extension PlannedCgroup {
    /// Limits every size of huge pages that the node has, to zero where none of it is given.
    ///
    /// Both what is used and what is reserved are limited, the latter since Linux 5.7.
    /// Source: Kubernetes, pkg/kubelet/cm/cgroup_manager_linux.go; opencontainers/cgroups, fs2/hugetlb.go.
    mutating func writeHugePages(_ node: Node, _ limit: (ByteCount) -> ByteCount) {
        for size in node.hugePageSizes.sorted() {
            let name = "hugetlb.\(size.hugePageName)"
            write(name + ".max", limit(size))
            if node.kernel.map({ $0 >= KernelNumber(5, 7) }) ?? true { write(name + ".rsvd.max", limit(size)) }
        }
    }
}

extension ByteCount {
    /// How the kernel names a size of huge pages: `2MB`, `1GB`, `64KB`.
    public var hugePageName: String {
        if bytes >= 1 << 30 { return "\(bytes >> 30)GB" }
        return bytes >= 1 << 20 ? "\(bytes >> 20)MB" : "\(bytes >> 10)KB"
    }

    /// What a class of pods may have of each size of huge pages: a number that no node reaches.
    static let unboundedHugePages = ByteCount(1 << 62)
}
