// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing
internal import UserNamespaces

@Suite("Mounts that are in no tree", .serialized)
struct MountTests {
    @Test(
        "An ID-mapped clone shows owners as the map says and changes no inode", .needs(.root), .needs(.idmappedMounts),
        arguments: mappableFileSystems)
    func owners(fileSystem: String) throws {
        let scratch = try Scratch(in: fileSystem)
        for (name, id) in [("root", 0), ("user", 1000), ("stranger", 70_000)] as [(String, UInt32)] {
            try scratch.file(name)
            unsafe chown(scratch.path(name), id, id + 1)
        }
        let mapping = try UserNamespace(mapping: testMap)
        let before = mountTable()
        let tree = try DetachedMount(cloning: FilePath(scratch.path)).idmapped(by: mapping).takeTree()
        let oneCall = try DetachedMount(cloning: FilePath(scratch.path), mappedBy: mapping).takeTree()
        for name in ["root", "user", "stranger"] {
            #expect(try tree.status(of: name).uid == oneCall.status(of: name).uid)
        }
        #expect(try tree.status(of: "root").uid == testOutside)
        #expect(try tree.status(of: "root").gid == testOutside + 1)
        #expect(try tree.status(of: "user").uid == testOutside + 1000)
        #expect(try tree.status(of: "stranger").uid == 65_534)
        // The caller's own id 0 is not in the mount's map.
        do throws(KernelError) {
            _ = try tree.open("made", [.create, .writing], mode: 0o600)
            Issue.record("made a file as an id that the mount does not have")
        } catch {
            #expect(error.errno.rawValue == EOVERFLOW)
        }
        let plain = try Descriptor.open(FilePath(scratch.path), [.path, .directory])
        #expect(try plain.status(of: "root").uid == 0)
        #expect(try plain.status(of: "user").gid == 1001)
        #expect(try plain.status(of: "stranger").uid == 70_000)
        #expect(mountTable() == before)
    }

    @Test("The kernel holds the map it was given, of both kinds", .needs(.root), .needs(.feature("statmount_idmap")))
    func readBack() throws {
        let map = try IDMap(
            uid: [
                .init(inside: 0, outside: testOutside, count: 10),
                .init(inside: 20, outside: testOutside + 50, count: 3),
            ],
            gid: [.init(inside: 5, outside: testOutside + 7, count: 9)])
        let scratch = try Scratch()
        let mapping = try UserNamespace(mapping: map)
        try scratch.folder("at")
        let root = try Descriptor.open(FilePath(scratch.path), [.path, .directory])
        try DetachedMount(cloning: FilePath(scratch.path)).idmapped(by: mapping).attach(at: "at", in: root)
        defer { try? MountCall.detach(scratch.path("at")) }
        let mounted = try Descriptor.open(FilePath(scratch.path("at")), .path)
        let held = MountCall.idMaps(of: mounted)
        #expect(held?.uid.count == 2 && held?.gid.count == 1, "\(String(describing: held))")
    }

    @Test(
        "A file system without support is refused with its name, and nothing is left", .needs(.root),
        .needs(.feature("mount_setattr")))
    func unsupported() throws {
        let mapping = try UserNamespace(mapping: testMap)
        let before = mountTable()
        do {
            _ = try DetachedMount(cloning: "/proc", mappedBy: mapping)
            Issue.record("proc took a map")
        } catch {
            #expect(error.errno == .invalidArgument)
            #expect(error.subject == "/proc")
            #expect("\(error)".contains("proc takes no ID map"), "\(error)")
        }
        do {
            _ = try DetachedMount(cloning: "/proc").idmapped(by: mapping)
            Issue.record("proc took a map")
        } catch {
            #expect("\(error)".contains("proc takes no ID map"), "\(error)")
        }
        #expect(mountTable() == before)
    }

    @Test(
        "A kernel without mount_setattr answers ENOSYS with the version, and nothing is left", .needs(.root),
        .needs(.withoutFeature("mount_setattr")))
    func oldKernel() throws {
        let scratch = try Scratch()
        let mapping = try UserNamespace(mapping: testMap)
        let before = mountTable()
        let descriptors = openDescriptors().count
        for attempt in 0..<3 {
            do {
                switch attempt {
                case 0: _ = try DetachedMount(cloning: FilePath(scratch.path), mappedBy: mapping)
                case 1: _ = try DetachedMount(cloning: FilePath(scratch.path)).idmapped(by: mapping)
                default: _ = try DetachedMount(cloning: FilePath(scratch.path)).readOnly()
                }
                Issue.record("it worked")
            } catch {
                #expect(error.errno == .noFunction)
                #expect("\(error)".contains("Linux 5.12"), "\(error)")
                #expect(error.subject == scratch.path)
            }
        }
        #expect(mountTable() == before)
        #expect(openDescriptors().count <= descriptors + 2)
    }

