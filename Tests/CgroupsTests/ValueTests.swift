// SPDX-License-Identifier: Apache-2.0

import Cgroups
import NodeModel
import Testing

@Suite("Values of interface files")
struct ValueTests {
    @Test("Counters are equal by what they say, whatever lines are between") func spelling() throws {
        let one = try #require(Counters(kernelText: "low 10\n\nhigh 2"))
        let other = try #require(Counters(kernelText: "low 10\nhigh 2\n"))
        #expect(one == other && one.hashValue == other.hashValue)
        #expect(Counters(kernelText: "low 10\nhigh 3\n") != one)
    }

    @Test(
        "A limit prints what every kernel reads alike",
        arguments: [(Limit.max, "max"), (0, "0"), (4_194_304, "4194304")])
    func limitPrints(limit: Limit, text: String) {
        #expect(limit.kernelText == text)
        #expect(Limit(text) == limit)
        #expect(Limit(text + "\n") == limit)
    }

    @Test(
        "What is neither max nor decimal digits is no limit",
        arguments: [
            "", "\n", "-1", "+1", "010", "00", "0x10", "1G", "MAX", "max max", " 8192", "1 ", "99999999999999999999",
            "1e3",
        ])
    func notALimit(text: String) {
        #expect(Limit(text) == nil)
        #expect(ByteCount(kernelText: text[...]) == nil)
    }

    @Test("No limit is the largest") func order() {
        #expect(Limit.value(.max) < .max)
        #expect(Limit.value(1) < 2)
        #expect(!(Limit.max < .max))
    }

    @Test("The page counter's maximum is read as no limit")
    func pageCounterMaximum() {
        #expect(ByteCount(kernelText: "9223372036854771712\n") == .max)
        #expect(ByteCount(kernelText: "9223372036854710272\n") == .max)
        #expect(ByteCount(kernelText: "1099511627776\n") == .tebibytes(1))
    }

    @Test("Less than a page of memory is refused, because the kernel would make it zero")
    func underOnePage() {
        #expect(ByteCount(4095).refusal != nil)
        #expect(ByteCount(1).refusal != nil)
        #expect(ByteCount.zero.refusal == nil)
        #expect(ByteCount.mebibytes(1).refusal == nil)
        #expect(ByteCount.max.refusal == nil)
    }

    @Test("cpu.max is written with its period") func cpuMax() {
        #expect(CPUQuota(milliCPU: 1500)?.kernelText == "150000 100000")
        #expect(CPUQuota.unlimited().kernelText == "max 100000")
        #expect(CPUQuota(kernelText: "max 50000\n") == .unlimited(period: 50_000))
        #expect(CPUQuota(kernelText: "20000 100000\n") == CPUQuota(microseconds: 20_000))
        #expect(CPUQuota(kernelText: "20000\n") == nil)
        #expect(CPUQuota(kernelText: "-1 100000\n") == nil)
        // Zero is no quota to the model, and must not lift the limit here.
        #expect(CPUQuota(kernelText: "0 100000\n") == nil)
        #expect(CPUQuota(kernelText: "10000 0\n") == nil)
        #expect(CPUQuota(microseconds: 999).refusal != nil)
        #expect(CPUQuota(microseconds: 1000).refusal == nil)
        #expect(CPUQuota(microseconds: 1 << 44).refusal != nil)
        #expect(CPUQuota(microseconds: 10_000, period: 999).refusal != nil)
        #expect(CPUQuota(microseconds: 10_000, period: 1_000_001).refusal != nil)
    }

    @Test("Switches are 0 and 1") func switches() {
        #expect(Bool(kernelText: "1\n") == true)
        #expect(Bool(kernelText: "0\n") == false)
        #expect(Bool(kernelText: "2\n") == nil)
        #expect(true.kernelText == "1")
    }

    @Test(
        "The kinds of cgroups",
        arguments: [
            ("domain\n", CgroupType.domain), ("domain threaded\n", .domainThreaded),
            ("domain invalid\n", .domainInvalid),
            ("threaded\n", .threaded), ("new kind\n", .other("new kind")),
        ])
    func kinds(text: String, kind: CgroupType) { #expect(CgroupType(kernelText: text[...]) == kind) }

    @Test("Counters keep keys nobody knows, and a missing key is not zero") func counters() throws {
        let events = try #require(MemoryEvents(kernelText: "low 0\nhigh 3\noom_kill 7\nsock_throttled 2\n"))
        #expect(events.low == 0)
        #expect(events.high == 3)
        #expect(events.oomKill == 7)
        #expect(events.oomGroupKill == nil)
        #expect(events.counters["sock_throttled"] == 2)
        #expect(Counters(kernelText: "low zero\n") == nil)
        #expect(Counters(kernelText: "low\n") == nil)
    }

    @Test("Pressure has its two lines, or one of them") func pressure() throws {
        let memory = try #require(
            Pressure(
                kernelText: """
                    some avg10=8.24 avg60=4.89 avg300=1.38 total=4622095
                    full avg10=0.95 avg60=0.55 avg300=0.15 total=697008

                    """))
        #expect(memory.some?.average10 == 8.24)
        #expect(memory.full?.total == 697_008)
        let irq = try #require(Pressure(kernelText: "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"))
        #expect(irq.some == nil)
        #expect(irq.full?.total == 0)
        #expect(Pressure(kernelText: "some\n") == nil)
        #expect(Pressure(kernelText: "\n") == nil)
    }
}
