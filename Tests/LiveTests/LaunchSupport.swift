// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

/// How often what is repeated is repeated: 1 by default, less where a kernel is emulated (`BULKHEAD_TEST_SCALE=0.1`).
func scaled(_ count: Int) -> Int {
    let scale = ProcessInfo.processInfo.environment["BULKHEAD_TEST_SCALE"].flatMap(Double.init) ?? 1
    return max(1, Int(Double(count) * scale))
}

/// A folder that is removed with this value, others may pass through it.
final class Scratch: Sendable {
    let path: String

    init(in parent: String? = nil) throws {
        let base = parent ?? ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        path = "\(base)/bulkhead-live-\(getpid())-\(UInt32.random(in: 0...0xffffff))"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(_ name: String) -> String { "\(path)/\(name)" }

    @discardableResult
    func folder(_ name: String) throws -> String {
        try FileManager.default.createDirectory(
            atPath: path(name), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        return path(name)
    }

    @discardableResult
    func file(_ name: String, _ text: String = "") throws -> String {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
        return path(name)
    }

    @discardableResult
    func link(_ name: String, to target: String) throws -> String {
        try FileManager.default.createSymbolicLink(atPath: path(name), withDestinationPath: target)
        return path(name)
    }

    func text(_ name: String) -> String { (try? String(contentsOfFile: path(name), encoding: .utf8)) ?? "" }
}

/// What a command wrote, and how it ended.
struct Finished {
    var output: String
    var exit: Exit
    var passedOver: [LaunchError]

    var lines: [String] { output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).dropLast() }

    /// The value of a line `key=value` or `Key:\tvalue`.
    func value(_ key: String) -> String? {
        for line in lines where line.hasPrefix(key) {
            let rest = line.dropFirst(key.count)
            if rest.first == "=" || rest.first == ":" {
                return rest.dropFirst().trimmingCharacters(in: .whitespaces)
            }
        }
        return nil
    }
}

/// A file for a command's output.
func outputFile(_ scratch: Scratch, _ name: String) throws -> Streams.Stream {
    .shared(
        SharedDescriptor(
            try Descriptor.open(FilePath(scratch.path(name)), [.create, .truncate, .writing], mode: 0o666)))
}

/// Starts a command with its output in a file, waits, reads.
func finish(_ plan: Launch, start: (Launch) throws -> Child = { try $0.start() }) throws -> Finished {
    let scratch = try Scratch()
    var launch = plan
    launch.streams = Streams(
        input: .null, output: try outputFile(scratch, "out"), error: try outputFile(scratch, "error"))
    let child = try start(launch)
    let passedOver = child.passedOver
    let exit = try child.wait()
    return Finished(output: scratch.text("out") + scratch.text("error"), exit: exit, passedOver: passedOver)
}

extension Launch {
    /// A shell script.
    static func script(_ text: String, _ arguments: String...) -> Launch {
        Launch("/bin/sh", arguments: ["-c", text, "sh"] + arguments)
    }

    /// The same in all namespaces, with the host's files read-only.
    static func isolated(_ text: String, _ arguments: String...) throws -> Launch {
        var launch = Launch("/bin/sh", arguments: ["-c", text, "sh"] + arguments)
        launch.user = try testMap
        launch.namespaces = [.pid, .ipc, .uts, .cgroup, .network]
        launch.root = try .hostView()
        launch.identity = .root
        launch.capabilities = .userNamespaceDefault
        launch.directory = "/"
        return launch
    }
}

/// A map that no run of the tool claims by itself.
var testMap: IDMap { get throws { try IDMap(outside: 2_000_027_648, count: 65_536) } }
let testOutside: UInt32 = 2_000_027_648

/// The file systems to try: those that the harness prepared, or what there is.
let fileSystems: [String] = {
    if let prepared = ProcessInfo.processInfo.environment["BULKHEAD_FILESYSTEMS"] {
        return prepared.split(separator: ":").map(String.init)
    }
    return [ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp", "/dev/shm"]
}()

/// Those of them whose mounts take an ID map on this kernel.
let mappableFileSystems = fileSystems.filter { PathSupport.probe(FilePath($0)).takesIDMap }

/// The names of this process's open descriptors and what they are.
///
/// - Parameter queues: also those that Dispatch, which the tests run on, opens for good when it first needs them: its
///   queue, what wakes it, and its clocks.
func openDescriptors(withQueues queues: Bool = false) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return names.compactMap { name in
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")).map { "\(name) \($0)" }
    }.filter { name in
        !name.contains("/proc/") && (queues || !["poll]", "eventfd]", "timerfd]"].contains { name.hasSuffix($0) })
    }.sorted()
}

/// Closes the standard streams. Dispatch opens its clock when it first needs it: before, so that it takes none of theirs.
func closeStreams() async throws {
    try await Task.sleep(for: .milliseconds(1))
    try await Task.sleep(for: .milliseconds(1), clock: .suspending)
    for number: CInt in 0...2 { close(number) }
}

/// What is mounted outside of the folders of tests: other tests mount in theirs meanwhile.
func mountTable() -> String {
    wholeMountTable().split(separator: "\n").filter { !$0.contains("/bulkhead-live-") }.joined(separator: "\n")
}

func wholeMountTable() -> String { (try? readKernelFile("/proc/self/mountinfo")) ?? "" }

/// Whether this process has a child of any kind, running or ended.
func hasChildren() -> Bool {
    var info = unsafe siginfo_t()
    // __WALL: also those whose end sends no SIGCHLD.
    let result = unsafe waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | 0x4000_0000)
    return result == 0
}

/// Whether a process of this number runs, ended ones that nobody has reaped aside.
func isRunning(_ pid: Int32) -> Bool {
    guard let stat = try? readKernelFile(FilePath("/proc/\(pid)/stat")) else { return false }
    let state = stat.split(separator: ")").last?.split(separator: " ").first
    return state != "Z" && state != "X"
}

/// Waits until something holds, up to a time.
func eventually(_ limit: Duration = .seconds(20), _ condition: () throws -> Bool) rethrows -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try condition() { return true }
        usleep(10_000)
    }
    return try condition()
}

/// A folder on a file system that takes ID maps: before Linux 6.3, `/tmp` may be one that does not.
func mappableScratch() throws -> Scratch {
    try Scratch(in: fileSystems.first { PathSupport.probe(FilePath($0)).takesIDMap })
}
