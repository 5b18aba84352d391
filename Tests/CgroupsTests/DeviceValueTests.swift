// SPDX-License-Identifier: Apache-2.0

import Cgroups
import NodeModel
import Testing

@Suite("Values of devices, processors and requests")
struct DeviceValueTests {
    static let disk = BlockDevice(major: 8, minor: 16)

    @Test("io.max writes what is given in one line") func ioMax() {
        var limit = IOLimit(Self.disk, readBytes: 1_048_576, writeOperations: .max)
        #expect(limit.kernelText == "8:16 rbps=1048576 wiops=max")
        limit.readBytes = nil
        #expect(limit.kernelText == "8:16 wiops=max")
        #expect(IOLimit(Self.disk).refusal != nil)
        #expect(IOLimit(Self.disk, writeBytes: 0).refusal != nil)
        #expect(IOLimit(Self.disk, readOperations: 4_294_967_295).refusal != nil)
        #expect(IOLimit(Self.disk, readOperations: 4_294_967_294).refusal == nil)
        #expect(IOLimit(Self.disk, readBytes: 4_294_967_295).refusal == nil)
        // Of a later kernel: kept, and no obstacle to writing back what was read.
        let later = IOLimit(kernelText: "8:16 rbps=max zbps=7")
        #expect(later?.kernelText == "8:16 rbps=max zbps=7")
        #expect(later?.refusal == nil)
    }

