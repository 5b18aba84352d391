// SPDX-License-Identifier: Apache-2.0

import Foundation
import LinuxKernel
import NodeModel
import SystemPackage
import Testing

@testable import Cgroups

/// A folder that looks like a cgroup: plain files, which keep what was written.
private final class FakeTree: Sendable {
    let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "cgroup-\(UUID().uuidString)")

    init(_ files: [String: String]) throws {
        for (name, content) in files { try put(content, name) }
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    func put(_ content: String, _ name: String) throws {
        let file = folder.appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try content.write(to: file, atomically: false, encoding: .utf8)
    }

    func text(_ name: String) throws -> String { try String(contentsOf: folder.appending(path: name), encoding: .utf8) }

    func open(_ path: String = "") throws -> Cgroup {
        let place = path.isEmpty ? folder.path(percentEncoded: false) : folder.appending(path: path).path()
        let directory = try Descriptor.open(FilePath(place), [.path, .directory])
        return Cgroup(unchecked: directory, location: "/fake" + (path.isEmpty ? "" : "/" + path))
    }
}

@Suite("A cgroup of plain files")
struct FakeTreeTests {
    private static func tree() throws -> FakeTree {
        try FakeTree([
            "cgroup.controllers": "cpu memory pids\n", "cgroup.subtree_control": "", "cgroup.procs": "",
            "pod/cgroup.controllers": "memory\n", "pod/cgroup.procs": "", "pod/memory.min": "",
            "pod/memory.max": "max\n", "pod/memory.events": "low 0\noom_kill 1\n", "pod/cgroup.subtree_control": "",
            "pod/cgroup.type": "domain\n",
        ])
    }

    @Test("Values are written as text and read as values") func values() throws {
        let tree = try Self.tree()
        defer { tree.remove() }
        let pod = try tree.open().openChild("pod")
        try pod.write(.mebibytes(256), to: .memoryMin)
        #expect(try tree.text("pod/memory.min") == "268435456")
        #expect(try pod.read(.memoryMin) == .mebibytes(256))
        #expect(try pod.read(.memoryMax) == .max)
        #expect(try pod.read(.memoryEvents)?.oomKill == 1)
        #expect(pod.path == "/fake/pod")
    }

    @Test("A file without a constant is read and written as text") func texts() throws {
        let tree = try Self.tree()
        defer { tree.remove() }
        try tree.put("", "pod/memory.swap.high")
        let pod = try tree.open("pod")
        let file = CgroupFile(named: "memory.swap.high")
        #expect(file.controller == .memory)
        try pod.write(text: "4096", to: file)
        #expect(try pod.text(of: file) == "4096")
        #expect(try pod.text(of: CgroupFile(named: "memory.unheard")) == nil)
        for text in ["", "\n", "  "] {
            #expect(throws: KernelError.self) { try pod.write(text: text, to: file) }
        }
        #expect(throws: KernelError.self) { _ = try pod.text(of: CgroupFile(named: "../cgroup.procs")) }
        let error = #expect(throws: KernelError.self) { _ = try pod.text(of: CgroupFile(named: "io.max")) }
        #expect(error?.hint?.contains("the io controller is") == true)
    }

    @Test("Less than a page is refused before any call") func refusal() throws {
        let tree = try Self.tree()
        defer { tree.remove() }
        let pod = try tree.open("pod")
        let error = #expect(throws: KernelError.self) { try pod.write(.bytes(4095), to: .memoryMax) }
        #expect(error?.errno == .invalidArgument)
        #expect(try tree.text("pod/memory.max") == "max\n")
    }

