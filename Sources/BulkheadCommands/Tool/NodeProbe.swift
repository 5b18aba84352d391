// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

extension Node {
    /// This machine: its memory, processors and page size, with the pods' cgroups beneath `root`.
    static func thisMachine(root: CgroupName) throws -> Node {
        let total = try readKernelFile("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
        let kibibytes = total?.split(whereSeparator: { $0 == " " }).dropFirst().first.flatMap { UInt64($0) }
        let processors = try readKernelFile("/sys/devices/system/cpu/online").split(separator: ",").map { range in
            let ends = range.split(separator: "-").compactMap { Int64($0) }
            return (ends.last ?? 0) - (ends.first ?? 0) + 1
        }.reduce(0, +)
        return Node(
            capacity: NodeResources(memory: kibibytes.map(ByteCount.kibibytes), milliCPU: processors * 1000),
            pageSize: .bytes(ProcessCall.pageSize), layout: PodCgroupLayout(root: root))
    }
}
