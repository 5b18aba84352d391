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

/// What the kernel answers to the mount calls, by the ids of `idmap_cases.json`.
@Suite("Answers to the mount calls", .serialized)
struct MountCallCaseTests {
    @Test("An ID map is refused for each of its reasons", .needs(.root), .needs(.idmappedMounts))
    func refused() throws {
        let place = try Place()
        // ms-attached
        try place.clone().attach(at: "at", in: place.root)
        let attached = try Descriptor.open(FilePath(place.scratch.path("at")), .path)
        #expect(
            errno { try MountCall.setIDMap(of: attached, to: place.mapping.descriptor, recursive: false) } == EINVAL)
        // mv-attached
        #expect(errno { try MountCall.attach(attached, at: attached) } == ELOOP)
        try MountCall.detach(place.scratch.path("at"))
        // ms-twice
        let tree = try place.clone().idmapped(by: place.mapping).takeTree()
        #expect(errno { try MountCall.setIDMap(of: tree, to: place.mapping.descriptor, recursive: false) } == EPERM)
        // ms-clear
        #expect(
            errno { try MountCall.setAttributes(of: tree, MountChange(clear: .idmap), recursive: false) } == EINVAL)
        // ms-init-userns, ms-netns-fd
        let initial = try Descriptor.open("/proc/self/ns/user", .reading)
        let network = try Descriptor.open("/proc/self/ns/net", .reading)
        let plain = try place.clone().takeTree()
        if initial.name == "user:[4026531837]" {
            #expect(errno { try MountCall.setIDMap(of: plain, to: initial, recursive: false) } == EPERM)
        }
        #expect(errno { try MountCall.setIDMap(of: plain, to: network, recursive: false) } == EINVAL)
        // ms-uidonly, ms-gidonly: before 6.8 the kernel takes them, and every owner of the other kind is nobody.
        let refusesHalf = try KernelVersion.running() >= KernelVersion(6, 8)
        for file in ["uid_map", "gid_map"] {
            let half = try halfMapped(file)
            let fresh = try place.clone().takeTree()
            let answer = errno { try MountCall.setIDMap(of: fresh, to: half, recursive: false) }
            #expect(answer == (refusesHalf ? EINVAL : 0), "\(file)")
        }
        // ms-writer
        try place.scratch.file("source/written")
        let writer = try plain.open("written", .writing)
        #expect(errno { try MountCall.setIDMap(of: plain, to: place.mapping.descriptor, recursive: false) } == EBUSY)
        _ = consume writer
        // mv-noent: the place is looked up first.
        #expect(errno { try place.clone().attach(at: "nothing", in: place.root) } == ENOENT)
    }

    @Test(
        "A structure of another size, or that says two things at once, is refused", .needs(.feature("mount_setattr")),
        .needs(.root))
    func structures() throws {
        let place = try Place()
        let tree = try place.clone().takeTree()
        func answer(_ values: [UInt64], size: Int? = nil) -> CInt {
            -(unsafe values.withUnsafeBytes { bytes -> CInt in
                guard let base = bytes.baseAddress else { return 0 }
                return unsafe bt_mount_setattr(tree.number, base, size ?? bytes.count)
            })
        }
        let noAccessTimes: UInt64 = 0x10
        #expect(answer([0, 0, 0, 0], size: 0) == EINVAL)  // ms-size-0
        #expect(answer([0, 0, 0, 0], size: 31) == EINVAL)  // ms-size-31
        #expect(answer([0, 0, 0, 0, 1]) == E2BIG)  // ms-size-40-nonzero
        #expect(answer([UInt64](repeating: 0, count: 600), size: 4097) == E2BIG)  // ms-size-4097
        #expect(answer([0x10_0000, 0, 0, 1 << 40]) == EINVAL)  // ms-fd-int-max
        #expect(answer([0x10_0000, 0, 0, 1 << 30]) == EBADF)  // ms-badfd
        #expect(answer([noAccessTimes, 0, 0, 0]) == EINVAL)  // ms-atime-noclr
        #expect(answer([noAccessTimes, 0x70, 0, 0]) == 0)  // ms-atime-ok
        #expect(answer([0, 0, 1 << 18 | 1 << 19, 0]) == EINVAL)  // ms-two-prop
        #expect(answer([1 << 40, 0, 0, 0]) == EINVAL)
    }

    @Test(
        "File systems without support refuse, and one of them refuses for all", .needs(.root), .needs(.idmappedMounts))
    func unsupported() throws {
        let place = try Place()
        // ms-unsupported-fs
        for type in ["ramfs", "proc", "sysfs", "mqueue", "devpts"] {
            guard let tree = try? MountCall.newFileSystem(type) else { continue }
            let answer = errno { try MountCall.setIDMap(of: tree, to: place.mapping.descriptor, recursive: false) }
            #expect(answer == EINVAL, "\(type)")
        }
        // ms-recursive-unsupported-child
        try place.scratch.folder("source/below")
        let ramfs = DetachedMount(try MountCall.newFileSystem("ramfs"), named: "ramfs")
        try ramfs.attach(at: "source/below", in: place.root)
        defer { try? MountCall.detach(place.scratch.path("source/below")) }
        do {
            _ = try DetachedMount(cloning: place.source, recursive: true, mappedBy: place.mapping)
            Issue.record("ramfs took a map")
        } catch {
            #expect(error.errno == .invalidArgument)
            #expect(error.subject == place.scratch.path("source/below"))
            #expect("\(error)".contains("[ramfs]") && "\(error)".contains("takes no ID map"), "\(error)")
        }
        let tree = try DetachedMount(cloning: place.source, recursive: true).takeTree()
        #expect(errno { try MountCall.setIDMap(of: tree, to: place.mapping.descriptor, recursive: true) } == EINVAL)
        #expect(try tree.status().uid == 0)
    }

    @Test(
        "Who lacks privilege over the caller's or the file system's namespace is refused", .needs(.root),
        .needs(.idmappedMounts))
    func privilege() throws {
        let scratch = try mappableScratch()
        // ot-unpriv
        var row = Act(BT_CLONE, scratch.path(""), on: -1).row
        var actor = bt_actor()
        actor.user_namespace = -1
        actor.uid = 1000
        actor.gid = 1000
        #expect(Act.perform(&row, as: actor) == 0)
        #expect(row.error == EPERM)
        // ms-not-sb-owner
        let holder = UserNamespaceHolder(try UserNamespace(mapping: testMap))
        actor = bt_actor()
        actor.user_namespace = holder.number
        row = Act(BT_CLONE_AND_MAP, scratch.path(""), on: -1).row
        #expect(Act.perform(&row, as: actor) == 0)
        #expect(row.error == EPERM)
    }

    @Test("A map is replaced and cleared, on a clone of its own", .needs(.root), .needs(.feature("open_tree_attr")))
    func replaced() throws {
        let place = try Place()
        let other = try UserNamespace(mapping: IDMap(outside: 20_000, count: 10))
        // ota-replace: it does not add to the first.
        let tree = try place.clone().idmapped(by: place.mapping).idmapped(by: other).takeTree()
        #expect(try tree.status().uid == 20_000)
        // ota-clear
        let cleared = try place.clone().idmapped(by: place.mapping).unmapped().takeTree()
        #expect(try cleared.status().uid == 0)
        // The same of a source that is mounted.
        try place.clone().idmapped(by: place.mapping).attach(at: "at", in: place.root)
        defer { try? MountCall.detach(place.scratch.path("at")) }
        let mounted = FilePath(place.scratch.path("at"))
        let replaced = try DetachedMount(cloning: mounted, mappedBy: other)
        #expect(replaced.verification == .notVerified(.notAttached))
        try place.scratch.folder("second")
        let attached = try replaced.attach(at: "second", in: place.root)
        #expect(attached.idMap == .readBack)
        #expect(try FileStatus(at: FilePath(place.scratch.path("second"))).uid == 20_000)
        #expect(try FileStatus(at: mounted).uid == testOutside)
        try MountCall.detach(place.scratch.path("second"))
    }

    @Test(
        "Where a map cannot be replaced or cleared, the error says since when", .needs(.root), .needs(.idmappedMounts),
        .needs(.withoutFeature("open_tree_attr")))
    func notReplaced() throws {
        let place = try Place()
        let other = try UserNamespace(mapping: IDMap(outside: 20_000, count: 10))
        do {
            _ = try place.clone().idmapped(by: place.mapping).idmapped(by: other)
            Issue.record("mapped twice")
        } catch { #expect(error.errno == .notPermitted, "\(error)") }
        do {
            _ = try place.clone().idmapped(by: place.mapping).unmapped()
            Issue.record("cleared")
        } catch { #expect("\(error)".contains("6.15"), "\(error)") }
    }

    @Test("The kernel tells the map", .needs(.root), .needs(.feature("statmount_idmap")))
    func told() throws {
        // statmount-uidmap
        let place = try Place()
        let mapping = try UserNamespace(mapping: IDMap(outside: 100_000, count: 65_536))
        let attached = try place.clone().idmapped(by: mapping).attach(at: "at", in: place.root)
        defer { try? MountCall.detach(place.scratch.path("at")) }
        #expect(attached.idMap == .readBack)
        let id = try #require(attached.id)
        let status = try #require(MountCall.status(ofMount: id))
        #expect(status.uidMap == ["0 100000 65536"] && status.gidMap == ["0 100000 65536"])
        #expect(status.attributes.contains(.idmap))
    }
}

/// A folder "source" to clone and a folder "at" to mount at.
struct Place: ~Copyable {
    let scratch: Scratch
    let root: Descriptor
    let mapping: UserNamespace
    var source: FilePath { FilePath(scratch.path("source")) }

    init() throws {
        let scratch = try mappableScratch()
        try scratch.folder("source")
        try scratch.folder("at")
        let root = try Descriptor.open(FilePath(scratch.path), [.path, .directory])
        let mapping = try UserNamespace(mapping: testMap)
        self.scratch = scratch
        self.root = root
        self.mapping = mapping
    }

    func clone() throws(KernelError) -> DetachedMount { try DetachedMount(cloning: source) }
}

/// The error of a call, or 0.
func errno(_ body: () throws -> Void) -> CInt {
    do {
        try body()
        return 0
    } catch { return (error as? KernelError)?.errno.rawValue ?? -1 }
}

/// A user namespace with one of its two maps.
func halfMapped(_ file: String) throws -> Descriptor {
    let zombie = try NamespaceCall.Companion.exiting()
    let home = "/proc/\(zombie.pid)"
    try Descriptor.open(FilePath("\(home)/\(file)"), .writing)
        .writeValue("0 \(testOutside) 10", called: file, in: home)
    return try Descriptor.open(FilePath("\(home)/ns/user"), .reading)
}
