// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import Launching
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

/// What memory protection does on a real kernel, measured: `make proof` runs these in target kernels and prints the
/// tables. They leave the whole machine without memory, again and again, so they run one after the other and on a
/// machine of their own only.
@Suite(
    "Memory protection, measured", .serialized,
    .needs(.root), .needs(.memoryController), .needs(.machineToStarve))
enum ProtectionTests {}

extension Requirement {
    /// A machine that a test may leave without memory, with a disk: page cache on an image in memory would count twice.
    static let machineToStarve = Requirement(
        "machine-to-starve",
        absence: Machine.disk == nil ? "the whole machine runs out of memory in it; \"make proof\" has one for it" : nil
    )
}

/// The machine under a test.
enum Machine {
    /// A folder on a disk that is no image in memory.
    static let disk = ProcessInfo.processInfo.environment["BULKHEAD_DISK"]

    /// A file on that disk.
    static func file(_ name: String) throws -> String { "\(try #require(disk))/\(name)" }

    /// A value of /proc/meminfo.
    static func memory(_ key: String) throws -> ByteCount {
        let line = try readKernelFile("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("\(key):") }
        let words = try #require(line).split(separator: " ")
        return .kibibytes(try #require(UInt64(words[1])))
    }

    /// A counter of /proc/vmstat.
    static func counter(_ key: String) throws -> UInt64 {
        let counters = try #require(Counters(kernelText: try readKernelFile("/proc/vmstat")[...]))
        return try #require(counters[key])
    }

    /// Mebibytes read from disks since the start.
    static func readFromDisks() throws -> UInt64 {
        let sectors = try readKernelFile("/proc/diskstats").split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words[2].hasPrefix("nvme") && words[2].hasSuffix("n1") ? UInt64(words[5]) : nil
        }
        return sectors.reduce(0, +) / 2048
    }

    static func dropCaches() throws {
        sync()
        try "3".write(toFile: "/proc/sys/vm/drop_caches", atomically: false, encoding: .ascii)
    }

    private static let multiGenerationalSwitch = "/sys/kernel/mm/lru_gen/enabled"

    /// Whether reclaim is that of the multi-generational LRU; nil when the kernel has none (before Linux 6.1).
    static func isMultiGenerational() -> Bool? {
        guard let text = try? readKernelFile(FilePath(multiGenerationalSwitch)) else { return nil }
        return text != "0x0000"
    }

    static func setMultiGenerational(_ on: Bool) throws {
        try (on ? "y" : "n").write(toFile: multiGenerationalSwitch, atomically: false, encoding: .ascii)
    }
}

/// Bytes as whole mebibytes, for tables and margins.
func mebibytes(_ count: ByteCount) -> Int { Int(count.bytes >> 20) }

extension Cgroup {
    /// Runs a shell script inside, to its end.
    @discardableResult
    borrowing func run(_ script: String, _ arguments: String...) throws -> LinuxKernel.ExitStatus {
        try begin(script, arguments).wait().status
    }

    /// Starts a shell script inside, which ends with the cgroup.
    borrowing func begin(_ script: String, _ arguments: [String] = []) throws -> Child {
        var launch = Launch("/bin/sh", arguments: ["-c", script, "sh"] + arguments)
        launch.streams = Streams(input: .null, output: .null, error: .null)
        return try launch.start(in: self)
    }

    /// Reads a file to its end inside: page cache of this cgroup, as far as it is nobody's yet.
    @discardableResult
    borrowing func readFile(_ file: String, times: Int = 1) throws -> LinuxKernel.ExitStatus {
        try run(#"n=0; while [ $n -lt "$2" ]; do cat "$1" || exit; n=$((n + 1)); done"#, file, "\(times)")
    }

    /// Fills so much memory that only a swap device could take, and holds it until the cgroup ends.
    borrowing func hold(_ size: ByteCount) throws {
        // dd fills its one block, then waits for a reader that never reads.
        try begin(#"dd if=/dev/zero bs="$1" count=1 2>/dev/null | sleep 1000"#, ["\(size)"]).detach()
        let isHeld = try eventually(.seconds(60)) { try anonymous() >= size }
        try #require(isHeld, "\(size) bytes were not filled in \(path)")
    }

    borrowing func statistic(_ key: String) throws -> UInt64 {
        try #require(try read(.memoryStatistics)?[key], "memory.stat has no \(key)")
    }

    borrowing func anonymous() throws -> ByteCount { ByteCount(try statistic("anon")) }
    borrowing func current() throws -> ByteCount { try #require(try read(.memoryCurrent)) }
    borrowing func events() throws -> MemoryEvents { try #require(try read(.memoryEvents)) }
    /// Pages of files that were read again soon after they had been reclaimed.
    borrowing func refaults() throws -> UInt64 { try statistic("workingset_refault_file") }
}

/// Makes a file of zeros, through to the disk.
func makeFile(_ name: String, _ size: ByteCount) throws -> String {
    let path = try Machine.file(name)
    let exit = try Launch.script(
        #"dd if=/dev/zero of="$1" bs=1048576 count="$2" 2>/dev/null"#, path, "\(mebibytes(size))"
    ).start().wait()
    try #require(exit.status == .exited(0))
    try Machine.dropCaches()
    return path
}

/// A table of what was measured, printed for people: into the file that `BULKHEAD_REPORT` names.
struct ReportTable {
    let title: String
    private var rows: [[String]]

    init(_ title: String, columns: [String]) {
        self.title = title
        rows = [columns]
    }

    mutating func add(_ cells: [String]) { rows.append(cells) }

    /// Appends it to the report.
    func print() throws {
        guard let file = ProcessInfo.processInfo.environment["BULKHEAD_REPORT"] else { return }
        let widths = rows[0].indices.map { column in rows.map(\.[column].count).max() ?? 0 }
        func line(_ cells: [String]) -> String {
            let padded = zip(cells, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            return "| \(padded.joined(separator: " | ")) |\n"
        }
        var text = "\n\(title)\n\n\(line(rows[0]))"
        text += line(widths.map { String(repeating: "-", count: $0) })
        for row in rows.dropFirst() { text += line(row) }
        let earlier = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        try (earlier + text).write(toFile: file, atomically: false, encoding: .utf8)
    }
}
