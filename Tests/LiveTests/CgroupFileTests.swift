// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import Glibc
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

@Suite("Interface files of the running kernel", .needs(.root), .needs(.cgroup2))
struct CgroupFileTests {
    /// The interface files of a directory, with their permission bits.
    private static func files(in place: FilePath) throws -> [(name: String, mode: mode_t)] {
        try FileManager.default.contentsOfDirectory(atPath: place.string).sorted().compactMap { name in
            var status = stat()
            guard unsafe lstat(place.appending(name).string, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                return nil
            }
            return (name, status.st_mode & 0o777)
        }
    }

    @Test("Every file of the root and of a cgroup with all controllers has a constant with its mode and place")
    func known() throws {
        let scratch = try TestTree.scratch(enabling: TestTree.controllers)
        let root = try Cgroup.root()
        let running = try KernelVersion.running()
        for (place, isRoot) in [(root.path, true), (scratch.cgroup.path, false)] {
            let files = try Self.files(in: place)
            #expect(files.count > (isRoot ? 5 : 10))
            for (name, mode) in files {
                let file = CgroupFile(named: name)
                #expect(file.isKnown, "\(name) has no constant")
                switch mode {
                case 0o444:
                    let older = file.writableSince.map { running < Self.version($0) } ?? false
                    #expect(file.access == .read || file.access == .readWrite && older, "\(name)")
                case 0o644: #expect(file.access == .readWrite, "\(name)")
                case 0o200: #expect(file.access == .write, "\(name)")
                default: Issue.record("\(name) has mode \(String(mode, radix: 8))")
                }
                #expect(
                    file.presence == .everywhere || file.presence == (isRoot ? .onlyOnRoot : .notOnRoot), "\(name)")
                let since = Self.version(file.since ?? "")
                #expect(running >= since, "\(name) is said to be there since \(since.release)")
            }
        }
    }

    private static func version(_ text: String) -> KernelVersion {
        let numbers = text.split(separator: ".").compactMap { Int($0) }
        return numbers.count == 2 ? KernelVersion(numbers[0], numbers[1]) : KernelVersion(0, 0)
    }

    /// Linux 6.18 prints the limits of huge pages as the page counter's maximum until they are written.
    private static func meaning(_ text: String) -> String { text == "9223372036854771712\n" ? "max\n" : text }

    @Test("Every file that is read is of its constant's form, and prints as it was")
    func contents() throws {
        let scratch = try TestTree.scratch(enabling: TestTree.controllers)
        let root = try Cgroup.root()
        for cgroup in [scratch.cgroup.path, root.path] {
            let here = try Cgroup.open(cgroup)
            for (name, _) in try Self.files(in: cgroup) {
                let file = CgroupFile(named: name)
                guard file.access != .write, let text = try here.text(of: file) else { continue }
                #expect(file.value(of: text)?.fileText == Self.meaning(text), "\(name): \(text)")
            }
        }
    }

    @Test("A write-only file says so when it is read") func writeOnly() throws {
        let scratch = try TestTree.scratch(enabling: TestTree.controllers)
        let error = #expect(throws: KernelError.self) {
            // Linux 5.10 has no cgroup.kill, and that is no error.
            if try scratch.cgroup.text(of: CgroupFile(named: "cgroup.kill")) == nil {
                throw KernelError("read", "cgroup.kill", errno: .invalidArgument, hint: "the file is only written")
            }
        }
        #expect(error?.hint == "the file is only written")
    }

    @Test("What a file that is read and written holds can be written back, and reads the same")
    func writtenBack() throws {
        let scratch = try TestTree.scratch(enabling: TestTree.controllers)
        var written: [String] = []
        for (name, _) in try Self.files(in: scratch.cgroup.path) {
            let file = CgroupFile(named: name)
            guard file.access == .readWrite, let text = try scratch.cgroup.text(of: file) else { continue }
            // Of the others the content is not what is written: processes, triggers, types.
            let isValue = file.content.map { content in file.command.map { $0 == content } ?? false } ?? false
            guard isValue, name != "cgroup.type", let value = file.value(of: text) else { continue }
            try scratch.cgroup.write(text: value.kernelText, to: file)
            #expect(try scratch.cgroup.text(of: file) == Self.meaning(text), "\(name)")
            written.append(name)
        }
        #expect(written.contains("cgroup.max.depth"))
        #expect(written.contains("memory.max") == TestTree.controllers.contains(.memory))
        #expect(written.contains("cpuset.cpus") == TestTree.controllers.contains(.cpuset))
    }

    @Test("Core values read back as they were written") func core() throws {
        let scratch = try TestTree.scratch()
        try scratch.cgroup.write(3, to: .maxDepth)
        #expect(try scratch.cgroup.read(.maxDepth) == 3)
        try scratch.cgroup.write(.max, to: .maxDepth)
        try scratch.cgroup.write(7, to: .maxDescendants)
        #expect(try scratch.cgroup.read(.maxDescendants) == 7)
        #expect(try scratch.cgroup.read(.cgroupStatistics)?["nr_descendants"] == 0)
        let refused = #expect(throws: KernelError.self) { try scratch.cgroup.write(.domain, to: .cgroupType) }
        #expect(refused?.hint == "the only type that can be asked for is \"threaded\"")
    }

    @Test("Values of cpu read back as they were written", .needs(.controller("cpu"))) func cpu() throws {
        let scratch = try TestTree.scratch(enabling: [.cpu])
        let pod = try scratch.cgroup.duplicate()
        try pod.write(10_000, to: .cpuWeight)
        #expect(try pod.read(.cpuWeight) == 10_000)
        let range = #expect(throws: KernelError.self) {
            try pod.write(text: "10001", to: CgroupFile(named: "cpu.weight"))
        }
        #expect(range?.errno == .outOfRange)
        #expect(range?.hint == "it takes a number in decimal digits, from 1 to 10000")
        try pod.write(-20, to: .cpuWeightNice)
        #expect(try pod.read(.cpuWeightNice) == -20)
        try pod.write(CPUQuota(microseconds: CPUQuota.shortest, period: 1000), to: .cpuMax)
        #expect(try pod.read(.cpuMax) == CPUQuota(microseconds: 1000, period: 1000))
        let longest = CPUQuota(microseconds: (1 << 44) - 1)
        try pod.write(longest, to: .cpuMax)
        #expect(try pod.read(.cpuMax) == longest)
        let tooLong = #expect(throws: KernelError.self) {
            try pod.write(text: "\(1 << 44)", to: CgroupFile(named: "cpu.max"))
        }
        #expect(tooLong?.errno == .invalidArgument)
        if try pod.read(.cpuMaxBurst) != nil {
            try pod.write(CPUQuota(microseconds: 20_000), to: .cpuMax)
            try pod.write(20_000, to: .cpuMaxBurst)
            #expect(try pod.read(.cpuMaxBurst) == 20_000)
            let over = #expect(throws: KernelError.self) { try pod.write(20_001, to: .cpuMaxBurst) }
            #expect(over?.hint == "a burst is at most the quota of cpu.max")
            try pod.write(0, to: .cpuMaxBurst)
        }
        if try pod.read(.cpuIdle) != nil {
            try pod.write(true, to: .cpuIdle)
            let idle = #expect(throws: KernelError.self) { try pod.write(50, to: .cpuWeight) }
            #expect(idle?.hint == "the weight cannot be set while cpu.idle is 1")
            try pod.write(false, to: .cpuIdle)
            #expect(try pod.read(.cpuWeight) == 100)
        }
        if try pod.read(.cpuClampMin) != nil {
            try pod.write(.percent(Hundredths(1234)), to: .cpuClampMin)
            #expect(try pod.read(.cpuClampMin) == .percent(Hundredths(1234)))
            try pod.write(.percent(Hundredths(10_000)), to: .cpuClampMax)
            #expect(try pod.read(.cpuClampMax) == .max)
        }
    }

    @Test("Values of cpuset read back as they were written", .needs(.controller("cpuset"))) func cpuset() throws {
        let scratch = try TestTree.scratch(enabling: [.cpuset])
        let pod = try scratch.cgroup.duplicate()
        try pod.write(IndexList([0]), to: .cpusetCPUs)
        #expect(try pod.read(.cpusetCPUs) == IndexList([0]))
        #expect(try pod.read(.cpusetEffectiveCPUs) == IndexList([0]))
        try pod.write(IndexList([]), to: .cpusetCPUs)
        #expect(try pod.read(.cpusetCPUs) == IndexList([]))
        try pod.write(text: "0", to: CgroupFile(named: "cpuset.cpus"))
        try pod.write(text: "", to: CgroupFile(named: "cpuset.cpus"))
        #expect(try pod.read(.cpusetCPUs) == IndexList([]))
        try pod.write(IndexList([0]), to: .cpusetMemoryNodes)
        #expect(try pod.read(.cpusetMemoryNodes) == IndexList([0]))
        let missing = #expect(throws: KernelError.self) { try pod.write(IndexList([60_000]), to: .cpusetCPUs) }
        #expect(missing?.hint == "the machine has no such processor")
        // Taken, and told to be invalid on reading; Linux 5.10 refuses it at once.
        do {
            try pod.write(.root, to: .cpusetPartition)
            let partition = try pod.read(.cpusetPartition)
            #expect(partition?.kind == .root)
            #expect(partition?.isInvalid == true)
            try pod.write(.member, to: .cpusetPartition)
        } catch { #expect(error.errno == .invalidArgument, "\(error)") }
    }

    @Test("A device that is not there is told from a cgroup that is gone", .needs(.controller("io")))
    func devices() throws {
        let scratch = try TestTree.scratch(enabling: [.io])
        let child = try scratch.cgroup.createChild("a", enabling: [.io])
        let none = BlockDevice(major: 240, minor: 77)
        let error = #expect(throws: KernelError.self) {
            try child.write(IOLimit(none, readBytes: 1_048_576, writeOperations: 10), to: .ioMax)
        }
        #expect(error?.value == "240:77 rbps=1048576 wiops=10")
        #expect(error?.meansCgroupIsGone == false)
        #expect(error?.hint == "there is no such block device, or it is a partition of one")
        let zero = #expect(throws: KernelError.self) { try child.write(IOLimit(none, readBytes: 0), to: .ioMax) }
        #expect(zero?.errno == .invalidArgument)
        #expect(try child.read(.ioMax)?.lines == [])
        try scratch.cgroup.removeChild("a")
        let gone = #expect(throws: KernelError.self) { try child.write(IOLimit(none, readBytes: 1), to: .ioMax) }
        #expect(gone?.meansCgroupIsGone == true)
    }

    @Test("A limit of a device reads back with all four values", .needs(.controller("io"))) func ioMax() throws {
        let disks = try FileManager.default.contentsOfDirectory(atPath: "/sys/block").sorted()
        guard let disk = disks.first, let text = try? readKernelFile(FilePath("/sys/block/\(disk)/dev")),
            let device = BlockDevice(text)
        else { try Test.cancel("no block device here") }
        let scratch = try TestTree.scratch(enabling: [.io])
        try scratch.cgroup.write(IOLimit(device, readBytes: 1_048_576, writeOperations: 10), to: .ioMax)
        let all = IOLimit(
            device, readBytes: 1_048_576, writeBytes: .max, readOperations: .max, writeOperations: 10)
        #expect(try scratch.cgroup.read(.ioMax)?.lines == [all])
        try scratch.cgroup.write(IOLimit(device, readBytes: .max, writeOperations: .max), to: .ioMax)
        #expect(try scratch.cgroup.read(.ioMax)?.lines == [])
    }

    @Test("Less than was asked for could be reclaimed is an error of its own", .needs(.memoryController))
    func reclaim() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        let error = #expect(throws: KernelError.self) {
            try scratch.cgroup.write(ReclaimRequest(.mebibytes(1)), to: .memoryReclaim)
        }
        if try KernelVersion.running() >= KernelVersion(5, 19) {
            #expect(error?.errno == .resourceTemporarilyUnavailable)
            #expect(error?.hint == "less than this could be reclaimed")
        } else {
            #expect(error?.hint == "it is there since Linux 5.19")
        }
    }

    @Test("memory.max below the use kills nobody when it is written without blocking", .needs(.memoryController))
    func nonBlocking() throws {
        let scratch = try TestTree.scratch(enabling: [.memory])
        guard Cgroup.writesLimitsWithoutBlocking else {
            let error = #expect(throws: KernelError.self) {
                try scratch.cgroup.write(.mebibytes(4), to: .memoryMax, nonBlocking: true)
            }
            #expect(error?.errno == .notSupportedOnSocket)
            return
        }
        // A shell that holds 32 MiB in a variable, and then waits.
        let shell = Process()
        shell.executableURL = URL(filePath: "/bin/sh")
        let file = scratch.cgroup.path.appending("cgroup.procs").string
        shell.arguments = [
            "-c",
            "echo $$ >\(file); x=0123456789abcdef; n=0; while [ $n -lt 21 ]; do x=$x$x; n=$((n + 1)); done; echo; read y",
        ]
        let (input, output) = (Foundation.Pipe(), Foundation.Pipe())
        shell.standardInput = input
        shell.standardOutput = output
        try shell.run()
        _ = output.fileHandleForReading.availableData
        let before = try #require(try scratch.cgroup.read(.memoryCurrent))
        #expect(before > .mebibytes(16))
        try scratch.cgroup.write(.mebibytes(4), to: .memoryMax, nonBlocking: true)
        #expect(try scratch.cgroup.read(.memoryMax) == .mebibytes(4))
        #expect(try scratch.cgroup.read(.memoryEvents)?.oomKill == 0)
        #expect(shell.isRunning)
        let other = #expect(throws: KernelError.self) {
            try scratch.cgroup.write(.mebibytes(4), to: .memoryLow, nonBlocking: true)
        }
        #expect(other?.errno == .invalidArgument)
        #expect(try scratch.cgroup.killAndWait(timeout: .seconds(30)) == true)
        shell.waitUntilExit()
        try input.fileHandleForWriting.close()
    }
}