    @Test("A file that the kernel is too old for is nil to read, and says so when written") func tooOld() throws {
        let tree = try Self.tree()
        defer { tree.remove() }
        let pod = try tree.open("pod")
        #expect(try pod.read(.memoryPeak) == nil)
        #expect(try pod.read(.memoryOOMGroup) == nil)
        let error = #expect(throws: KernelError.self) { try pod.write(true, to: .memoryOOMGroup) }
        #expect(
            error.map(String.init(describing:))
                == "openat2 memory.oom.group <- 1 in /fake/pod: No such file or directory (it is there since Linux 4.19, "
                + "but this kernel was built without it)"
        )
    }

    @Test("A file whose controller is not enabled is an error that names the parent") func notEnabled() throws {
        let tree = try Self.tree()
        defer { tree.remove() }
        let pod = try tree.open("pod")
        let reading = #expect(throws: KernelError.self) { _ = try pod.read(.pidsMax) }
        #expect(reading?.hint == "the pids controller is not enabled in the parent")
        let writing = #expect(throws: KernelError.self) { try pod.write(100, to: .pidsMax) }
        #expect(writing?.hint == "the pids controller is not enabled in the parent")
        #expect(writing?.value == "100")
    }

    @Test("Text of an unknown form is an error, not nil") func unreadable() throws {
        let tree = try Self.tree()
        defer { tree.remove() }
        try tree.put("unlimited\n", "pod/memory.max")
        let pod = try tree.open("pod")
        let error = #expect(throws: KernelError.self) { _ = try pod.read(.memoryMax) }
        #expect(error?.errno == .badMessage)
        #expect(error?.value == "unlimited")
    }

    @Test("Controllers are enabled in one write, and what is enabled is not written again") func enabling() throws {
        let tree = try Self.tree()
        defer { tree.remove() }
        let root = try tree.open()
        try root.enable([.pids, .memory])
        #expect(try tree.text("cgroup.subtree_control") == "+memory +pids")
        try tree.put("memory pids\n", "cgroup.subtree_control")
        try root.enable([.pids])
        #expect(try tree.text("cgroup.subtree_control") == "memory pids\n")
    }

    @Test("A level below gets its controllers from the top down") func topDown() throws {
        let tree = try Self.tree()
        defer { tree.remove() }
        let pod = try tree.open("pod")
        try pod.enable([.pids])
        #expect(try tree.text("cgroup.subtree_control") == "+pids")
        #expect(try tree.text("pod/cgroup.subtree_control") == "+pids")
    }

    @Test("Processes in the way are named, and nothing is written") func internalProcesses() throws {
        let tree = try Self.tree()
        defer { tree.remove() }
        try tree.put("17\n0\n", "pod/cgroup.procs")
        let pod = try tree.open("pod")
        let error = #expect(throws: KernelError.self) { try pod.enable([.pids]) }
        #expect(error?.errno == .resourceBusy)
        #expect(error?.hint == "processes are in the cgroup itself: 17, outside the pid namespace")
        #expect(try tree.text("cgroup.subtree_control") == "")
        #expect(try tree.text("pod/cgroup.subtree_control") == "")
    }

    @Test("No name leads out of the tree", arguments: ["..", ".", "", "pod/..", "/etc", "pod//x", "a/../../b"])
    func escapes(name: String) throws {
        let tree = try Self.tree()
        defer { tree.remove() }
        let root = try tree.open()
        #expect(throws: KernelError.self) { _ = try root.openChild(name) }
    }

    @Test("A child that is not there is nil") func missingChild() throws {
        let tree = try Self.tree()
        defer { tree.remove() }
        let root = try tree.open()
        let child = try root.child("nothing")
        let isThere = child != nil
        #expect(!isThere)
        #expect(try root.children() == ["pod"])
    }

    @Test("A region of device memory is summed above by itself, and held to what the device has")
    func deviceMemory() throws {
        var files = ["dmem.capacity": "drm/0/vram0 65536\n", "cgroup.subtree_control": "dmem memory\n"]
        for (place, min) in [("own", 0), ("own/a", 0), ("own/b", 4096)] {
            files["\(place)/cgroup.subtree_control"] = "dmem memory\n"
            files["\(place)/dmem.min"] = "drm/0/vram0 \(min)\n"
            files["\(place)/dmem.max"] = "drm/0/vram0 max\n"
        }
        let tree = try FakeTree(files)
        defer { tree.remove() }
        let own = try CgroupTree(root: CgroupPath(parsing: "/own"), mount: tree.open())
        // A temporary folder may be on a file system without extended attributes, where no record can be.
        do { _ = try own.live.record(own.root) } catch { return }
        func target(_ bytes: UInt64) throws -> TreeTarget {
            try TreeTarget(CgroupPath(parsing: "/own/a"))
                .setting(.deviceMemoryMin, to: DeviceMemory("drm/0/vram0", ByteCount(bytes)))
        }
        #expect(
            try own.plan([target(8192)]).plan.visibleSteps.map { "\($0)" } == [
                "dmem.min <- drm/0/vram0 12288 in /own (was 0)", "dmem.min <- drm/0/vram0 8192 in /own/a (was 0)",
            ])
        let error = #expect(throws: TreeError.self) { _ = try own.plan([target(65536)]) }
        guard case .refused(let violations)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(violations.map(\.id) == ["over-memory"])
    }

    @Test("What is no cgroup2 file system is not opened") func wrongFileSystem() throws {
        let error = #expect(throws: KernelError.self) { _ = try Cgroup.open("/proc") }
        #expect(error?.hint == "this is proc, not cgroup2")
    }
}
