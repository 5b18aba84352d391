// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

private let delta: UInt32 = 2_000_027_648

@Suite("A shift that meets a fault", .serialized, .needs(.root), .needs(.feature("openat2")))
struct ShiftFaultTests {
    /// A tree of everything, and what it was.
    private struct Tree {
        let tree: ShiftTree
        let path: FilePath
        let before: [[UInt8]: InodePicture]
        var after: [[UInt8]: InodePicture] { before.mapValues { ShiftTree.shifted($0, by: delta) } }

        init(_ scratch: Scratch, folders: Int = 1, files: Int = 4) throws {
            var random = Randomness(seed: 11)
            tree = try ShiftTree(scratch, folders: folders, files: files, random: &random)
            path = FilePath(tree.path)
            before = try tree.picture()
        }

        func isAs(_ wanted: [[UInt8]: InodePicture]) throws -> Bool {
            ShiftTree.differences(try tree.picture(), wanted) == []
        }
    }

    @Test(
        "Whichever call fails, the error names it, and the tree can be finished and undone",
        .needs(.command("strace")), .needs(toolIsThere),
        arguments: [
            ("fchownat", "EIO", 30), ("setxattr", "ENOSPC", 1), ("setxattr", "ENOSPC", 4), ("removexattr", "EIO", 2),
            ("syncfs", "EIO", 1), ("getdents64", "EIO", 20),
        ])
    func injected(call: String, error: String, count: Int) throws {
        let scratch = try Scratch()
        let tree = try Tree(scratch)
        defer { tree.tree.remove() }
        let found = try shell(
            """
            strace -f -qq -o /dev/null -e trace=\(call) -e inject=\(call):error=\(error):when=\(count) \
                $B shift \(tree.path) --map 0:\(delta):65536 --jobs 1
            """)
        #expect(found.exit.status == .exited(1), "\(found.output)")
        #expect(found.output.contains("bulkhead: \(call)"), "\(found.output)")
        let unfinished = try OwnershipShift.unfinished(at: tree.path)
        // The first attribute is the mark.
        #expect((unfinished == nil) == (call == "setxattr" && count == 1 || call == "getdents64"), "\(found.output)")
        #expect(found.output.contains("--resume finishes it") == (unfinished != nil), "\(found.output)")
        guard unfinished != nil else { return #expect(try tree.isAs(tree.before)) }
        if call == "setxattr" {
            _ = try OwnershipShift.rollBack(tree.path)
            #expect(try tree.isAs(tree.before))
        } else {
            _ = try OwnershipShift.resume(tree.path)
            #expect(try tree.isAs(tree.after))
        }
    }

    @Test(
        "On a full file system it stops where it has no room for what it must write down, and both ways are open",
        .needs(.command("mkfs.ext4")))
    func full() throws {
        // Inodes without room for attributes: each takes a block of its own.
        let root: Descriptor
        do {
            let image = try MountImage.onLoop("ext4", size: 4 << 20, options: ["-I", "128", "-b", "1024"])
            root = try image.open(".", [.directory, .reading])
        } catch {
            // No loop device, or no right to one.
            try Test.cancel("\(error)")
        }
        let folder = "/proc/self/fd/\(root.number)/tree"
        try root.makeDirectory("tree")
        let directory = try root.open("tree", [.directory, .reading])
        for name in ["a", "b", "c"] {
            _ = try directory.open(name, [.create, .writing], mode: 0o600)
            try InodeHandle(try directory.open(name, .path)).changeMode(0o4755)
        }
        _ = try directory.open("plain", [.create, .writing], mode: 0o600)
        for number in 0..<8 { try Data(count: 1024).write(to: URL(filePath: "\(folder)-spare\(number)")) }
        let filler = try root.open("filler", [.create, .writing], mode: 0o600)
        let block = [UInt8](repeating: 1, count: 1024)
        while (try? filler.write(block)) != nil {}
        fsync(filler.number)
        func owners() throws -> [UInt32] {
            try ["a", "b", "c", "plain", "."].map { name in
                let status = try directory.status(of: name)
                return status.uid + (status.mode & 0o6000) * (delta / 0o100000)
            }
        }
        let before = try owners()
        let plan = OwnershipShift(by: try testMap, jobs: 1)
        // No room for the mark: nothing happens.
        do {
            _ = try plan.run(FilePath(folder))
            Issue.record("there was room")
        } catch {
            #expect("\(error)".contains("No space left"), "\(error)")
            #expect(try owners() == before)
            #expect(try OwnershipShift.unfinished(at: FilePath(folder)) == nil)
        }
        // Room for the mark alone.
        unsafe unlink("\(folder)-spare0")
        try root.synchronizeFileSystem()
        var stopped = false
        do { _ = try plan.run(FilePath(folder)) } catch {
            #expect("\(error)".contains("No space left"), "\(error)")
            stopped = true
        }
        #expect(stopped)
        #expect(try OwnershipShift.unfinished(at: FilePath(folder))?.phase == .shifting)
        _ = try OwnershipShift.rollBack(FilePath(folder))
        #expect(try owners() == before)
        // And with a little more it gets to the end.
        for number in 1..<8 { unsafe unlink("\(folder)-spare\(number)") }
        try root.synchronizeFileSystem()
        #expect(try plan.run(FilePath(folder)).changed == 5)
        for name in ["a", "b", "c"] { #expect(try directory.status(of: name).mode & 0o7777 == 0o4755) }
    }

    @Test("A read-only file system is told, and nothing is changed", .needs(.feature("open_tree")))
    func readOnly() throws {
        let scratch = try Scratch()
        let tree = try Tree(scratch)
        defer { tree.tree.remove() }
        try scratch.folder("at")
        let root = try Descriptor.open(FilePath(scratch.path), [.directory, .reading])
        try DetachedMount(cloning: tree.path).readOnly().attach(at: "at", in: root)
        defer { try? MountCall.detach(scratch.path("at")) }
        do {
            _ = try OwnershipShift(by: try testMap).run(FilePath(scratch.path("at")))
            Issue.record("it was written to")
        } catch { #expect("\(error)".contains("Read-only file system"), "\(error)") }
        #expect(try tree.isAs(tree.before))
    }

    @Test("An immutable file is named before the first change", .needs(.command("chattr")), .needs(.feature("openat2")))
    func immutable() throws {
        let scratch = try Scratch()
        let tree = try Tree(scratch)
        let file = "\(tree.path)/folder0/file1"
        defer { tree.tree.remove() }
        guard try shell("chattr +i \(file)").exit.status == .exited(0) else {
            try Test.cancel("the file system has no immutable files")
        }
        defer { _ = try? shell("chattr -i \(file)") }
        do {
            _ = try OwnershipShift(by: try testMap).run(tree.path)
            Issue.record("it was changed")
        } catch { #expect("\(error)".contains("immutable") && "\(error)".contains(file), "\(error)") }
        #expect(try tree.isAs(tree.before))
        #expect(try shell("chattr -i \(file)").exit.status == .exited(0))
        _ = try OwnershipShift(by: try testMap).run(tree.path)
        #expect(try tree.isAs(tree.after))
    }

    @Test(
        "Ctrl-C on its terminal stops it, with what to do next", .needs(.command("strace")), .needs(toolIsThere))
    func interrupted() throws {
        let scratch = try Scratch()
        let tree = try Tree(scratch, files: 60)
        defer { tree.tree.remove() }
        // Slowed down, so that the key comes in the middle.
        var launch = Launch.script(
            """
            exec strace -f -qq -o /dev/null -e trace=fchownat -e inject=fchownat:delay_enter=50000 \
                $B shift \(tree.path) --map 0:\(delta):65536 --jobs 1
            """)
        launch.noNewPrivileges = false
        launch.environment = ProcessInfo.processInfo.environment
        launch.environment["B"] = tool
        launch.terminal = true
        var child = try launch.start()
        guard let terminal = child.takeTerminal() else {
            Issue.record("no terminal came back")
            return
        }
        #expect(try eventually { try OwnershipShift.unfinished(at: tree.path) != nil })
        try terminal.write([3])
        var output = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while let count = try? terminal.read(into: &buffer), count > 0 {
            output += String(decoding: buffer[..<count], as: UTF8.self)
        }
        #expect(try child.wait().status == .exited(130), "\(output)")
        #expect(output.contains("stopped by signal 2") && output.contains("--resume finishes it"), "\(output)")
        #expect(try OwnershipShift.unfinished(at: tree.path)?.phase == .shifting)
        _ = try OwnershipShift.rollBack(tree.path)
        #expect(try tree.isAs(tree.before))
    }
}
