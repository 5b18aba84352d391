// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import LinuxKernel
internal import MountTable
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("bulkhead mount, umount, mounts", .serialized)
struct MountToolTests {
    /// Runs a script with `$D` for a folder that has `src`, owned by root with a file of id 7, and `dst`.
    private func run(_ script: String) throws -> (Finished, Scratch) {
        let scratch = try mappableScratch()
        try scratch.folder("src")
        try scratch.folder("dst")
        try scratch.file("src/seven", "7")
        unsafe chown(scratch.path("src/seven"), 7, 7)
        defer { while (try? MountCall.detach(scratch.path("dst"))) != nil {} }
        return (try shell("D=\(scratch.path)\n" + script), scratch)
    }

    @Test(
        "A mount is made, listed with its map and taken away", .needs(.root), .needs(.idmappedMounts),
        .needs(toolIsThere))
    func life() throws {
        let (found, scratch) = try run(
            """
            $B mount $D/src $D/dst --map 0:\(testOutside):65536 --read-only --nosuid --json >$D/made || exit 1
            stat -c %u:%g $D/dst/seven
            (: >$D/dst/new) 2>/dev/null && echo written
            $B mounts --json $D/dst >$D/listed || exit 1
            $B umount $D/dst && stat -c %u $D/src/seven
            grep -c " $D/dst " /proc/self/mountinfo
            """)
        #expect(
            found.lines == ["\(testOutside + 7):\(testOutside + 7)", "unmounted \(scratch.path("dst"))", "7", "0"],
            "\(found.output)")
        let made = Document(try JSONSerialization.jsonObject(with: Data(scratch.text("made").utf8)))
        #expect(made["idMap"]["uid"][0].text == "0:\(testOutside):65536")
        let tells = Requirement.feature("statmount_idmap").absence == nil
        #expect(made["verified"].text == (tells ? "read-back" : "probed"))
        let listed = Document(try JSONSerialization.jsonObject(with: Data(scratch.text("listed").utf8)))
        let mount = try #require(listed["mounts"].all.first { $0["target"].text == scratch.path("dst") })
        #expect(mount["idMapped"].bool == true && mount["readOnly"].bool == true)
        #expect(mount["idMap"]["uid"][0].text == (tells ? "0:\(testOutside):65536" : nil))
        #expect(mount["idMapTold"].bool == tells)
    }

    @Test("A wrong command line says what is wrong with it", .needs(toolIsThere))
    func usage() throws {
        for (arguments, reason) in [
            ("--map 0:1", "three numbers"), ("--map 0:4294967296:1", "modulo"), ("--uid-map 0:1:1", "go together"),
            ("--map @0:0:1", "no container"), ("-o ro,nonsense", "'nonsense' is none of"), ("--or-cover", "--replace"),
            ("--read-only -o rw", "set and cleared"), ("--map 0:1:1 --clear", "--clear"),
        ] {
            let found = try shell("$B mount /tmp /tmp \(arguments)")
            #expect(found.exit.status == .exited(2), "\(arguments): \(found.output)")
            #expect(found.output.contains(reason), "\(arguments): \(found.output)")
        }
    }

    @Test(
        "What fails names the value and the cause, and leaves nothing", .needs(.root), .needs(.idmappedMounts),
        .needs(toolIsThere))
    func failures() throws {
        let (found, _) = try run(
            """
            $B mount $D/none $D/dst --map 0:\(testOutside):10; echo $?
            $B mount $D/src $D/none --map 0:\(testOutside):10; echo $?
            $B mount $D/src $D/src/seven --map 0:\(testOutside):10; echo $?
            $B mount /proc $D/dst --map 0:\(testOutside):10; echo $?
            $B mount $D/src $D/dst --map 0:\(testOutside):10 --replace; echo $?
            $B umount $D/dst; echo $?
            grep -c " $D" /proc/self/mountinfo
            """)
        let codes = found.lines.filter { $0.count == 1 }
        #expect(codes == ["1", "1", "1", "3", "1", "1", "0"], "\(found.output)")
        for part in ["/none", "cannot be mounted on a file", "takes no ID map", "nothing is mounted exactly there"] {
            #expect(found.output.contains(part), "\(part): \(found.output)")
        }
    }

    @Test("An ordinary user is told what is missing", .needs(.ordinaryUser), .needs(toolIsThere))
    func ordinaryUser() throws {
        let found = try shell(
            "$B mount /tmp /tmp --map 0:1000:1; echo $?; $B umount /proc; echo $?; $B mounts | head -n 1")
        #expect(found.output.contains("\n3\n") && found.lines.last?.hasPrefix("TARGET") == true, "\(found.output)")
    }

    @Test("A map relative to a process's is made of both", .needs(.root), .needs(.idmappedMounts), .needs(toolIsThere))
    func relative() throws {
        // Ids that no other test gives a process.
        let outside = testOutside + 131_072
        let (found, _) = try run(
            """
            $B run --map 0:\(outside):1000 -- sleep 60 & run=$!
            for try in $(seq 200); do
                for place in /proc/[0-9]*; do
                    grep -q " \(outside) " $place/uid_map 2>/dev/null && pid=${place#/proc/} && break 2
                done
                sleep 0.05
            done
            $B mount $D/src $D/dst --map @0:3:10 --relative-to $pid >/dev/null; echo $?
            stat -c %u $D/dst/seven
            kill $run; wait $run
            """)
        #expect(found.lines.suffix(2) == ["0", "\(outside + 10)"], "\(found.output)")
    }

    @Test("What changes is printed as it happens", .needs(.root), .needs(.idmappedMounts), .needs(toolIsThere))
    func watched() throws {
        let (found, scratch) = try run(
            """
            $B mounts --watch --json $D/dst >$D/seen & watch=$!
            # The watcher says nothing before a change, so changes are made until it says so.
            for try in $(seq 100); do
                $B mount $D/src $D/dst --map 0:\(testOutside):10 >/dev/null || exit 1
                $B umount $D/dst >/dev/null || exit 1
                [ -s $D/seen ] && grep -q '"unmounted"' $D/seen && break
            done
            kill $watch
            """)
        #expect(found.output == "" || found.output.contains("erminated"), "\(found.output)")
        let lines = scratch.text("seen").split(separator: "\n")
        #expect(lines.contains { $0.contains(#""change": "mounted""#) && $0.contains(scratch.path("dst")) }, "\(lines)")
    }
}