    @Test("No line of a device", arguments: ["", "8:16:1 rbps=1", "8 rbps=1", "sda rbps=1", "8:16 rbps", "8:16 rbps="])
    func noLine(text: String) { #expect(IOLimit(kernelText: text[...]) == nil) }

    @Test(
        "Weights are for all devices or one",
        arguments: [
            ("100", "default 100"), ("default 100", "default 100"), ("8:16 300", "8:16 300"),
            ("8:16 default", "8:16 default"),
        ])
    func weights(text: String, printed: String) {
        #expect(IOWeight(kernelText: text[...])?.kernelText == printed)
    }

    @Test("Other texts are no weight", arguments: ["", "default", "default max", "8:16", "8:16 -1", "default 1 2"])
    func noWeight(text: String) { #expect(IOWeight(kernelText: text[...]) == nil) }

    @Test("Costs and latencies are judged by the kernel's bounds") func costs() throws {
        var quality = IOCostQuality(Self.disk, enable: true)
        #expect(quality.kernelText == "8:16 enable=1")
        quality["rpct"] = .hundredths(Hundredths(9500))
        quality["min"] = .hundredths(Hundredths(5000))
        #expect(quality.kernelText == "8:16 enable=1 rpct=95.00 min=50.00")
        #expect(quality.refusal == nil)
        quality["rpct"] = .hundredths(Hundredths(10_001))
        #expect(quality.refusal != nil)
        quality["rpct"] = nil
        quality["max"] = .number(20)
        #expect(quality.refusal == "min is above max")
        #expect(IOCostModel(automatic: Self.disk).kernelText == "8:16 ctrl=auto")
        #expect(IOLatency(Self.disk, target: 10_000).kernelText == "8:16 target=10000")
        #expect(IOLatency(kernelText: "8:16 target=soon")?.refusal != nil)
    }

    @Test("Lines by resource") func resources() {
        #expect(RDMALimit("mlx4_0", handles: 2).kernelText == "mlx4_0 hca_handle=2")
        #expect(RDMALimit("mlx4_0", handles: 2_147_483_648).refusal != nil)
        #expect(MiscLimit("sev", .max).kernelText == "sev max")
        #expect(MiscLimit(kernelText: "sev 1\n")?.limit == 1)
        #expect(MiscLimit(kernelText: "sev") == nil)
        let region = DeviceMemory("drm/0000:03:00.0/vram 0", .mebibytes(1))
        #expect(region.kernelText == "drm/0000:03:00.0/vram 0 1048576")
        #expect(DeviceMemory(kernelText: region.kernelText[...]) == region)
    }

    @Test(
        "Lists of processors",
        arguments: [
            ("0-3,5\n", "0-3,5"), ("5,0-1,1-3", "0-3,5"), ("0,1,2", "0-2"), ("0-7:2/4", "0-1,4-5"),
            ("0-6:1/3", "0,3,6"),
            ("0-2:4/4", "0-2"), ("7", "7"),
        ])
    func lists(text: String, printed: String) {
        let list = IndexList(kernelText: text[...])
        #expect(list?.kernelText == (printed))
    }

    @Test(
        "Other texts are no list",
        arguments: ["a", "1-", "-1", "3-1", "1,,2", "0-3:0/2", "0-3:3/2", "0:1/2", "0-3:1", "0-4294967295", " 1", "1,"])
    func noList(text: String) { #expect(IndexList(kernelText: text[...]) == nil) }

    @Test("A list knows what is in it, and an empty one is written as a newline") func listSets() {
        let list = IndexList([3, 1, 2, 9])
        #expect(list.kernelText == "1-3,9")
        #expect(list.count == 4)
        #expect(list.contains(2) && !list.contains(4))
        #expect(IndexList([2, 9]).isSubset(of: list))
        #expect(!IndexList([2, 4]).isSubset(of: list))
        #expect(IndexList([]).kernelText == "\n")
        #expect(IndexList([]).fileText == "\n")
    }

    @Test(
        "Partitions are printed as they were",
        arguments: ["member\n", "root\n", "isolated\n", "root invalid\n", "isolated invalid (why (so))\n", "new\n"])
    func partitions(text: String) { #expect(CPUSetPartition(kernelText: text[...])?.fileText == text) }

    @Test("A partition is asked for by its kind") func partitionKinds() {
        #expect(CPUSetPartition(kernelText: "root invalid (x)")?.refusal != nil)
        #expect(CPUSetPartition.isolated.kernelText == "isolated")
        #expect(CPUSetPartition(kernelText: "root valid") == nil)
        #expect(CPUSetPartition(kernelText: "root invalid x") == nil)
        #expect(CgroupFile(named: "cpuset.cpus.partition").check(text: "new") != nil)
    }

    @Test("Clamps") func clamps() {
        #expect(UtilizationClamp(kernelText: "12.34\n") == .percent(Hundredths(1234)))
        #expect(UtilizationClamp(kernelText: "max\n")?.fileText == "max\n")
        #expect(UtilizationClamp.percent(Hundredths(5)).kernelText == "0.05")
        #expect(UtilizationClamp.percent(Hundredths(10_001)).refusal != nil)
        for text in ["12.3", "12.345", "12", ".5", "-1.00", "1e1"] {
            #expect(UtilizationClamp(kernelText: text[...]) == nil, "\(text)")
        }
    }

    @Test("Requests print one text") func requests() {
        #expect(ReclaimRequest(.mebibytes(1)).kernelText == "1048576")
        #expect(ReclaimRequest(.mebibytes(1), swappiness: .value(0)).kernelText == "1048576 swappiness=0")
        #expect(ReclaimRequest(.mebibytes(1), swappiness: .max).kernelText == "1048576 swappiness=max")
        #expect(ReclaimRequest(.max).refusal != nil)
        #expect(PressureThreshold(.full, stall: 150_000, window: 1_000_000).kernelText == "full 150000 1000000")
        #expect(PressureThreshold(.some, stall: 1, window: 2).refusal(in: CgroupFile(named: "irq.pressure")) != nil)
        let change = ControllerChange(enabling: [.memory, .cpu], disabling: [.io])
        #expect(change.kernelText == "+memory +cpu -io")
        #expect(ControllerChange(kernelText: "+memory +cpu -io\n") == change)
        #expect(ControllerChange(enabling: [Controller(rawValue: "perf_event")]).refusal != nil)
    }

    @Test("A figure prints as it was", arguments: ["0", "7", "007", "1.00", "0.05", "1.0", "max", "auto", "1e3", "-1"])
    func figures(text: String) { #expect(Figure(text).description == text) }

    @Test("Pressure keeps its decimals, and what a later kernel adds") func pressure() throws {
        let text =
            "some avg10=0.00 avg60=100.00 avg300=0.05 total=7 new=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\nx 1\n"
        let pressure = try #require(Pressure(kernelText: text[...]))
        #expect(pressure.fileText == text)
        #expect(pressure.some?.percent60 == Hundredths(10_000))
        #expect(pressure.some?.average300 == 0.05)
        for bad in [
            "some avg10=0.0 avg60=0.00 avg300=0.00 total=0\n", "some avg10=0.00 avg60=0.00 avg300=0.00 total=\n",
            "full avg10=-1.00 avg60=0.00 avg300=0.00 total=0\n", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0x\n",
        ] {
            #expect(Pressure(kernelText: bad[...]) == nil, "\(bad)")
        }
    }
}
