// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import Synchronization
import SystemPackage

/// A shell script that runs in a cgroup from its first line on, until it ends or is killed.
final class Workload: Sendable {
    private let process: Mutex<Process>
    let pid: Int32

    init(in cgroup: borrowing Cgroup, _ script: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "echo $$ >'\(cgroup.path)/cgroup.procs' || exit 99\n\(script)"]
        process.standardInput = FileHandle.nullDevice
        try process.run()
        pid = process.processIdentifier
        self.process = Mutex(process)
    }

    /// Processes that together hold so much anonymous memory, written to: dd fills a buffer of that size and then waits
    /// for a reader who never reads.
    static func holding(_ mebibytes: Int, in cgroup: borrowing Cgroup) throws -> Workload {
        try Workload(in: cgroup, "dd if=/dev/zero bs=\(mebibytes)M count=1 2>/dev/null | sleep 300")
    }

    /// A process that takes so much memory bit by bit, and holds it: a shell with variables of 1 MiB. Up to Linux 5.10 one
    /// system call that fills a large buffer is slowed down only after its end.
    static func growing(to mebibytes: Int, in cgroup: borrowing Cgroup) throws -> Workload {
        try Workload(
            in: cgroup,
            """
            x=$(head -c 1048576 /dev/zero | tr '\\0' a); n=0
            while [ $n -lt \(mebibytes) ]; do eval "v$n=\\$x"; n=$((n + 1)); done
            sleep 300; echo "$v0"
            """)
    }

    var isRunning: Bool { process.withLock { $0.isRunning } }

    func waitUntilExit() -> Int32 {
        process.withLock {
            $0.waitUntilExit()
            return $0.terminationStatus
        }
    }

    deinit { kill(pid, SIGKILL) }
}

/// A folder on a file system with a page cache that can be reclaimed, or nil.
let reclaimableFolder: String? = {
    let prepared = ProcessInfo.processInfo.environment["BULKHEAD_FILESYSTEMS"] ?? ""
    return prepared.split(separator: ":").map(String.init).first { $0.hasSuffix("ext4") }
}()
