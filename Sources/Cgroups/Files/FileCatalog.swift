// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

extension CgroupFile {
    /// Every file that has a constant, but those of huge pages, whose names hold a size.
    public static let known: [CgroupFile] = [
        core, pressure, cpuset, cpu, io, memory, pids, rdma, misc, dmem,
    ].flatMap { $0 }

    /// The files of huge pages of one size.
    public static func hugetlb(_ size: HugePageSize) -> [CgroupFile] {
        [
            InterfaceFile<ByteCount>.hugetlbMax(size).file, StatusFile<ByteCount>.hugetlbCurrent(size).file,
            StatusFile<Counters>.hugetlbEvents(size).file, StatusFile<Counters>.hugetlbEventsLocal(size).file,
            InterfaceFile<ByteCount>.hugetlbReservedMax(size).file,
            StatusFile<ByteCount>.hugetlbReservedCurrent(size).file,
            StatusFile<NestedCounters>.hugetlbNodeStatistics(size).file,
        ]
    }

    /// The constant of a name.
    static func constant(named name: String) -> CgroupFile? {
        if let file = byName[name] { return file }
        return HugePageSize(inFileName: name).flatMap { size in hugetlb(size).first { $0.name == name } }
    }

    private static let byName = Dictionary(known.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    private static let core: [CgroupFile] = [
        StatusFile<[Int32]>.processes.file, StatusFile<[Int32]>.threads.file,
        StatusFile<[Controller]>.controllers.file, StatusFile<[Controller]>.subtreeControl.file,
        StatusFile<CgroupEvents>.events.file, StatusFile<Counters>.cgroupStatistics.file,
        StatusFile<Counters>.cgroupStatisticsLocal.file, InterfaceFile<CgroupType>.cgroupType.file,
        InterfaceFile<Limit>.maxDepth.file, InterfaceFile<Limit>.maxDescendants.file, InterfaceFile<Bool>.freeze.file,
        InterfaceFile<Bool>.pressureEnabled.file, CommandFile<KillRequest>.kill.file,
    ]
    private static let pressure: [CgroupFile] = [
        StatusFile<Pressure>.cpuPressure.file, StatusFile<Pressure>.memoryPressure.file,
        StatusFile<Pressure>.ioPressure.file, StatusFile<Pressure>.interruptPressure.file,
    ]
    private static let memory: [CgroupFile] = [
        InterfaceFile<ByteCount>.memoryMin.file, InterfaceFile<ByteCount>.memoryLow.file,
        InterfaceFile<ByteCount>.memoryHigh.file, InterfaceFile<ByteCount>.memoryMax.file,
        InterfaceFile<ByteCount>.memorySwapHigh.file, InterfaceFile<ByteCount>.memorySwapMax.file,
        InterfaceFile<ByteCount>.memoryZswapMax.file, InterfaceFile<Bool>.memoryOOMGroup.file,
        InterfaceFile<Bool>.memoryZswapWriteback.file, CommandFile<ReclaimRequest>.memoryReclaim.file,
        StatusFile<ByteCount>.memoryCurrent.file, StatusFile<ByteCount>.memoryPeak.file,
        StatusFile<ByteCount>.memorySwapCurrent.file, StatusFile<ByteCount>.memorySwapPeak.file,
        StatusFile<ByteCount>.memoryZswapCurrent.file, StatusFile<MemoryEvents>.memoryEvents.file,
        StatusFile<MemoryEvents>.memoryEventsLocal.file, StatusFile<Counters>.memoryStatistics.file,
        StatusFile<Counters>.memorySwapEvents.file, StatusFile<NestedCounters>.memoryNodeStatistics.file,
    ]
    private static let cpu: [CgroupFile] = [
        InterfaceFile<UInt64>.cpuWeight.file, InterfaceFile<UInt64>.cpuMaxBurst.file,
        InterfaceFile<Int64>.cpuWeightNice.file, InterfaceFile<CPUQuota>.cpuMax.file,
        InterfaceFile<Bool>.cpuIdle.file, InterfaceFile<UtilizationClamp>.cpuClampMin.file,
        InterfaceFile<UtilizationClamp>.cpuClampMax.file, StatusFile<CPUStatistics>.cpuStatistics.file,
        StatusFile<Counters>.cpuStatisticsLocal.file,
    ]
    private static let cpuset: [CgroupFile] = [
        InterfaceFile<IndexList>.cpusetCPUs.file, InterfaceFile<IndexList>.cpusetMemoryNodes.file,
        InterfaceFile<IndexList>.cpusetExclusiveCPUs.file, InterfaceFile<CPUSetPartition>.cpusetPartition.file,
        StatusFile<IndexList>.cpusetEffectiveCPUs.file, StatusFile<IndexList>.cpusetEffectiveMemoryNodes.file,
        StatusFile<IndexList>.cpusetEffectiveExclusiveCPUs.file, StatusFile<IndexList>.cpusetIsolatedCPUs.file,
    ]
    private static let io: [CgroupFile] = [
        StatusFile<NestedCounters>.ioStatistics.file, LineFile<IOLimit>.ioMax.file, LineFile<IOWeight>.ioWeight.file,
        LineFile<IOWeight>.ioBFQWeight.file, LineFile<IOLatency>.ioLatency.file,
        LineFile<IOCostQuality>.ioCostQuality.file, LineFile<IOCostModel>.ioCostModel.file,
        InterfaceFile<IOPriorityClass>.ioPriorityClass.file,
    ]
    private static let pids: [CgroupFile] = [
        InterfaceFile<Limit>.pidsMax.file, StatusFile<UInt64>.pidsCurrent.file, StatusFile<UInt64>.pidsPeak.file,
        StatusFile<Counters>.pidsEvents.file, StatusFile<Counters>.pidsEventsLocal.file,
    ]
    private static let rdma: [CgroupFile] = [
        LineFile<RDMALimit>.rdmaMax.file, StatusFile<NestedCounters>.rdmaCurrent.file,
        StatusFile<NestedCounters>.rdmaPeak.file, StatusFile<NestedCounters>.rdmaEvents.file,
        StatusFile<NestedCounters>.rdmaEventsLocal.file,
    ]
    private static let misc: [CgroupFile] = [
        LineFile<MiscLimit>.miscMax.file, StatusFile<Counters>.miscCapacity.file,
        StatusFile<Counters>.miscCurrent.file, StatusFile<Counters>.miscPeak.file,
        StatusFile<Counters>.miscEvents.file, StatusFile<Counters>.miscEventsLocal.file,
    ]
    private static let dmem: [CgroupFile] = [
        LineFile<DeviceMemory>.deviceMemoryMin.file, LineFile<DeviceMemory>.deviceMemoryLow.file,
        LineFile<DeviceMemory>.deviceMemoryMax.file, StatusFile<KernelLines<DeviceMemory>>.deviceMemoryCurrent.file,
        StatusFile<KernelLines<DeviceMemory>>.deviceMemoryCapacity.file,
    ]
}
