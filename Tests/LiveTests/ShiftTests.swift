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
private var forth: IDMap { get throws { try testMap } }
private var back: IDMap { get throws { try IDMap(extents: [.init(inside: delta, outside: 0, count: 65_536)]) } }

@Suite("Owners shifted by a map", .serialized, .needs(.root), .needs(.feature("openat2")))
struct ShiftTests {
    @Test(
        "Every id of every inode is moved and all else kept, a second run writes nothing, and the way back is exact",
        arguments: fileSystems)
    func whole(fileSystem: String) throws {
        let scratch = try Scratch(in: fileSystem)
        var random = Randomness(seed: 1)
        let tree = try ShiftTree(scratch, folders: 6, random: &random)
        defer { tree.remove() }
        let before = try tree.picture()
        let path = FilePath(tree.path)
        let outcome = try OwnershipShift(by: forth).run(path)
        let wanted = before.mapValues { ShiftTree.shifted($0, by: delta) }
        #expect(ShiftTree.differences(try tree.picture(), wanted) == [])
        #expect(outcome.vanished == 0 && outcome.mounts == 0)
        // Six names of one inode.
        #expect(outcome.links == 5 && outcome.changed + outcome.links == before.count, "\(outcome)")
        let again = try OwnershipShift(by: forth).run(path)
        #expect(again.changed == 0 && again.right == before.count)
        _ = try OwnershipShift(by: back, jobs: 3).run(path)
        #expect(ShiftTree.differences(try tree.picture(), before) == [])
    }

    @Test("What is under way or not in the map is refused with the reason, and nothing is changed")
    func refusals() throws {
        let scratch = try Scratch()
        try scratch.folder("tree/inner")
        try scratch.file("tree/stranger")
        unsafe chown(scratch.path("tree/stranger"), 70_000, 70_001)
        let path = FilePath(scratch.path("tree"))
        do {
            _ = try OwnershipShift(by: forth).run(path)
            Issue.record("an unknown id was passed over")
        } catch {
            #expect("\(error)".contains("user 70000") && "\(error)".contains("group 70001"), "\(error)")
            #expect("\(error)".contains("stranger"), "\(error)")
        }
        let tree = try Descriptor.open(path, [.directory, .reading])
        #expect(try tree.status().uid == 0 && tree.attribute("trusted.bulkhead.shift") == nil)

        do {
            let other = try Descriptor.open(path, [.directory, .reading])
            #expect(try other.lockDirectory())
            #expect(throws: ShiftError.busy(path.string)) { _ = try OwnershipShift(by: forth).run(path) }
        }
        #expect(throws: ShiftError.root) { _ = try OwnershipShift(by: forth).run("/") }
        #expect(throws: ShiftError.nothingToRollBack(path.string)) { _ = try OwnershipShift.rollBack(path) }
        #expect(try OwnershipShift.resume(path) == nil)

        let mark = "bulkhead shift 1\nphase shifting\nuid \(try forth)\ngid \(try forth)\nunmapped keep\nbooks ids\n"
        try tree.setAttribute("trusted.bulkhead.shift", to: mark)
        #expect(throws: ShiftError.self) { _ = try OwnershipShift(by: forth).run(path) }
        #expect(throws: ShiftError.self) { _ = try OwnershipShift.resume(path, map: back) }
        // Neither a tree in it nor one that it is in.
        #expect(throws: ShiftError.unfinishedElsewhere(path.string)) {
            _ = try OwnershipShift(by: forth).run(path.appending("inner"))
        }
        do {
            _ = try OwnershipShift(by: forth, unmapped: .keep).run(FilePath(scratch.path))
            Issue.record("a shift began above another")
        } catch { #expect("\(error)".contains("a shift of \(path) is under way"), "\(error)") }
        let outcome = try OwnershipShift.resume(path, map: forth)
        #expect(outcome?.changed == 2 && outcome?.right == 1)
        #expect(try tree.status().uid == delta && tree.attribute("trusted.bulkhead.shift") == nil)
    }

    @Test("What is mounted in the tree is neither entered nor changed", .needs(.feature("open_tree")))
    func mounts() throws {
        let scratch = try Scratch()
        for folder in ["tree/point", "outside/inner"] { try scratch.folder(folder) }
        for file in ["tree/file", "outside/file"] { try scratch.file(file) }
        let root = try Descriptor.open(FilePath(scratch.path("tree")), [.directory, .reading])
        try DetachedMount(cloning: FilePath(scratch.path("outside"))).attach(at: "point", in: root)
        try DetachedMount(cloning: FilePath(scratch.path("outside/file"))).attach(at: "file", in: root)
        defer {
            for name in ["tree/point", "tree/file"] { try? MountCall.detach(scratch.path(name)) }
        }
        let outcome = try OwnershipShift(by: forth).run(FilePath(scratch.path("tree")))
        #expect(outcome.mounts == 2 && outcome.changed == 1, "\(outcome)")
        let outside = try Descriptor.open(FilePath(scratch.path), [.directory, .reading])
        for name in ["outside", "outside/inner", "outside/file"] {
            #expect(try outside.status(of: name).uid == 0, "\(name)")
        }
    }

