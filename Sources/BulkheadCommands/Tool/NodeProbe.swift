// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

extension Node {
    /// This machine: its memory, processors and page size, with the pods' cgroups beneath `root`.
    static func thisMachine(root: CgroupName) throws -> Node {
        let processors = try readKernelFile("/sys/devices/system/cpu/online").split(separator: ",").map { range in
            let ends = range.split(separator: "-").compactMap { Int64($0) }
            return (ends.last ?? 0) - (ends.first ?? 0) + 1
        }.reduce(0, +)
        return Node(
            capacity: NodeResources(memory: machineMemory().map { ByteCount($0) }, milliCPU: processors * 1000),
            pageSize: .bytes(ProcessCall.pageSize), layout: PodCgroupLayout(root: root))
    }
}
