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
            let readError: String?
        }
        let kernel: String
        let files: [File]
        let lsRoot: String
        let lsLeaf: String
        let other: [String: String]
    }

    /// All that are there: more may be put beside these.
    static let snapshots: [String] = {
        let folder = vectorsFolder.appending(path: "cgroup-files").path(percentEncoded: false)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix("snapshot-") && $0.hasSuffix(".json") }.sorted()
    }()

    @Test("There are snapshots of two kernels at least") func there() { #expect(Self.snapshots.count >= 2) }

    @Test("Every captured file has a constant that reads it and prints it as it was", arguments: snapshots)
    func roundTrip(name: String) throws {
        let snapshot: Snapshot = try vectors("cgroup-files/" + name)
        var count = 0
        for captured in snapshot.files {
            let file = CgroupFile(named: captured.file)
            #expect(file.isKnown, "\(captured.file) has no constant")
            guard let content = captured.content else {
                let isThreaded = captured.file == "cgroup.procs" && captured.readError == "Operation not supported"
                #expect(file.access == .write || isThreaded, "\(captured.cgroup)/\(captured.file)")
                count += 1
                continue
            }
            // The captures of a threaded cgroup's own files failed without a word.
            if content.isEmpty, captured.file == "cgroup.procs" || captured.file == "cgroup.type" { continue }
            let value = file.value(of: content)
            // Linux 6.18 prints the limits of huge pages so until they are written: it means max.
            let meaning = content == "9223372036854771712\n" ? "max\n" : content
            #expect(value?.fileText == meaning, "\(captured.cgroup)/\(captured.file): \(content)")
            count += 1
        }
        #expect(count > 600)
    }

    @Test("Typed parts are read out of the captured files", arguments: snapshots)
    func typed(name: String) throws {
        let snapshot: Snapshot = try vectors("cgroup-files/" + name)
        func contents(_ file: String) -> [Substring] {
            snapshot.files.filter { $0.file == file }.compactMap { $0.content.map { $0[...] } }
        }
        let frozen = contents("cgroup.events").compactMap { CgroupEvents(kernelText: $0)?.frozen }
        #expect(frozen.contains(true))
        let kills = contents("memory.events").compactMap { MemoryEvents(kernelText: $0)?.oomKill }
        #expect(kills.contains(7))
        #expect(contents("cpu.stat").allSatisfy { CPUStatistics(kernelText: $0)?.usage != nil })
        #expect(contents("memory.stat").allSatisfy { Counters(kernelText: $0)?["anon"] != nil })
        let quotas = contents("cpu.max").compactMap { CPUQuota(kernelText: $0)?.microseconds }
        #expect(quotas.contains(20_000))
        let nices = contents("cpu.weight.nice").compactMap { Int64(kernelText: $0) }
        #expect(nices.contains(-4))
        let devices = contents("io.max").compactMap { KernelLines<IOLimit>(kernelText: $0)?.lines.first }
        #expect(devices.first?.readBytes == 8_388_608)
        #expect(devices.first?.writeBytes == .max)
        #expect(devices.first?.writeOperations == 200)
        #expect(devices.first?.device == BlockDevice(major: 254, minor: 0))
        let weights = contents("io.weight").compactMap { KernelLines<IOWeight>(kernelText: $0)?.lines.first?.weight }
        #expect(weights.contains(300))
        let quality = contents("io.cost.qos").compactMap { KernelLines<IOCostQuality>(kernelText: $0)?.lines.first }
        #expect(quality.first?.isEnabled == true)
        #expect(quality.first?["max"]?.hundredths == Hundredths(1_000_000))
        let rates = contents("io.stat").compactMap {
            NestedCounters(kernelText: $0)?["254:0"]?["cost.vrate"]?.hundredths
        }
        #expect(rates.first == Hundredths(10_000))
        #expect(contents("memory.numa_stat").allSatisfy { NestedCounters(kernelText: $0)?["anon", "N1"] != nil })
        #expect(contents("hugetlb.2MB.numa_stat").allSatisfy { NestedCounters(kernelText: $0)?["", "total"] == 0 })
        #expect(contents("cpuset.cpus.effective").allSatisfy { IndexList(kernelText: $0)?.count == 2 })
    }

    @Test("The modes and places that the kernel shows are those of the constants", arguments: snapshots)
    func modes(name: String) throws {
        let snapshot: Snapshot = try vectors("cgroup-files/" + name)
        for (listing, isRoot) in [(snapshot.lsRoot, true), (snapshot.lsLeaf, false)] {
            var count = 0
            for line in listing.split(separator: "\n") where line.hasPrefix("-") {
                let words = line.split(separator: " ")
                let file = CgroupFile(named: String(try #require(words.last)))
                switch words[0].prefix(4) {
                case "-r--":
                    let isOlder = file.access == .readWrite && file.writableSince != nil
                    #expect(file.access == .read || isOlder, "\(file)")
                case "-rw-": #expect(file.access == .readWrite, "\(file)")
                case "--w-": #expect(file.access == .write, "\(file)")
                default: Issue.record("\(line)")
                }
                #expect(file.presence == .everywhere || file.presence == (isRoot ? .onlyOnRoot : .notOnRoot), "\(file)")
                count += 1
            }
            #expect(count > 20)
        }
    }

    @Test("What the kernel lists as delegatable is what the constants say", arguments: snapshots)
    func delegatable(name: String) throws {
        let snapshot: Snapshot = try vectors("cgroup-files/" + name)
        let listed = try #require(snapshot.other["sys/kernel_cgroup_delegate"]).split(separator: "\n").map(String.init)
        #expect(Set(CgroupFile.known.filter(\.isDelegatable).map(\.name)) == Set(listed))
    }
}
