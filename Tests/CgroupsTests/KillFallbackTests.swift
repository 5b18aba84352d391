// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxKernel
import TestSupport
import Testing

@testable import Cgroups

/// The way of Linux before 5.14, run on any kernel. Here because it is not public.
@Suite(
    "Killing without cgroup.kill", .needs(.root), .needs(.cgroup2)
)
struct KillFallbackTests {
    @Test("Every process below is signalled, and the cgroup runs again") func fallback() throws {
        let name = "bulkhead-test-\(ProcessInfo.processInfo.processIdentifier)-fallback"
        let owner = try TransientCgroup(named: name, in: try Cgroup.root())
        let deep = try owner.cgroup.createChild("a").createChild("b")
        var processes: [Process] = []
        for _ in 0..<3 {
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sleep")
            process.arguments = ["300"]
            try process.run()
            try deep.move(process.processIdentifier)
            processes.append(process)
        }
        try owner.cgroup.killOneByOne()
        #expect(try owner.cgroup.waitUntilEmpty(timeout: .seconds(10)) == true)
        #expect(try owner.cgroup.read(.freeze) == false)
        for process in processes {
            process.waitUntilExit()
            #expect(process.terminationStatus == SIGKILL)
        }
        try owner.remove()
    }
}
