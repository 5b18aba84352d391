// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import Synchronization
import SystemPackage

/// What the live tests of cgroups share: everything they make is below `bulkhead-test-PID-N` of the version 2 root.
enum TestTree {
    /// The controllers of the version 2 tree.
    static let controllers: Set<Controller> = {
        guard let root = try? Cgroup.root(), let all = try? root.read(.controllers) else { return [] }
        return Set(all)
    }()

    /// Whether no other test runs meanwhile, as in target kernels: only then the root of the hierarchy is as it was.
    static let isAlone = CommandLine.arguments.contains("--no-parallel")

    /// The controllers that the root of the hierarchy gives on; nil where other tests change them meanwhile.
    static func controllersOfRoot() throws -> String? {
        isAlone ? try Cgroup.root().text(of: CgroupFile(named: "cgroup.subtree_control")) : nil
    }

    private static let count = Atomic<Int>(0)

    static func newName() -> String {
        let number = count.add(1, ordering: .relaxed).newValue
        return "bulkhead-test-\(ProcessInfo.processInfo.processIdentifier)-\(number)"
    }

    /// A cgroup that is removed with all in it when it goes out of scope.
    static func scratch(enabling controllers: Set<Controller> = []) throws(KernelError) -> TransientCgroup {
        try TransientCgroup(named: newName(), in: try Cgroup.root(), enabling: controllers)
    }
}

/// A process that sleeps until it is killed.
final class Sleeper: Sendable {
    private let process: Mutex<Process>
    let pid: Int32

    init() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sleep")
        process.arguments = ["300"]
        try process.run()
        pid = process.processIdentifier
        self.process = Mutex(process)
    }

    /// The signal that ended it.
    func waitForSignal() -> Int32? {
        process.withLock {
            $0.waitUntilExit()
            return $0.terminationReason == .uncaughtSignal ? $0.terminationStatus : nil
        }
    }

    deinit { kill(pid, SIGKILL) }
}