    @Test(
        "Names that were looked at are known again, and any change of them or of mounts is noticed",
        .needs(.feature("open_tree")))
    func notices() throws {
        let scratch = try Scratch()
        for file in 0..<50 { try scratch.file("\(file)") }
        func fingerprint(key: UInt64 = 7) throws -> UInt64 {
            let directory = try Descriptor.open(FilePath(scratch.path), [.directory, .reading])
            var scan = DirectoryScan()
            scan.begin()
            #expect(try scan.fill(from: directory))
            return scan.fingerprint(key: key)
        }
        let first = try fingerprint()
        #expect(try fingerprint() == first && fingerprint(key: 8) != first)
        // Another file of the same name, and another name of the same file.
        try scratch.file("new")
        unsafe rename(scratch.path("new"), scratch.path("7"))
        let second = try fingerprint()
        unsafe rename(scratch.path("8"), scratch.path("9-"))
        #expect(try second != first && fingerprint() != second)

        let mounts = try MountChanges()
        let root = try Descriptor.open(FilePath(scratch.path), [.directory, .reading])
        try DetachedMount(cloning: FilePath(scratch.path("1"))).attach(at: "2", in: root)
        defer { try? MountCall.detach(scratch.path("2")) }
        #expect(!mounts.areNone && !mounts.areNone)
    }

    @Test("With ids that overlap, each is moved once, and only once")
    func overlapping() throws {
        let scratch = try Scratch()
        try scratch.folder("tree")
        for id in 0..<30 as Range<UInt32> {
            try scratch.file("tree/\(id)")
            unsafe chown(scratch.path("tree/\(id)"), id, id)
        }
        let path = FilePath(scratch.path("tree"))
        let tree = try Descriptor.open(path, [.directory, .reading])
        let map = try IDMap(extents: [.init(inside: 0, outside: 10, count: 30)])
        for run in 0..<2 {
            let outcome = try OwnershipShift(by: map, jobs: 2).run(path)
            #expect(outcome.changed == (run == 0 ? 31 : 0))
            for id in 0..<30 as Range<UInt32> {
                let status = try tree.status(of: "\(id)")
                #expect(status.uid == id + 10 && status.gid == id + 10)
                let handle = InodeHandle(try tree.open("\(id)", .path))
                #expect(try handle.attribute("trusted.bulkhead.shift-inode") == nil)
            }
        }
    }

    @Test("Directories swapped for links during the walk lead nowhere")
    func swapped() throws {
        let scratch = try Scratch()
        try scratch.folder("outside/inner")
        try scratch.file("outside/inner/file")
        for folder in 0..<20 {
            try scratch.folder("tree/a\(folder)/inner/inner")
            for file in 0..<5 { try scratch.file("tree/a\(folder)/inner/file\(file)") }
        }
        try scratch.link("tree/evil", to: scratch.path("outside"))
        let place = scratch.path("tree")
        let swapper = Thread {
            var folder = 0
            while !Thread.current.isCancelled {
                folder = (folder + 1) % 20
                unsafe rename("\(place)/a\(folder)", "\(place)/kept")
                unsafe rename("\(place)/evil", "\(place)/a\(folder)")
                unsafe rename("\(place)/a\(folder)", "\(place)/evil")
                unsafe rename("\(place)/kept", "\(place)/a\(folder)")
            }
        }
        swapper.start()
        for run in 0..<scaled(20) {
            let map = try run.isMultiple(of: 2) ? forth : back
            do throws(ShiftError) {
                _ = try OwnershipShift(by: map, unmapped: .keep).run(FilePath(place))
            } catch {
                guard case .kernel(let error) = error else { throw error }
                #expect([.noSuchFileOrDirectory, .notDirectory].contains(error.errno), "\(error)")
                _ = try? OwnershipShift.resume(FilePath(place))
            }
        }
        swapper.cancel()
        #expect(eventually { swapper.isFinished })
        let outside = try Descriptor.open(FilePath(scratch.path("outside")), [.directory, .reading])
        for name in ["", "inner", "inner/file"] { #expect(try outside.status(of: name).uid == 0, "\(name)") }
    }

    @Test("The tool needs few descriptors at any depth, and tells what it did", .needs(toolIsThere))
    func depth() throws {
        let scratch = try Scratch()
        var random = Randomness(seed: 3)
        let tree = try ShiftTree(scratch, folders: 1, files: 2, random: &random)
        defer { tree.remove() }
        let before = try tree.picture()
        let found = try shell("ulimit -n 80; $B shift \(tree.path) --map \(forth) --jobs 2 --json")
        #expect(found.exit.status == .exited(0), "\(found.output)")
        let document = Document(try JSONSerialization.jsonObject(with: Data(found.output.utf8)))
        #expect(document["state"].text == "shifted")
        #expect(document["changed"].number == UInt64(before.count), "\(found.output)")
    }
}
