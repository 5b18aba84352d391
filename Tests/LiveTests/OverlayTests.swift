// SPDX-License-Identifier: Apache-2.0

internal import CTestChild
internal import Foundation
internal import Glibc
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing
internal import UserNamespaces

@Suite("Overlays of detached layers", .serialized)
struct OverlayTests {
    /// Both ways where the kernel has both; a layer by descriptor is a detached mount since 6.15.
    static let ways: [OverlayLayers.Way] =
        Requirement.feature("open_tree_attr").absence == nil ? [.byDescriptor, .privateNamespace] : [.privateNamespace]

    /// Lower layers "one" over "two", each with a file of root's, and "writable" with the directories for changes.
    private func layers(_ scratch: Scratch, _ mapping: borrowing UserNamespace, mapUpper: Bool = false) throws
        -> OverlayLayers
    {
        for folder in ["one", "two", "writable/upper", "writable/work"] { try scratch.folder(folder) }
        for name in ["one/first", "two/second"] { try scratch.file(name, name) }
        // Its root becomes the merged root, where the container's root is to make files.
        unsafe chown(scratch.path("writable/upper"), mapUpper ? 0 : testOutside, mapUpper ? 0 : testOutside)
        var layers = OverlayLayers()
        for name in ["one", "two"] {
            layers.addLower(try DetachedMount(cloning: FilePath(scratch.path(name)), mappedBy: mapping))
        }
        let writable = FilePath(scratch.path("writable"))
        let upper =
            mapUpper
            ? try DetachedMount(cloning: writable, mappedBy: mapping) : try DetachedMount(cloning: writable)
        layers.setUpper(upper, upper: "upper", work: "work")
        return layers
    }

    @Test(
        "Layers are merged, owners mapped, and what is changed belongs to the container", .needs(.root),
        .needs(.idmappedMounts), .needs(.feature("overlay")), arguments: ways)
    func merged(way: OverlayLayers.Way) throws {
        let scratch = try mappableScratch()
        let holder = UserNamespaceHolder(try UserNamespace(mapping: testMap))
        let before = mountTable()
        var layers = try layers(scratch, holder.namespace)
        let tree = try layers.mounted(by: way).takeTree()
        #expect(layers.way == way)
        #expect(mountTable() == before)
        // ovl-idmapped-lower
        for name in ["first", "second"] { #expect(try tree.status(of: name).uid == testOutside, "\(name)") }
        // ovl-copyup-owner
        var actor = bt_actor()
        actor.user_namespace = holder.number
        var rows = [Act(BT_APPEND, "first", on: tree.number).row, Act(BT_CREATE_FILE, "made", on: tree.number).row]
        rows[1].mode = 0o600
        #expect(Act.perform(&rows, as: actor) == 0)
        #expect(rows.map(\.error) == [0, 0])
        for name in ["first", "made"] {
            #expect(try FileStatus(at: FilePath(scratch.path("writable/upper/\(name)"))).uid == testOutside, "\(name)")
        }
        #expect(scratch.text("one/first") == "one/first")
        #expect(mountTable() == before)
    }

    @Test(
        "An upper layer whose map lacks the caller is refused, where the kernel would mount read-only", .needs(.root),
        .needs(.idmappedMounts), .needs(.feature("overlay")), arguments: ways)
    func readOnlyTrap(way: OverlayLayers.Way) throws {
        // ovl-idmapped-upper-wrong-fsuid
        let scratch = try mappableScratch()
        let mapping = try UserNamespace(mapping: testMap)
        let before = mountTable()
        var layers = try layers(scratch, mapping, mapUpper: true)
        do {
            _ = try layers.mounted(by: way)
            Issue.record("mounted")
        } catch {
            #expect(error.errno == .readOnlyFileSystem, "\(error)")
            #expect("\(error)".contains("map the lower layers only"), "\(error)")
        }
        #expect(mountTable() == before)
    }

    @Test(
        "What overlay does not take is told in its own words, and nothing is left", .needs(.root),
        .needs(.feature("overlay")), .needs(.feature("open_tree")))
    func refused() throws {
        let scratch = try Scratch()
        try scratch.folder("one")
        let before = mountTable()
        var layers = OverlayLayers()
        #expect(errno { _ = try layers.mounted() } == EINVAL)
        for _ in 0..<2 { layers.addLower(try DetachedMount(cloning: FilePath(scratch.path("one")))) }
        layers.options = [.init("no-such-option")]
        #expect(errno { _ = try layers.mounted() } == EINVAL)
        #expect(mountTable() == before)
    }

    @Test(
        "Many layers are merged", .needs(.root), .needs(.feature("overlay")), .needs(.feature("open_tree")),
        arguments: ways)
    func many(way: OverlayLayers.Way) throws {
        let scratch = try Scratch()
        var layers = OverlayLayers()
        for number in 0..<60 {
            try scratch.folder("\(number)")
            try scratch.file("\(number)/file-\(number)")
            layers.addLower(try DetachedMount(cloning: FilePath(scratch.path("\(number)"))))
        }
        let tree = try layers.mounted(by: way).takeTree()
        for number in 0..<60 { #expect(try tree.status(of: "file-\(number)").isRegular) }
    }
}
