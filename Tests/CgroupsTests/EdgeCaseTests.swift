// SPDX-License-Identifier: Apache-2.0

import Cgroups
import LinuxKernel
import NodeModel
import TestSupport
import Testing

/// Odd inputs for the parsers, each with its source: `Vectors/cgroup-edge-cases.json`.
@Suite("Odd contents of files")
struct EdgeCaseTests {
    struct Table: Decodable, Sendable {
        struct Case: Decodable, Sendable {
            let file: String
            let content: String?
            let readError: String?
        }
        let cases: [Case]
    }
    let table: Table

    init() throws { table = try vectors("cgroup-edge-cases.json") }

    private func contents(_ file: String) -> [String] {
        table.cases.filter { $0.file == file }.compactMap(\.content)
    }

    @Test("Each is read, and printed as it was; the page counter's maximum prints as what it means")
    func roundTrip() {
        var count = 0
        for odd in table.cases where !odd.file.hasPrefix("/") {
            guard let content = odd.content else { continue }
            let file = CgroupFile(named: odd.file)
            let printed = file.value(of: content)?.fileText
            #expect(printed == (content == "9223372036854771712\n" ? "max\n" : content), "\(odd.file): \(content)")
            count += 1
        }
        #expect(count >= 15)
    }

    @Test("Duplicates and processes outside the pid namespace are kept") func processes() {
        #expect(contents("cgroup.procs").map { [Int32](kernelText: $0[...]) } == [[1, 0, 0, 57, 57]])
    }

    @Test("Memberships") func memberships() {
        let members = contents("/proc/PID/cgroup").map(CgroupMembership.all(in:))
        #expect(members[0].first?.pathBeforeDeletion == "/A/E")
        #expect(members[1].first?.isOutsideNamespace == true)
        #expect(members[2].map(\.path) == ["/a:b/c", "/with:colon"])
    }

    @Test("io.stat has devices without counters, fractions, dotted keys and max") func ioStatistics() throws {
        let files = contents("io.stat").compactMap { NestedCounters(kernelText: $0[...]) }
        try #require(files.count == 3)
        #expect(files[0].lines.map(\.name) == ["254:1", "254:0"])
        #expect(files[0]["254:0"]?.fields == [])
        #expect(files[0].sum(of: "rbytes") == 6901)
        #expect(files[1]["259:0", "cost.usage"] == 1_532_009_788)
        #expect(files[1]["259:0", "cost.vrate"] == nil)
        #expect(files[1]["259:0"]?["cost.vrate"] == .hundredths(Hundredths(10_000)))
        #expect(files[2]["8:0"]?["depth"] == .max)
        #expect(files[2]["8:0", "avg_lat"] == 12)
    }

    @Test("Limits and lists") func limits() {
        #expect(contents("memory.max").map { ByteCount(kernelText: $0[...]) } == [.max, .max])
        #expect(contents("cpuset.cpus").map { IndexList(kernelText: $0[...])?.isEmpty } == [true])
        let partition = contents("cpuset.cpus.partition").compactMap { CPUSetPartition(kernelText: $0[...]) }.first
        #expect(partition?.kind == .root)
        #expect(partition?.isInvalid == true)
        #expect(partition?.reason == "cpuset.cpus and cpuset.cpus.exclusive are empty")
        let rdma = contents("rdma.max").compactMap { KernelLines<RDMALimit>(kernelText: $0[...])?.lines.first }.first
        #expect(rdma?.device == "mlx4_0")
        #expect(rdma?.handles == 2)
        #expect(rdma?.objects == .max)
        let current = contents("rdma.current").compactMap { NestedCounters(kernelText: $0[...]) }.first
        #expect(current?["ocrdma1", "hca_object"] == 23)
    }

    @Test("Counters with odd keys") func counters() {
        #expect(contents("misc.events").compactMap { Counters(kernelText: $0[...])?["res_b.max"] } == [2])
        #expect(
            contents("dmem.current").compactMap {
                KernelLines<DeviceMemory>(kernelText: $0[...])?["drm/0000:03:00.0/vram0"]
            } == [.bytes(12_550_144)])
        #expect(contents("cgroup.stat").compactMap { Counters(kernelText: $0[...])?["nr_dying_descendants"] } == [0])
        #expect(contents("irq.pressure").compactMap { Pressure(kernelText: $0[...])?.full?.total } == [0])
        #expect(contents("irq.pressure").compactMap { Pressure(kernelText: $0[...])?.some?.total } == [])
        #expect(contents("memory.events").compactMap { MemoryEvents(kernelText: $0[...])?.oomGroupKill } == [1])
    }
}
