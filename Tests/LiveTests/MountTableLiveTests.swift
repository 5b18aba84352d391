// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import LinuxKernel
internal import MountTable
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing
internal import UserNamespaces

@Suite("The mount table of this kernel", .serialized)
struct MountTableLiveTests {
    @Test(
        "Mounts, changes and unmounts come as they happen", .needs(.root), .needs(.feature("mount_setattr")),
        .timeLimit(.minutes(1)))
    func watched() async throws {
        let scratch = try Scratch()
        try scratch.folder("at")
        let path = FilePath(scratch.path("at"))
        // Other tests mount, too: only what is at the path counts.
        let changes = try MountTableChanges(of: MountTableWatcher())
        var reader = changes.makeAsyncIterator()
        func next() async throws -> MountTableChange {
            while let change = try await reader.next() { if change.entry.target == path { return change } }
            throw CancellationError()
        }
        let root = try Descriptor.open(FilePath(scratch.path), [.path, .directory])
        try DetachedMount(cloning: FilePath(scratch.path)).attach(at: "at", in: root)
        guard case .mounted(let entry) = try await next() else { throw CancellationError() }
        #expect(!entry.isReadOnly)
        let mounted = try Descriptor.open(path, .path)
        try MountCall.setAttributes(of: mounted, MountChange(set: .readOnly, propagation: nil), recursive: false)
        guard case .changed(let before, let after) = try await next() else { throw CancellationError() }
        #expect(before.id == entry.id && after.isReadOnly)
        try MountCall.detach(path.string)
        guard case .unmounted(let gone) = try await next() else { throw CancellationError() }
        #expect(gone.id == entry.id)
    }

    @Test("Waiting ends when the task is cancelled", .timeLimit(.minutes(1)))
    func cancelled() async throws {
        let changes = try MountTableChanges(of: MountTableWatcher(of: getpid()))
        let task = Task {
            for try await _ in changes {}
            return true
        }
        task.cancel()
        #expect(try await task.value)
    }

    @Test("A mount's map is told by its number", .needs(.root), .needs(.feature("statmount_idmap")))
    func maps() throws {
        let scratch = try mappableScratch()
        try scratch.folder("at")
        let root = try Descriptor.open(FilePath(scratch.path), [.path, .directory])
        let map = try IDMap(
            uid: [
                .init(inside: 0, outside: testOutside, count: 5), .init(inside: 9, outside: testOutside + 9, count: 1),
            ],
            gid: [.init(inside: 0, outside: testOutside + 100, count: 7)])
        try DetachedMount(cloning: FilePath(scratch.path), mappedBy: UserNamespace(mapping: map))
            .attach(at: "at", in: root)
        defer { try? MountCall.detach(scratch.path("at")) }
        for (table, maps) in [
            (try MountTable.current(), MountIDMaps.current()), (try .of(pid: getpid()), .of(pid: getpid())),
        ] {
            let entry = try #require(table.mount(at: FilePath(scratch.path("at"))))
            #expect(entry.isIDMapped && maps.areTold)
            #expect(maps[entry] == map)
        }
    }
}
