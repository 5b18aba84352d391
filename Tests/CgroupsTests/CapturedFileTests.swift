// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import NodeModel
import TestSupport
import Testing

/// Files of the kernel as they were captured, see `Vectors/cgroup-files/SOURCE.md`.
@Suite("Captured files of the kernel")
struct CapturedFileTests {
    struct Snapshot: Decodable, Sendable {
        struct File: Decodable, Sendable {
            let cgroup: String
            let file: String
            let content: String?
        }
        let kernel: String
        let files: [File]
    }

    /// What reads a file, and whether the text survives.
    static func reads(_ file: String, _ text: Substring) -> Bool? {
        switch file {
        case "memory.min", "memory.low", "memory.high", "memory.max", "memory.swap.max", "memory.current",
            "memory.peak":
            ByteCount(kernelText: text).map { $0.kernelText + "\n" == text }
        case "pids.max": Limit(kernelText: text).map { $0.kernelText + "\n" == text }
        case "pids.current", "cpu.weight": UInt64(kernelText: text).map { $0.kernelText + "\n" == text }
        case "cpu.max": CPUQuota(kernelText: text).map { $0.kernelText + "\n" == text }
        case "memory.oom.group", "cgroup.freeze": Bool(kernelText: text).map { $0.kernelText + "\n" == text }
        case "cgroup.procs", "cgroup.threads":
            [Int32](kernelText: text).map { $0.map { "\($0)\n" }.joined() == text }
        case "cgroup.controllers", "cgroup.subtree_control":
            [Controller](kernelText: text).map { $0.map(\.rawValue).joined(separator: " ") == text.trimmingSuffix }
        case "cgroup.type": CgroupType(kernelText: text).map { if case .other = $0 { false } else { true } }
        case "cgroup.events": CgroupEvents(kernelText: text).map { $0.frozen != nil }
        case "memory.events": MemoryEvents(kernelText: text).map { $0.oomKill != nil }
        case "cpu.stat": CPUStatistics(kernelText: text).map { $0.usage != nil }
        case "memory.stat", "cgroup.stat":
            Counters(kernelText: text).map { $0.entries.map { "\($0.key) \($0.value)\n" }.joined() == text }
        case "cpu.pressure", "memory.pressure", "io.pressure": Pressure(kernelText: text).map { $0.some != nil }
        default: true
        }
    }

    @Test(
        "Every captured file is read, and printed as it was",
        arguments: ["snapshot-6.1.0-56-cloud-amd64.json", "snapshot-6.12.117+deb12-cloud-amd64.json"])
    func snapshot(name: String) throws {
        let snapshot: Snapshot = try vectors("cgroup-files/" + name)
        var count = 0
        for file in snapshot.files {
            guard let content = file.content, !(content.isEmpty && file.file == "cgroup.type") else { continue }
            #expect(Self.reads(file.file, content[...]) == true, "\(file.cgroup)/\(file.file): \(content)")
            count += 1
        }
        #expect(count > 500)
    }

    @Test(
        "What our types write is what the kernel reads back",
        arguments: [
            "errno-probe-6.1.0-56-cloud-amd64.txt", "errno-probe-6.12.117+deb12-cloud-amd64.txt",
            "errno-probe-7.2.13+deb14-cloud-amd64.txt",
        ])
    func probes(name: String) throws {
        let text = try String(
            contentsOf: vectorsFolder.appending(path: "cgroup-files/" + name), encoding: .utf8)
        let row = /write A\/C\/([a-z.]+) <- '(.*)'\s+(?:ret=\d+ )?(ok|E[A-Z0-9]+) readback='(.*)'/
        var checked = 0
        for line in text.split(separator: "\n") {
            guard let match = line.wholeMatch(of: row) else { continue }
            let (file, written, result, readback) = (match.1, match.2, match.3, match.4)
            switch file {
            case "memory.max", "memory.low", "memory.min":
                // Texts that our type would never write are the kernel's own affair.
                guard let value = ByteCount(kernelText: written), value.kernelText == written else { continue }
                checked += 1
                #expect(result == "ok", "\(line)")
                let kept = try #require(ByteCount(kernelText: readback), "\(line)")
                if value.refusal != nil {
                    #expect(kept == .zero, "\(line)")
                } else {
                    #expect(kept == (value == .max ? .max : ByteCount(value.bytes / 4096 * 4096)), "\(line)")
                }
            case "pids.max":
                guard let value = Limit(written), value.kernelText == written, result == "ok" else { continue }
                checked += 1
                #expect(Limit(readback) == value, "\(line)")
            case "cpu.max":
                guard let value = CPUQuota(kernelText: written), value.kernelText == written, result == "ok" else {
                    continue
                }
                checked += 1
                #expect(CPUQuota(kernelText: readback) == value, "\(line)")
            default: continue
            }
        }
        #expect(checked >= 15)
    }

    struct EdgeCases: Decodable, Sendable {
        struct Case: Decodable, Sendable {
            let file: String
            let content: String?
        }
        let cases: [Case]
    }

    @Test("Odd inputs") func edgeCases() throws {
        let table: EdgeCases = try vectors("cgroup-edge-cases.json")
        func contents(_ file: String) -> [String] { table.cases.filter { $0.file == file }.compactMap(\.content) }
        // Duplicates and processes outside the pid namespace are kept.
        #expect(contents("cgroup.procs").map { [Int32](kernelText: $0[...]) } == [[1, 0, 0, 57, 57]])
        let members = contents("/proc/PID/cgroup").map(CgroupMembership.all(in:))
        #expect(members[0].first?.pathBeforeDeletion == "/A/E")
        #expect(members[1].first?.isOutsideNamespace == true)
        #expect(members[2].map(\.path) == ["/a:b/c", "/with:colon"])
        #expect(contents("memory.max").map { ByteCount(kernelText: $0[...]) } == [.max, .max])
        #expect(contents("misc.events").compactMap { Counters(kernelText: $0[...])?["res_b.max"] } == [2])
        #expect(
            contents("dmem.current").compactMap { Counters(kernelText: $0[...])?["drm/0000:03:00.0/vram0"] }
                == [12_550_144])
        #expect(contents("cgroup.stat").compactMap { Counters(kernelText: $0[...])?["nr_dying_descendants"] } == [0])
        #expect(contents("irq.pressure").compactMap { Pressure(kernelText: $0[...])?.full?.total } == [0])
        #expect(contents("memory.events").compactMap { MemoryEvents(kernelText: $0[...])?.oomGroupKill } == [1])
    }
}

extension Substring {
    fileprivate var trimmingSuffix: Substring { hasSuffix("\n") ? dropLast() : self }
}