    @Test(
        "An attached mount is read-only, private, and gone after its removal", .needs(.root),
        .needs(.feature("mount_setattr")))
    func readOnly() throws {
        let scratch = try Scratch()
        try scratch.folder("source")
        try scratch.folder("at")
        let root = try Descriptor.open(FilePath(scratch.path), [.path, .directory])
        try DetachedMount(cloning: FilePath(scratch.path("source"))).readOnly().attach(at: "at", in: root)
        let line = wholeMountTable().split(separator: "\n").last { $0.contains(" \(scratch.path("at")) ") }
        #expect(line?.contains(" ro") == true)
        #expect(line?.contains("shared:") == false, "\(line ?? "")")
        #expect(throws: (any Error).self) { try scratch.file("at/x") }
        try scratch.file("source/x")
        try MountCall.detach(scratch.path("at"))
        #expect(!wholeMountTable().contains(scratch.path))
    }

    @Test("A mount that is never attached leaves nothing", .needs(.root))
    func dropped() throws {
        let scratch = try Scratch()
        let before = mountTable()
        for _ in 0..<scaled(100) { _ = try DetachedMount(cloning: FilePath(scratch.path), recursive: true) }
        #expect(mountTable() == before)
    }

    @Test(
        "Attaching follows no link out of the root", .needs(.root), .needs(.feature("open_tree")),
        arguments: ["../outside", "/outside", "/proc/self/cwd", "deep/../../outside"])
    func links(target: String) throws {
        let scratch = try Scratch()
        for folder in ["root/deep", "outside", "volume"] { try scratch.folder(folder) }
        let root = try Descriptor.open(FilePath(scratch.path("root")), [.path, .directory])
        try scratch.link("root/data", to: target == "/outside" ? scratch.path("outside") : target)
        do {
            try DetachedMount(cloning: FilePath(scratch.path("volume"))).attach(at: "data", in: root)
            Issue.record("attached somewhere")
            try MountCall.detach(scratch.path("root/data"))
        } catch {
            #expect([.noSuchFileOrDirectory, .tooManySymbolicLinkLevels].contains(error.errno), "\(error)")
        }
        #expect(!wholeMountTable().contains(scratch.path))
    }

    @Test("A link swapped while attaching never leads out of the root", .needs(.root), .needs(.feature("open_tree")))
    func swappedLink() throws {
        let scratch = try Scratch()
        for folder in ["root/other/data", "outside/data", "volume"] { try scratch.folder(folder) }
        let root = try Descriptor.open(FilePath(scratch.path("root")), [.path, .directory])
        try scratch.link("root/evil", to: scratch.path("outside"))
        let place = scratch.path
        let swapper = Thread {
            while !Thread.current.isCancelled {
                unsafe rename("\(place)/root/other", "\(place)/root/kept")
                unsafe rename("\(place)/root/evil", "\(place)/root/other")
                unsafe rename("\(place)/root/other", "\(place)/root/evil")
                unsafe rename("\(place)/root/kept", "\(place)/root/other")
            }
            unsafe rename("\(place)/root/evil", "\(place)/evil-ended")
        }
        swapper.start()
        for _ in 0..<scaled(300) {
            _ = try? DetachedMount(cloning: FilePath(scratch.path("volume"))).attach(at: "other/data", in: root)
        }
        swapper.cancel()
        #expect(eventually { swapper.isFinished })
        let mounts = wholeMountTable().split(separator: "\n").filter { $0.contains(scratch.path) }
        #expect(!mounts.contains { $0.contains("/outside/") })
        for _ in mounts {
            try? MountCall.detach(scratch.path("root/other/data"))
        }
        #expect(!wholeMountTable().contains(scratch.path))
    }
}

