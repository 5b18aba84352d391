// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SeccompFilters
internal import SystemPackage
internal import TestSupport
internal import Testing

/// Launches in a row: `BULKHEAD_LAUNCHES=10000` says how many, and prints what the kernel has of each kind of object.
@Suite("Launches in a row", .needs(.root), .needs(.cgroup2))
struct LaunchCountTests {
    static let asked = ProcessInfo.processInfo.environment["BULKHEAD_LAUNCHES"].flatMap { Int($0) }

    @Test("Full launches leave descriptors, children, mounts, cgroups and memory as they were")
    func flat() async throws {
        let scratch = try mappableScratch()
        await #expect(processExitsWith: .success) { [place = scratch.path as String] in
            try Self.measure(place)
        }
    }

    private static func measure(_ place: String) throws {
        let own = try TransientCgroup(named: "bulkhead-live-\(getpid())-row", in: try Cgroup.root())
        var launch = try Launch.isolated("")
        launch.command = "/bin/true"
        launch.reaper = true
        launch.hostName = "row"
        launch.seccomp = try SeccompFilter.default.compiled()
        if PathSupport.probe(FilePath(place)).takesIDMap {
            launch.volumes = [HostVolume(source: place, target: "/tmp/v")]
        }
        launch.streams = Streams(input: .null, output: .null, error: .null)
        let count = asked ?? scaled(150)
        try start(max(10, count / 10), of: launch, in: own.cgroup)
        let before = state()
        let objects = kernelObjects()
        let started = ContinuousClock.now
        try start(count, of: launch, in: own.cgroup)
        let time = ContinuousClock.now - started
        let after = state()
        precondition(after.descriptors == before.descriptors, "\(before.descriptors) became \(after.descriptors)")
        precondition(!hasChildren(), "a child is left")
        precondition(after.mounts == before.mounts, "a mount is left")
        let populated = try own.cgroup.read(.events)?.populated
        precondition(populated == false, "a process is left")
        precondition(after.resident <= before.resident + 2048, "\(before.resident) KiB became \(after.resident)")
        if asked != nil {
            print("\(count) launches in \(time), \(before.resident) KiB resident became \(after.resident)")
            for (name, number) in kernelObjects().sorted(by: { $0.key < $1.key }) {
                print("\(name): \(objects[name] ?? 0) became \(number)")
            }
        }
        try own.remove()
    }

    private static func start(_ count: Int, of plan: Launch, in cgroup: borrowing Cgroup) throws {
        for number in 0..<count {
            // Every tenth fails at the end, and gives a terminal back.
            var launch = plan
            launch.terminal = number % 10 == 9
            launch.command = launch.terminal ? "/nothing" : plan.command
            do {
                let exit = try launch.start(in: cgroup).wait()
                precondition(exit.status == .exited(0))
            } catch let error as LaunchError { precondition(error.isCommandNotFound, "\(error)") }
        }
    }

    private static func state() -> (descriptors: [String], mounts: String, resident: Int) {
        let status = (try? readKernelFile("/proc/self/status")) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return (openDescriptors(), mountTable(), Int(line.filter(\.isNumber)) ?? 0)
    }

    /// Objects in use by kind, where the kernel tells them apart (`/proc/slabinfo`); a moment after, since some of them are freed
    /// by workers.
    private static func kernelObjects() -> [String: Int] {
        sleep(asked == nil ? 0 : 3)
        let wanted: Set<Substring> = [
            "net_namespace", "user_namespace", "pid_namespace", "uts_namespace", "ipc_namespace", "mnt_cache", "pid",
            "cred",
            "task_struct", "mm_struct", "nsproxy", "filp", "dentry", "inode_cache", "proc_inode_cache",
            "shmem_inode_cache",
            "sock_inode_cache", "kernfs_node_cache", "key_jar", "UNIX", "mqueue_inode_cache", "cgroup_ns",
        ]
        var counts: [String: Int] = [:]
        for line in ((try? readKernelFile("/proc/slabinfo")) ?? "").split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            if fields.count > 2, wanted.contains(fields[0]) { counts[String(fields[0])] = Int(fields[1]) }
        }
        return counts
    }
}
