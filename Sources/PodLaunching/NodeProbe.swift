// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

extension Node {
    /// This machine: its memory, processors and page size, with the pods' cgroups beneath `root`.
    public static func thisMachine(root: CgroupName) throws(KernelError) -> Node {
        let processors = try readKernelFile("/sys/devices/system/cpu/online").split(separator: ",").map { range in
            let ends = range.split(separator: "-").compactMap { Int64($0) }
            return (ends.last ?? 0) - (ends.first ?? 0) + 1
        }.reduce(0, +)
        let kernel = try? KernelVersion.running()
        var node = Node(
            capacity: NodeResources(memory: machineMemory().map { ByteCount($0) }, milliCPU: processors * 1000),
            pageSize: .bytes(ProcessCall.pageSize), layout: PodCgroupLayout(root: root),
            kernel: kernel.flatMap { $0.isDisguised ? nil : KernelNumber($0.major, $0.minor) })
        node.hasMultiGenerationalLRU = usesMultiGenerationalLRU()
        return node
    }

    /// The sizes of huge pages this machine has and can limit by cgroup v2.
    public static func hugePageSizes(_ host: CgroupHost) -> [ByteCount] {
        guard host.controllers.contains("hugetlb"),
            let directory = try? Descriptor.open("/sys/kernel/mm/hugepages", [.directory, .reading]),
            let names = try? directory.entries()
        else { return [] }
        return names.compactMap { name in
            guard name.hasPrefix("hugepages-"), name.hasSuffix("kB") else { return nil }
            return UInt64(name.dropFirst("hugepages-".count).dropLast(2)).map(ByteCount.kibibytes)
        }
    }

    /// As a kubelet names its node: the host's name in lower case.
    public static var nameOfThisMachine: String {
        ((try? readKernelFile("/proc/sys/kernel/hostname")) ?? "localhost").lowercased()
    }
}
