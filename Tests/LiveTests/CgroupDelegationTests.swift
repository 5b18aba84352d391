// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import TestSupport
import Testing

@Suite("Giving a cgroup to a user", .needs(.root), .needs(.cgroup2))
struct CgroupDelegationTests {
    @Test("Only the directory and the files that the kernel lists are given") func owner() throws {
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.createChild("a")
        let given = try pod.delegate(uid: 65534, gid: 65533)
        let list = try readKernelFile("/sys/kernel/cgroup/delegate").split(separator: "\n").map(String.init)
        let there = list.filter { FileManager.default.fileExists(atPath: pod.path.appending($0).string) }
        #expect(given == there)
        #expect(Set(given).isSuperset(of: ["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"]))
        #expect(try pod.directory.status().uid == 65534)
        #expect(try pod.directory.status().gid == 65533)
        for name in try FileManager.default.contentsOfDirectory(atPath: pod.path.string) {
            let status = try pod.directory.status(of: name)
            #expect(status.uid == (given.contains(name) ? 65534 : 0), "\(name)")
            #expect(status.gid == (given.contains(name) ? 65533 : 0), "\(name)")
        }
    }

    @Test("A user namespace's root gets it, and a map without root is refused") func namespace() throws {
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.createChild("a")
        _ = try pod.delegate(to: IDMap(outside: 100_000, count: 65_536))
        #expect(try pod.directory.status().uid == 100_000)
        let rootless = try IDMap(extents: [IDMap.Extent(inside: 1, outside: 200_000, count: 10)])
        let error = #expect(throws: KernelError.self) { _ = try pod.delegate(to: rootless) }
        #expect(error?.errno == .invalidArgument)
        try scratch.cgroup.removeChild("a")
        let gone = #expect(throws: KernelError.self) { _ = try pod.delegate(uid: 1, gid: 1) }
        #expect(gone?.meansCgroupIsGone == true)
    }

    @Test(
        "The user can make a child and start in it, and cannot lift what was set", .needs(.command("setpriv")))
    func use() throws {
        let scratch = try TestTree.scratch()
        let pod = try scratch.cgroup.createChild("a")
        _ = try pod.delegate(uid: 65534, gid: 65534)
        let shell = Process()
        shell.executableURL = URL(filePath: "/usr/bin/env")
        shell.arguments = [
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/sh", "-c",
            "mkdir '\(pod.path)/own' && (echo 1 >'\(pod.path)/cgroup.freeze') 2>/dev/null && exit 3; test -d '\(pod.path)/own'",
        ]
        try shell.run()
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 0)
        #expect(try pod.children() == ["own"])
        #expect(try pod.read(.freeze) == false)
    }
}
