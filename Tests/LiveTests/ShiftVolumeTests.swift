// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite(
    "Volumes whose owners are rewritten", .serialized, .needs(.root), .needs(.userNamespaces), .needs(toolIsThere),
    .needs(.feature("openat2")))
struct ShiftVolumeTests {
    private func owner(_ path: String) throws -> UInt32 { try Descriptor.open(FilePath(path), .path).status().uid }

    @Test("A run finds its own ids, leaves them, and the next one takes them again")
    func runs() throws {
        let scratch = try Scratch()
        let folder = try scratch.folder("volume")
        try scratch.file("volume/file")
        let first = try shell(
            "$B run --volume \(folder):/mnt:shift -- sh -c 'stat -c %u /mnt /mnt/file; echo > /mnt/new'")
        #expect(first.exit.status == .exited(0), "\(first.output)")
        #expect(first.lines.contains("0") && !first.lines.contains("65534"), "\(first.output)")
        #expect(first.output.contains("owners are rewritten by 0:"), "\(first.output)")
        let map = try #require(try OwnershipShift.lastMap(at: FilePath(folder)))
        let host = map.uid[0].outside
        for name in ["", "/file", "/new"] { #expect(try owner(folder + name) == host, "\(name)") }
        // What the host's root puts there meanwhile is shifted, too.
        try scratch.file("volume/added")
        let second = try shell(
            "$B run --volume-owners shift --volume \(folder):/mnt:ro -- stat -c %u /mnt/added /mnt/new")
        #expect(second.exit.status == .exited(0), "\(second.output)")
        #expect(second.lines.filter { $0 == "0" }.count == 2, "\(second.output)")
        #expect(try owner(folder + "/new") == host && owner(folder + "/added") == host)
        #expect(second.output.contains("1 inodes changed") && !second.output.contains("are rewritten"))
        // Other ids, and back to what it was.
        let other = try shell("$B run --map 0:3000000000:65536 --volume \(folder):/mnt:shift -- stat -c %u /mnt/new")
        #expect(other.exit.status == .exited(0) && other.lines.contains("0"), "\(other.output)")
        #expect(try owner(folder + "/new") == 3_000_000_000)
        let back = try shell("$B shift \(folder) --map 3000000000:0:65536")
        #expect(back.exit.status == .exited(0), "\(back.output)")
        #expect(try owner(folder + "/new") == 0 && OwnershipShift.lastMap(at: FilePath(folder)) == nil)
    }

    @Test("While one has a volume, others get it by the same map and are refused another")
    func shared() throws {
        let scratch = try Scratch()
        let folder = FilePath(try scratch.folder("volume"))
        try scratch.file("volume/file")
        let (one, two) = (try IDMap(outside: 3_000_000_000, count: 65_536), try IDMap(outside: 3_100_000_000, count: 9))
        do {
            let first = try ShiftedVolume(folder, map: one)
            let second = try ShiftedVolume(folder, map: one)
            #expect(first.outcomes.map(\.changed) == [2] && second.outcomes.isEmpty)
            do {
                _ = try ShiftedVolume(folder, map: two)
                Issue.record("the owners of a volume in use were changed")
            } catch { #expect(error == .inUse(folder.string, one)) }
            #expect(throws: ShiftError.busy(folder.string)) { _ = try OwnershipShift(by: one).run(folder) }
        }
        #expect(try ShiftedVolume(folder, map: two).outcomes.map(\.changed) == [2, 2])
        #expect(try owner(folder.string) == 3_100_000_000)
    }

    @Test("A shift that did not end is finished by the same map, and left to the operator by another")
    func unfinished() throws {
        let scratch = try Scratch()
        let folder = FilePath(try scratch.folder("volume"))
        for file in 0..<300 { try scratch.file("volume/\(file)") }
        let map = try IDMap(outside: 3_000_000_000, count: 65_536)
        var plan = OwnershipShift(by: map, jobs: 1)
        plan.trace = .always
        _ = try plan.run(folder)
        // A mark as of one that was killed.
        let root = try Descriptor.open(folder, [.directory, .reading])
        let text = "bulkhead shift 1\nphase shifting\nuid \(map)\ngid \(map)\nunmapped refuse\nbooks ids\nleaves map\n"
        try root.setAttribute("trusted.bulkhead.shift", to: text)
        let refused = try shell("$B run --map 0:3100000000:65536 --volume \(folder):/mnt:shift -- true")
        #expect(refused.exit.status == .exited(1), "\(refused.output)")
        #expect(refused.output.contains("is under way") && refused.output.contains("--resume finishes it"))
        let finished = try shell("$B run --map \(map) --volume \(folder):/mnt:prefer-idmap -- stat -c %u /mnt/7")
        #expect(finished.exit.status == .exited(0) && finished.lines.contains("0"), "\(finished.output)")
        #expect(try OwnershipShift.unfinished(at: folder) == nil)
    }

    @Test("Neither the host's own directories nor ids outside the map are rewritten")
    func refusals() throws {
        let scratch = try Scratch()
        let folder = try scratch.folder("volume")
        unsafe chown(try scratch.file("volume/stranger"), 70_000, 70_000)
        let host = try shell("$B run --volume /usr/../etc:/mnt:shift -- echo started")
        #expect(host.exit.status == .exited(2) && host.output.contains("host's /etc"), "\(host.output)")
        let file = try shell("$B run --volume \(folder)/stranger:/mnt:shift -- echo started")
        #expect(file.exit.status == .exited(2) && file.output.contains("single file"), "\(file.output)")
        let stranger = try shell("$B run --volume \(folder):/mnt:shift -- echo started")
        #expect(stranger.exit.status == .exited(1) && stranger.output.contains("user 70000"), "\(stranger.output)")
        #expect(!stranger.output.contains("\nstarted") && !host.output.contains("\nstarted"))
        #expect(try owner(folder) == 0)
    }

    @Test("A pod's host paths are shifted where it is asked for", .needs(.cgroup2))
    func pod() throws {
        let scratch = try Scratch()
        let folder = try scratch.folder("volume")
        try scratch.file(
            "pod.yaml",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: shifted}
            spec:
              hostUsers: false
              containers:
              - name: one
                image: host
                command: [sh, -c, "stat -c %u /mnt && echo > /mnt/new"]
                volumeMounts: [{name: data, mountPath: /mnt}]
              volumes:
              - name: data
                hostPath: {path: \(folder)}
            """)
        let found = try shell("$B run -f \(scratch.path("pod.yaml")) --volume-owners shift --best-effort")
        #expect(found.exit.status == .exited(0), "\(found.output)")
        let map = try #require(try OwnershipShift.lastMap(at: FilePath(folder)), "\(found.output)")
        #expect(try owner(folder) == map.uid[0].outside && owner(folder + "/new") == map.uid[0].outside)
    }
}