@Suite("User namespaces without processes")
struct UserNamespaceTests {
    @Test("A namespace has its map and no process is left", .needs(.root))
    func descriptor() async {
        await #expect(processExitsWith: .success) {
            let namespace = try UserNamespace(mapping: testMap)
            precondition(!hasChildren())
            let owner = try NamespaceCall.ownerUID(of: namespace.descriptor)
            precondition(owner == geteuid())
            let link = readLink("/proc/self/fd/\(namespace.descriptor.number)") ?? ""
            precondition(link.hasPrefix("user:["))
            precondition(link != readLink("/proc/self/ns/user"))
        }
    }

    @Test("A map as long as the kernel takes is taken", .needs(.root), .needs(.idmappedMounts))
    func longest() throws {
        // 124 extents of 33 bytes: 4,092 bytes.
        let extents = (0..<124).map { number in
            IDMap.Extent(
                inside: 1_000_000_000 + UInt32(number) * 2, outside: 2_000_000_000 + UInt32(number) * 3, count: 1)
        }
        var map = try IDMap(extents: extents)
        #expect(map.uidText.utf8.count > 2900)
        _ = try UserNamespace(mapping: map)
        map = try IDMap(extents: (0..<340).map { IDMap.Extent(inside: $0 * 2, outside: $0 * 3, count: 1) })
        _ = try UserNamespace(mapping: map)
    }

    @Test("The ten-digit map of 4,095 bytes is taken whole", .needs(.root))
    func exactly4095() throws {
        // Ten digits thrice and three separators are 33 bytes; counts of ten digits cannot repeat, so counts grow.
        var extents: [IDMap.Extent] = []
        var text = 0
        var next: UInt32 = 1_000_000_000
        while true {
            let extent = IDMap.Extent(inside: next, outside: next + 1_000_000_000, count: 1_000_000)
            let size = "\(extent.inside) \(extent.outside) \(extent.count)\n".utf8.count
            if text + size > IDMap.maximumTextBytes { break }
            text += size
            extents.append(extent)
            next += 2_000_001
        }
        let map = try IDMap(extents: extents)
        #expect(map.uidText.utf8.count == text && text > 4060)
        let namespace = try UserNamespace(mapping: map)
        #expect(namespace.map == map)
    }

    @Test("A namespace without privilege says why", .needs(.userNamespaces), .needs(.ordinaryUser))
    func ordinaryUser() async {
        // A process of its own: other tests have children in this one.
        await #expect(processExitsWith: .success) {
            do {
                _ = try UserNamespace(mapping: testMap)
                preconditionFailure("mapped foreign ids")
            } catch let error as KernelError {
                precondition([.notPermitted, .permissionDenied].contains(error.errno), "\(error)")
            }
            precondition(!hasChildren())
        }
    }

    @Test("Many namespaces in a row leave no process and no descriptor", .needs(.root))
    func flat() async {
        await #expect(processExitsWith: .success) {
            _ = try UserNamespace(mapping: testMap)
            let before = openDescriptors()
            for _ in 0..<scaled(500) { _ = try UserNamespace(mapping: testMap) }
            let after = openDescriptors()
            precondition(after == before, "\(before) became \(after)")
            precondition(!hasChildren())
        }
    }

    @Test("Two claims never hold the same block, and a full pool says so")
    func claims() throws {
        let scratch = try Scratch()
        let file = FilePath(try scratch.file("lock"))
        let pool = IDRangePool(ranges: [1_000_013_824...1_000_144_895])
        #expect(pool.blocks.count == 2)
        let one = try IDRangeClaim(from: pool, lockFile: file)
        do {
            let two = try IDRangeClaim(from: pool, lockFile: file)
            #expect(one.first != two.first)
            do throws(KernelError) {
                _ = try IDRangeClaim(from: pool, lockFile: file)
                Issue.record("claimed a block that is held")
            } catch {
                #expect(error.errno == .resourceTemporarilyUnavailable)
            }
        }
        let three = try IDRangeClaim(from: pool, lockFile: file)
        #expect(one.first != three.first)
    }

    @Test("A claim ends with its holder, however it ends")
    func killedHolder() async throws {
        let scratch = try Scratch()
        let path = try scratch.file("lock")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let claim = try IDRangeClaim(from: IDRangePool(ranges: [65_536...131_071]), lockFile: FilePath(path))
            kill(getpid(), SIGKILL)
            _ = consume claim
        }
        let claim = try IDRangeClaim(from: IDRangePool(ranges: [65_536...131_071]), lockFile: FilePath(path))
        #expect(claim.first == 65_536)
    }

    @Test("Processes that claim at once get blocks of their own")
    func concurrent() async throws {
        let scratch = try Scratch()
        let file = FilePath(try scratch.file("lock"))
        let pool = IDRangePool(ranges: [655_360...(655_360 + 65_536 * 16 - 1)])
        let firsts = try await withThrowingTaskGroup(of: UInt32.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let claim = try IDRangeClaim(from: pool, lockFile: file)
                    try await Task.sleep(for: .milliseconds(300))
                    return claim.first
                }
            }
            return try await group.reduce(into: [UInt32]()) { $0.append($1) }
        }
        #expect(Set(firsts).count == 16)
    }
}
