// SPDX-License-Identifier: Apache-2.0

internal import CTestChild
internal import Foundation
internal import Glibc
internal import LinuxKernel
internal import MountTable
internal import Mounts
internal import NodeModel
internal import Synchronization
internal import SystemPackage
internal import TestSupport
internal import Testing
internal import UserNamespaces

@Suite("Mounts that are changed and replaced", .serialized)
struct MountPlaceTests {
    /// The options of the mount that is seen at a path.
    private func options(_ path: String) throws -> MountEntry {
        try #require(try MountTable.current().mount(at: FilePath(path)))
    }

    @Test(
        "One call sets and clears attributes, access times and propagation, and keeps the rest", .needs(.root),
        .needs(.idmappedMounts))
    func changes() throws {
        let place = try Place()
        let before = MountChange(
            set: [.readOnly, .noSetID, .noDevices], accessTimes: .never, propagation: .shared)
        try place.clone().changing(before).attach(at: "at", in: place.root)
        defer { try? MountCall.detach(place.scratch.path("at")) }
        var entry = try options(place.scratch.path("at"))
        for word in ["ro", "nosuid", "nodev", "noatime"] { #expect(entry.options.contains(word), "\(entry.options)") }
        #expect(entry.propagation.peerGroup != nil)
        // A clone of that with a map: what is not named stays.
        try place.scratch.folder("second")
        let change = MountChange(set: [.noExecution], clear: [.readOnly], accessTimes: .always)
        try DetachedMount(
            cloning: FilePath(place.scratch.path("at")), mappedBy: place.mapping, changing: change
        ).attach(at: "second", in: place.root)
        defer { try? MountCall.detach(place.scratch.path("second")) }
        entry = try options(place.scratch.path("second"))
        #expect(entry.isIDMapped && entry.propagation.isPrivate)
        for word in ["nosuid", "nodev", "noexec"] { #expect(entry.options.contains(word), "\(entry.options)") }
        for word in ["ro", "noatime", "relatime"] { #expect(!entry.options.contains(word), "\(entry.options)") }
    }

    @Test(
        "Attributes go where they are asked to, whatever was cloned", .needs(.root), .needs(.feature("mount_setattr")))
    func everywhere() throws {
        let place = try Place()
        try place.scratch.folder("source/below")
        try DetachedMount(try MountCall.newFileSystem("tmpfs"), named: "tmpfs")
            .attach(at: "source/below", in: place.root)
        defer { try? MountCall.detach(place.scratch.path("source/below")) }
        for everywhere in [true, false] {
            try DetachedMount(cloning: place.source, recursive: true)
                .changing(MountChange(set: .readOnly), everywhere: everywhere).attach(at: "at", in: place.root)
            #expect(try options(place.scratch.path("at")).isReadOnly)
            #expect(try options(place.scratch.path("at/below")).isReadOnly == everywhere)
            try MountCall.detach(place.scratch.path("at"))
        }
    }

    @Test(
        "A mount is replaced without a gap", .needs(.root), .needs(.idmappedMounts),
        .needs(.feature("move_mount_beneath")))
    func replaced() throws {
        // mv-beneath
        let place = try Place()
        try place.scratch.folder("old")
        try place.scratch.file("old/is-there")
        try place.scratch.file("source/is-there")
        let path = place.scratch.path("at")
        try DetachedMount(cloning: FilePath(place.scratch.path("old"))).attach(at: "at", in: place.root)
        let watched = place.scratch.path("at/is-there")
        let gaps = Gaps(watching: watched)
        #expect(try FileStatus(at: FilePath(path)).uid == 0)
        let attached = try place.clone().idmapped(by: place.mapping).replace(at: "at", in: place.root)
        #expect(try FileStatus(at: FilePath(path)).uid == testOutside)
        #expect(attached.placement == .replaced)
        for _ in 0..<scaled(50) { try place.clone().replace(at: "at", in: place.root) }
        #expect(gaps.end() == 0)
        try MountCall.unmount(path, lazily: false)
        #expect(!wholeMountTable().contains(path))
    }

    @Test(
        "What cannot be replaced is left, or covered where that was asked for", .needs(.root),
        .needs(.feature("open_tree")))
    func notReplaced() throws {
        let place = try Place()
        do {
            try place.clone().replace(at: "at", in: place.root, otherwise: .cover)
            Issue.record("replaced a folder")
        } catch { #expect("\(error)".contains("nothing is mounted exactly there"), "\(error)") }
        #expect(!wholeMountTable().contains(place.scratch.path))
        guard Requirement.withoutFeature("move_mount_beneath").absence == nil else { return }
        try place.clone().attach(at: "at", in: place.root)
        do {
            try place.clone().replace(at: "at", in: place.root)
            Issue.record("replaced")
        } catch { #expect("\(error)".contains("6.5"), "\(error)") }
        let covering = try place.clone().replace(at: "at", in: place.root, otherwise: .cover)
        #expect(covering.placement == .onTop)
        for _ in 0..<2 { try MountCall.unmount(place.scratch.path("at"), lazily: false) }
        #expect(!wholeMountTable().contains(place.scratch.path))
    }

    @Test("Each cause of a refusal is found by asking", .needs(.root), .needs(.feature("idmapped_tmpfs")))
    func causes() throws {
        let place = try Place()
        func cause(_ source: String, _ namespace: borrowing Descriptor, _ change: MountChange = MountChange())
            -> IDMapRefusal.Cause?
        {
            guard let here = try? Descriptor.open(FilePath(source), .path) else { return nil }
            do throws(KernelError) {
                let tree = try MountCall.clone("", in: here, recursive: false)
                try MountCall.setIDMap(of: tree, to: namespace, change, recursive: false)
                return nil
            } catch {
                return IDMapAttemptDescription(error: error, source: source, recursive: false, change: change)
                    .refusal(of: here, by: namespace).cause
            }
        }
        let good = place.source.string
        #expect(cause(good, place.mapping.descriptor) == nil)
        #expect(cause("/proc", place.mapping.descriptor) == .fileSystem)
        #expect(cause(good, try Descriptor.open("/proc/self/ns/net", .reading)) == .notAUserNamespace)
        let own = try Descriptor.open("/proc/self/ns/user", .reading)
        if own.name == "user:[4026531837]" { #expect(cause(good, own) == .initialUserNamespace) }
        #expect(cause(good, try halfMapped("uid_map")) == .incompleteMap)
        let unknown = MountChange(set: MountAttributes(rawValue: 1 << 40))
        #expect(cause(good, place.mapping.descriptor, unknown) == .attributes)
        try place.clone().idmapped(by: place.mapping).attach(at: "at", in: place.root)
        defer { try? MountCall.detach(place.scratch.path("at")) }
        #expect(cause(place.scratch.path("at"), place.mapping.descriptor) == .alreadyMapped)
    }

    @Test(
        "A merged overlay is told from other file systems", .needs(.root), .needs(.idmappedMounts),
        .needs(.feature("overlay")))
    func mergedOverlay() throws {
        // ovl-merged
        let place = try Place()
        var layers = OverlayLayers()
        for name in ["source", "at"] { layers.addLower(try DetachedMount(cloning: FilePath(place.scratch.path(name)))) }
        try layers.mounted().attach(at: "at", in: place.root)
        defer { try? MountCall.detach(place.scratch.path("at")) }
        do {
            _ = try DetachedMount(cloning: FilePath(place.scratch.path("at")), mappedBy: place.mapping)
            Issue.record("an overlay took a map")
        } catch {
            #expect(error.errno == .invalidArgument && "\(error)".contains("map its layers instead"), "\(error)")
        }
    }

    @Test("A policy is decided by trying, with its cost", .needs(.root), .needs(.idmappedMounts))
    func policies() throws {
        let place = try Place()
        for number in 0..<20 { try place.scratch.file("source/\(number)") }
        let required = try VolumePlan(for: place.source, policy: .requireIDMap, mapping: place.mapping)
        #expect(required.means == .idmap && required.cost == .constant)
        let shifted = try VolumePlan(for: place.source, policy: .shift, mapping: place.mapping)
        #expect(shifted.means == .shift && shifted.cost.inodes == .exactly(21))
        let preferred = try VolumePlan(for: "/proc/sys/kernel/keys", policy: .preferIDMap, mapping: place.mapping)
        #expect(preferred.means == .shift && preferred.reason.contains("proc"), "\(preferred)")
        #expect(throws: KernelError.self) {
            try VolumePlan(for: "/proc/sys/kernel/keys", policy: .requireIDMap, mapping: place.mapping)
        }
        #expect(try VolumePlan(for: "/proc", policy: .plain, mapping: place.mapping).means == .plain)
        #expect(throws: KernelError.self) {
            try VolumePlan(for: "/no/such", policy: .preferIDMap, mapping: place.mapping)
        }
    }
}

/// Counts the moments at which a file is not there.
private final class Gaps {
    private let thread: Thread
    private let count = Shared()

    private final class Shared: Sendable {
        let value = Mutex(0)
    }

    init(watching path: String) {
        let count = count
        thread = Thread {
            var info = stat()
            while !Thread.current.isCancelled {
                if unsafe stat(path, &info) != 0 { count.value.withLock { $0 += 1 } }
            }
        }
        thread.start()
    }

    func end() -> Int {
        thread.cancel()
        _ = eventually { thread.isFinished }
        return count.value.withLock { $0 }
    }
}
