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

@Suite("What is seen and done through ID-mapped mounts")
struct IDMapCaseTests {
    @Test(
        "Every case of a file does on this kernel what the table says", .needs(.root), .needs(.idmappedMounts),
        .needs(Requirement("vectors", absence: IDMapCases.all.isEmpty ? "idmap_cases.json is not here" : nil)),
        arguments: MountImage.mappable)
    func files(image: MountImage) throws {
        let rows = IDMapCases.all.filter { $0.disk != nil }
        #expect(rows.count >= 129)
        let table = try CaseTable(in: try #require(image.folder))
        for row in rows { try table.prepare(row) }
        // One process for each actor does all of the actor's rows.
        for (actor, rows) in Dictionary(grouping: rows, by: { $0.accessor }) {
            try table.run(rows, as: try #require(actor)) { row, what in
                Issue.record("\(image.name), \(row.id): \(what)")
            }
        }
    }

    @Test("The file systems are there", .needs(.root), .needs(.feature("open_tree_attr")))
    func images() {
        for image in MountImage.all { #expect(image.folder != nil, "\(image.name): \(image.absence ?? "")") }
    }

    @Test(
        "A set-id program of a detached mount runs without the owner's ids, attached with them", .needs(.root),
        .needs(.idmappedMounts))
    func detachedProgram() throws {
        let scratch = try mappableScratch()
        try scratch.program("program")
        unsafe chown(scratch.path("program"), 5000, 5000)
        unsafe chmod(scratch.path("program"), 0o6755)
        let mapping = try UserNamespace(mapping: IDMap(outside: 10_000, count: 10_000))
        let actor = bt_actor(
            user_namespace: -1, uid: 1000, gid: 1000, groups: (0, 0, 0, 0, 0, 0, 0, 0), group_count: 0)
        for (folder, euid) in [(nil, 1000), (scratch.path, 15_000)] as [(String?, UInt32)] {
            let tree = try DetachedMount(cloning: FilePath(scratch.path), mappedBy: mapping).takeTree()
            var row = Act(BT_EXECUTE, "program", on: tree.number).row
            #expect(Act.perform(&row, as: actor, attaching: [tree.number], at: folder) == 0)
            #expect(row.error == 0 && row.bytes.count == 12)
            if row.bytes.count == 12 { #expect(RawAttribute.number(row.bytes, 0) == euid) }
        }
    }
}

/// A folder in which the table's files are made, and the acts on them.
private struct CaseTable {
    let scratch: Scratch
    /// Where actors attach their mounts: a folder of the tree that all see, which the images are not in.
    private let place: Scratch
    private let program: String

    init(in folder: String) throws {
        scratch = try Scratch(in: folder)
        place = try Scratch()
        // A program that its actors may execute, whatever the umask.
        program = try scratch.program("program")
    }

    func path(_ row: IDMapCases.Row) -> String { scratch.path(row.id) }

    /// Makes a row's files as root through no map.
    func prepare(_ row: IDMapCases.Row) throws {
        let disk = try #require(row.disk)
        let path = path(row)
        let mode = try #require(UInt32(disk.mode, radix: 8))
        switch disk.type {
        case "dir": try scratch.folder(row.id)
        case "symlink": try scratch.link(row.id, to: "nowhere")
        case "devnull": unsafe mknod(path, S_IFCHR | 0o666, 0x103)
        default:
            if row.op.name == "exec" {
                try FileManager.default.copyItem(atPath: program, toPath: path)
            } else {
                try scratch.file(row.id, "text")
            }
        }
        for child in disk.children ?? [] {
            try scratch.file("\(row.id)/\(child.name)", "text")
            unsafe chown("\(path)/\(child.name)", child.uid, child.gid)
            unsafe chmod("\(path)/\(child.name)", UInt32(child.mode, radix: 8) ?? 0)
        }
        unsafe lchown(path, disk.uid, disk.gid)
        // After the owner, whose change takes the set-id bits.
        if disk.type != "symlink" { unsafe chmod(path, mode) }
        if let acl = disk.acl { try set(RawAttribute.acl, RawAttribute.bytes(acl, mode: mode), on: path) }
        if let caps = disk.fscaps { try set(RawAttribute.capabilities, RawAttribute.bytes(caps), on: path) }
    }

    private func set(_ name: String, _ value: [UInt8], on path: String) throws {
        let result = unsafe value.withUnsafeBytes { unsafe bt_set_attribute(path, name, $0.baseAddress, $0.count) }
        try #require(result == 0, "\(name) of \(path): error \(-result)")
    }

    private func attribute(_ name: String, of path: String) -> [UInt8] {
        var value = [UInt8](repeating: 0, count: 256)
        let size = unsafe value.withUnsafeMutableBytes { unsafe bt_get_attribute(path, name, $0.baseAddress, $0.count) }
        return Array(value[..<Int(max(0, size))])
    }

    func run(
        _ rows: [IDMapCases.Row], as actor: IDMapCases.Actor, wrong: (IDMapCases.Row, String) -> Void
    ) throws {
        var mounts = DescriptorList()
        let plain = mounts.append(try DetachedMount(cloning: FilePath(scratch.path)).takeTree())
        var numbers: [IDMapCases.Maps: CInt] = [:]
        for maps in Set(rows.compactMap(\.mount)) {
            let mapping = try UserNamespace(mapping: maps.map)
            numbers[maps] = mounts.append(
                try DetachedMount(
                    cloning: FilePath(scratch.path), mappedBy: mapping, attributes: maps.attributes
                ).takeTree())
        }
        var acts = try rows.map { row in
            try act(row, on: row.mount.flatMap { numbers[$0] } ?? plain, plain: plain)
        }
        let userNamespace = try actor.userns.map { try UserNamespaceHolder(UserNamespace(mapping: $0.map)) }
        var who = bt_actor()
        who.user_namespace = userNamespace?.number ?? -1
        who.uid = actor.uid
        who.gid = actor.gid
        who.group_count = UInt32(actor.groups.count)
        who.groups.0 = actor.groups.first ?? 0
        try #require(actor.groups.count <= 1)
        let error = Act.perform(
            &acts, as: who, attaching: (0..<mounts.count).map { mounts.number($0) }, at: place.path)
        try #require(error == 0, "an actor \(actor): error \(error)")
        for (row, act) in zip(rows, acts) {
            if row.op.name == "exec" && !hasTestProgram { continue }
            for what in try differences(row, act) { wrong(row, what) }
        }
    }

    private func act(_ row: IDMapCases.Row, on mount: CInt, plain: CInt) throws -> bt_row {
        let kind = try #require(row.op.act, "\(row.id): \(row.op)")
        var act = Act(kind, row.id, on: mount).row
        act.other_mount = plain
        act.mode = UInt32(row.op.mode ?? "0644", radix: 8) ?? 0
        act.uid = UInt32(truncatingIfNeeded: row.op.uid ?? 0)
        act.gid = UInt32(truncatingIfNeeded: row.op.gid ?? 0)
        switch row.op.name {
        case "create":
            if row.op.type == "tmpfile" { break }
            act.setPath(row.id + "/new")
        case "unlink": act.setPath(row.id + "/c")
        case "rename", "link", "link-cross", "rename-cross":
            act.setPath(row.id + "/c")
            act.setOtherPath(row.id + "/d")
        case "getacl", "setacl": act.setAttribute(RawAttribute.acl)
        case "getcap", "setcap": act.setAttribute(RawAttribute.capabilities)
        default: break
        }
        if row.op.name == "setacl" {
            act.setValue(RawAttribute.bytes(row.op.acl ?? [], mode: UInt32(row.disk?.mode ?? "", radix: 8) ?? 0))
        }
        if row.op.name == "setcap", let caps = row.op.fscaps { act.setValue(RawAttribute.bytes(caps)) }
        return act
    }

    /// Where a row's outcome is not the table's.
    private func differences(_ row: IDMapCases.Row, _ act: bt_row) throws -> [String] {
        let expect = try #require(row.expect)
        if let name = expect.errno {
            return act.error == errors[name] ? [] : ["error \(act.error) instead of \(name)"]
        }
        guard act.error == 0 else { return ["error \(act.error)"] }
        var found: [String] = []
        func compare<Value: Equatable>(_ what: String, _ value: Value, _ expected: Value?) {
            if let expected, value != expected { found.append("\(what) is \(value) instead of \(expected)") }
        }
        compare("the owner seen", act.seen_uid, expect.uid ?? expect.seen?[0])
        compare("the group seen", act.seen_gid, expect.gid ?? expect.seen?[1])
        let onDisk = row.op.name == "create" ? path(row) + "/new" : path(row)
        var disk = stat()
        if unsafe lstat(onDisk, &disk) == 0 {
            compare("the owner on disk", disk.st_uid, expect.disk?[0])
            compare("the group on disk", disk.st_gid, expect.disk?[1])
            compare("the mode", disk.st_mode & 0o7777, expect.mode.flatMap { UInt32($0, radix: 8) })
            compare("the set-group-id bit", disk.st_mode & 0o2000 != 0, expect.sgid)
        }
        if row.op.name == "exec", act.bytes.count == 12 {
            compare("the effective uid", RawAttribute.number(act.bytes, 0), expect.euid)
            compare("the effective gid", RawAttribute.number(act.bytes, 4), expect.egid)
            compare("CAP_NET_RAW", RawAttribute.number(act.bytes, 8) & 1 << 13 != 0, expect.capNetRaw)
        } else if row.op.name == "exec" {
            found.append("the program wrote \(act.bytes)")
        }
        func text(_ acl: [IDMapCases.ACLEntry]?) -> [String]? { acl?.map { "\($0.kind) \($0.id) \($0.permissions)" } }
        compare("the ACL", RawAttribute.named(act.bytes), text(expect.acl))
        compare(
            "the ACL on disk", RawAttribute.named(attribute(RawAttribute.acl, of: path(row))), text(expect.diskACL))
        compare("the capabilities", RawAttribute.revision(act.bytes), expect.fscaps?.rev)
        compare(
            "the capabilities on disk", RawAttribute.revision(attribute(RawAttribute.capabilities, of: path(row))),
            expect.diskCapabilities?.rev)
        return found
    }
}

private let errors: [String: Int32] = [
    "EOVERFLOW": EOVERFLOW, "EPERM": EPERM, "EACCES": EACCES, "EINVAL": EINVAL, "EXDEV": EXDEV, "EROFS": EROFS,
]
