// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxKernel
import SystemPackage
import TestSupport
import Testing

@testable import Cgroups

/// What kernels answered to 290 writes and calls: the oracle for refusals and for what an error says.
@Suite("Answers of real kernels")
struct ProbeTests {
    struct Answer: Sendable {
        let file: String
        let written: String
        let result: String
        let readback: String
        let line: String
    }

    static let probes: [String] = {
        let folder = vectorsFolder.appending(path: "cgroup-files").path(percentEncoded: false)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix("errno-probe-") }.sorted()
    }()

    static func lines(_ name: String) throws -> [String] {
        try String(contentsOf: vectorsFolder.appending(path: "cgroup-files/" + name), encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }

    static func answers(_ name: String) throws -> [Answer] {
        let row = /write (?:A\/C|A)\/([a-zA-Z0-9.]+) <- '(.*)'\s+(?:ret=\d+ )?(ok|E[A-Z0-9]+) readback='(.*)'/
        return try lines(name).compactMap { line in
            line.wholeMatch(of: row).map {
                Answer(
                    file: String($0.1), written: String($0.2.replacing("\\n", with: "\n")), result: String($0.3),
                    readback: String($0.4), line: line)
            }
        }
    }

    static let errnos: [String: Errno] = [
        "ENOENT": .noSuchFileOrDirectory, "EINVAL": .invalidArgument, "ERANGE": .outOfRange, "EBUSY": .resourceBusy,
        "ENODEV": .noDevice, "EOPNOTSUPP": .notSupportedOnSocket, "E2BIG": .argListTooLong, "EEXIST": .fileExists,
        "EAGAIN": .resourceTemporarilyUnavailable, "ESRCH": .noSuchProcess, "EACCES": .permissionDenied,
    ]

    /// Texts that the kernel takes and that are refused here: it reads them differently than they look, or does nothing.
    static let misunderstood: Set<String> = [
        "1G", "1g", "1m", "16K", "64M", "16M", "3M", "4M", "0x100000", "0100000", "4095", "8192 ", " 8192", "", "\n",
        "99999999999999999999", "max max", "20000 100000 5",
    ]
    /// Refused by the kernel for reasons of the moment: what is there, and what was set before.
    static let momentary: Set<String> = [
        "cpu.max <- 10000", "cpu.max.burst <- 20001", "cpu.weight <- 50", "io.max <- 8:0 rbps=1048576",
        "io.max <- 999:0 rbps=1", "io.max <- 254:0 rbps=1048576 wiops=10", "io.max <- 254:0 rbps=max",
        "io.max <- 254:0 wiops=max", "io.weight <- 254:0 300", "io.weight <- 254:0 default", "cpuset.cpus <- 0-100",
        "cpuset.cpus <- 5", "cpuset.mems <- 1",
    ]

    @Test("There are answers of three kernels") func there() { #expect(Self.probes.count >= 3) }

    @Test("A text is refused where a kernel refuses it or would misunderstand it, and nowhere else", arguments: probes)
    func refusals(name: String) throws {
        var count = 0
        for answer in try Self.answers(name) where answer.result != "ENOENT" {
            let refusal = CgroupFile(named: answer.file).check(text: answer.written)
            // An empty list of processors is a value, and written as a newline.
            let isEmptyList = answer.file.hasPrefix("cpuset.cpus") && answer.written.allSatisfy(\.isNewline)
            if Self.misunderstood.contains(answer.written) && !isEmptyList {
                #expect(refusal != nil, "\(answer.line)")
            } else if answer.result == "ok" || Self.momentary.contains("\(answer.file) <- \(answer.written)") {
                #expect(refusal == nil, "\(answer.line)")
            } else {
                #expect(refusal != nil, "\(answer.line)")
            }
            count += 1
        }
        #expect(count > 90)
    }

    @Test("What was written and taken reads back as the same value", arguments: probes)
    func readback(name: String) throws {
        var count = 0
        for answer in try Self.answers(name) where answer.result == "ok" {
            let file = CgroupFile(named: answer.file)
            guard file.access == .readWrite, file.check(text: answer.written) == nil else { continue }
            let back = try #require(file.value(of: answer.readback + "\n"), "\(answer.line)")
            #expect(back.fileText.trimmingNewline == Self.expected(answer), "\(answer.line)")
            count += 1
        }
        #expect(count > 40)
    }

    /// What a taken text reads back as: itself, but for these.
    private static func expected(_ answer: Answer) -> String {
        switch (answer.file, answer.written) {
        case ("memory.max", "4097"): "4096"
        case ("memory.max", "18446744073709551615"), ("memory.max", "9223372036854771712"): "max"
        case ("cpu.max", "max"), ("cpu.max", "1000"): answer.written + " 100000"
        case ("io.weight", "100"): "default 100"
        case ("cpuset.cpus", "0,1"): "0-1"
        case ("cpuset.cpus", "0-1:1/2"): "0"
        case ("cpuset.cpus.partition", "root"), ("io.max", _): answer.readback
        default: answer.written.trimmingNewline
        }
    }

    @Test("Each error of a write says more than its number", arguments: probes)
    func hints(name: String) throws {
        var count = 0
        for answer in try Self.answers(name) where answer.result != "ok" && answer.result != "ENOENT" {
            let errno = try #require(Self.errnos[answer.result], "\(answer.line)")
            #expect(writeHint(errno, CgroupFile(named: answer.file)) != nil, "\(answer.line)")
            count += 1
        }
        for (what, file) in Self.calls {
            for line in try Self.lines(name).filter({ $0.contains(what) }) {
                let result = String(line.split(separator: " ").last ?? "")
                guard let errno = Self.errnos[result] else { continue }
                #expect(writeHint(errno, CgroupFile(named: file)) != nil, "\(line)")
                count += 1
            }
        }
        #expect(count > 50)
    }

    /// Rows about writes that are not of the form above, and the file each is about.
    private static let calls = [
        ("subtree ", "cgroup.subtree_control"), ("procs <-", "cgroup.procs"), ("attach ", "cgroup.procs"),
        ("memory.max <- 5000 bytes", "memory.max"), ("memory.reclaim", "memory.reclaim"),
        ("memory.peak write", "memory.peak"), ("psi ", "memory.pressure"), ("t1 type<-", "cgroup.type"),
        ("kill t1", "cgroup.kill"), ("cgroup.threads (other domain)", "cgroup.threads"),
    ]

    @Test("Triggers are refused as the kernels refuse them") func triggers() {
        #expect(PressureThreshold(.some, stall: 500_000, window: 1_000_000).refusal == nil)
        #expect(PressureThreshold(.some, stall: 500_000, window: 10_000_001).refusal != nil)
        #expect(PressureThreshold(.full, stall: 2_000_000, window: 1_000_000).refusal != nil)
        #expect(PressureThreshold(.some, stall: 0, window: 1_000_000).refusal != nil)
        #expect(PressureThreshold(kernelText: "bogus") == nil)
    }

    @Test("Requests to reclaim are refused as the kernels refuse them") func reclaim() {
        let file = CommandFile<ReclaimRequest>.memoryReclaim.file
        for text in ["1048576", "1048576 swappiness=0", "1048576 swappiness=max", "0"] {
            #expect(file.check(text: text) == nil, "\(text)")
        }
        for text in ["bogus", "1048576 foo=1", "max", "1048576 swappiness=201", "4095", "", "1048576 "] {
            #expect(file.check(text: text) != nil, "\(text)")
        }
    }
}
