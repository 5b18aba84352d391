// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

/// A full start by the tool: all namespaces, an image, ID-mapped volumes, a cgroup, the filter. Each system call of the
/// tool and of what it clones, up to the exec, fails or kills in turn: a few of them, or with `EVERY_CRASH` all.
@Suite(
    "A system call of a start", .serialized, .needs(.root), .needs(.cgroup2), .needs(.idmappedMounts),
    .needs(.command("strace")), .needs(toolIsThere))
struct StartFaultTests {
    static let isThorough = ProcessInfo.processInfo.environment["EVERY_CRASH"] != nil

    @Test("It fails: the error says where, and no process, mount, cgroup or temporary file is left")
    func fails() throws {
        let start = try FullStart()
        for (number, call) in try start.calls().enumerated() where !FullStart.notFailing.contains(call.name) {
            guard Self.isThorough || number % 24 == 7 else { continue }
            let found = try start.run("-f -b execve -e inject=\(call.name):error=EIO:when=\(call.number)")
            start.expectNothingLeft("\(call)")
            switch found.exit.status {
            case .exited(0): break  // it was not needed
            case .exited(let code):
                #expect([1, 3, 126, 127].contains(code), "\(call): \(found.output)")
                // Before main, the loader speaks.
                #expect(
                    found.output.contains("bulkhead: ") && found.output.contains(": ")
                        || found.output.contains("error while loading"), "\(call): \(found.output)")
            case .killed: Issue.record("\(call): \(found.exit.status) \(found.output)")
            }
            if Self.isThorough { print("\(call): \(found.exit.status) \(found.output)") }
        }
    }

    @Test("The starter is killed there: nothing is left")
    func kills() throws {
        let start = try FullStart()
        for (number, call) in try start.calls(following: false).enumerated() {
            guard Self.isThorough || number % 32 == 9 else { continue }
            _ = try start.run("-e inject=\(call.name):signal=SIGKILL:when=\(call.number)")
            start.expectNothingLeft("killed at \(call)")
        }
    }
}

/// A start to be disturbed, and what it would leave.
private struct FullStart {
    /// Without memory a program of Swift ends; the others do not fail, or as close have done it all the same.
    static let notFailing: Set<String> = [
        "close", "close_range", "waitid",
        "mmap", "munmap", "mprotect", "mremap", "brk", "madvise", "futex", "arch_prctl", "set_tid_address",
        "set_robust_list", "rseq", "exit", "exit_group", "rt_sigreturn", "execve",
    ]

    struct Call: CustomStringConvertible {
        let name: String
        let number: Int
        var description: String { "\(name) \(number)" }
    }

    let scratch: Scratch
    let group = "bulkhead-live-\(getpid())-\(UInt32.random(in: 0...0xffff))"
    private let mark = "bulkhead-mark-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"

    init() throws {
        scratch = try mappableScratch()
        _ = try LaunchRootTests.image(scratch, links: [:])
        try scratch.folder("volume")
        // The first run makes the mount points.
        let found = try run("-e trace=none")
        guard found.exit.status == .exited(0) else {
            throw LaunchFailureTests.Unexpected()
        }
    }

    /// The command lives for a moment, so that there is something to be left.
    func run(_ options: String, log: String = "/dev/null") throws -> Finished {
        try shell(
            """
            export MARK=\(mark); cd /
            exec strace -qq -o \(log) \(options) $B run --cgroup \(group)/run --rootfs \(scratch.path("rootfs")) \
                --volume /usr:/usr:ro:plain --volume \(scratch.path("volume")):/data --json-status \(scratch.path("status")) \
                -- /bin/sleep 0.01
            """)
    }

    /// The calls of an undisturbed start: of each name as many as the process makes that makes most of them.
    func calls(following: Bool = true) throws -> [Call] {
        let found = try run(following ? "-f -b execve" : "-e trace=all", log: scratch.path("log"))
        try #require(found.exit.status == .exited(0), "\(found.output)")
        var counts: [String: [String: Int]] = [:]
        for line in scratch.text("log").split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            let (process, text) = following ? (words[0], words.last ?? "") : ("", String(line))
            guard let name = text.split(separator: "(").first,
                name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
            else { continue }
            counts[String(name), default: [:]][process, default: 0] += 1
        }
        try FileManager.default.removeItem(atPath: scratch.path("log"))
        // A call that strace has no name for it cannot disturb.
        return counts.filter { !$0.key.hasPrefix("syscall_0x") }.sorted { $0.key < $1.key }.flatMap { name, counts in
            (1...(counts.values.max() ?? 1)).map { Call(name: name, number: $0) }
        }
    }

    func expectNothingLeft(_ what: String) {
        #expect(eventually { ((try? Cgroup.root().child(group)) ?? nil) == nil }, "\(what): a cgroup")
        #expect(eventually { marked() == [] }, "\(what): \(marked())")
        #expect(!mountTable().contains(scratch.path), "\(what): a mount")
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: scratch.path)) ?? []).sorted()
        #expect(
            names.filter { !$0.hasSuffix("status") && !isBeginning($0) } == ["rootfs", "volume"], "\(what): \(names)")
        let inVolume = (try? FileManager.default.contentsOfDirectory(atPath: scratch.path("volume"))) ?? []
        #expect(inVolume == [], "\(what): \(inVolume)")
    }

    /// A status file that was about to take the place of the former when its writer was killed: nobody can remove it then.
    private func isBeginning(_ name: String) -> Bool { name.hasPrefix(".status.") }

    /// Processes with the mark in their environment; an init wipes its own, and is in the cgroup.
    private func marked() -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.filter { $0.allSatisfy(\.isNumber) }.filter { process in
            guard let file = try? Descriptor.open(FilePath("/proc/\(process)/environ"), .reading),
                let bytes = try? file.readBytes()
            else { return false }
            return String(decoding: bytes, as: UTF8.self).contains(mark)
        }
    }
}
