// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import TestSupport
internal import Testing

/// Starts while somebody exchanges the directories that they use. `BULKHEAD_ROUNDS` says how many.
@Suite("A racing exchange of directories", .needs(.root), .needs(.idmappedMounts))
struct AttackRaceTests {
    static let rounds = ProcessInfo.processInfo.environment["BULKHEAD_ROUNDS"].flatMap { Int($0) } ?? scaled(40)

    /// Starts the plan again and again; a start may fail, but only in these steps. How many got through.
    @discardableResult
    private func race(
        _ plan: Launch, _ steps: Set<LaunchError.Step>, check: (Finished) throws -> Void
    ) throws -> Int {
        var count = 0
        for _ in 0..<Self.rounds {
            do {
                let found = try finish(plan)
                count += 1
                try check(found)
            } catch let error as LaunchError {
                #expect(steps.contains(error.step), "\(error)")
            }
        }
        return count
    }

    @Test("No /proc of an image stays unguarded, wherever it is by then (CVE-2025-31133, CVE-2025-52881)")
    func guardedProc() throws {
        let scratch = try mappableScratch()
        var launch = try LaunchRootTests.image(scratch, links: [:])
        for folder in ["proc", "other/sys/kernel", "other/bus", "other/fs", "other/irq"] {
            try scratch.folder("rootfs/\(folder)")
        }
        try scratch.file("rootfs/other/sysrq-trigger")
        launch.user = try hostRootMap
        launch.root?.guardHostRoot()
        launch.arguments = [
            "-c",
            """
            for place in /proc /other /proc /other; do
                cd $place/sys/kernel 2>/dev/null && read line <core_pattern && [ -n "$line" ] && ( : >>core_pattern ) &&
                    echo "opened it in $place"
            done 2>/dev/null
            """,
        ]
        let exchanger = try Exchanger(scratch.path("rootfs/proc"), scratch.path("rootfs/other"))
        try race(launch, [.mount, .pivotRoot, .execute]) { #expect($0.output == "") }
        _ = consume exchanger
    }

    @Test("A target that turns into a link makes and mounts nothing outside of the root (CVE-2021-30465)")
    func target() throws {
        let scratch = try mappableScratch()
        try scratch.folder("outside")
        try scratch.folder("volume")
        try scratch.file("volume/of-volume")
        let before = mountTable()
        var launch = try LaunchRootTests.image(
            scratch, links: ["link": "../../../../../../../..\(scratch.path("outside"))"])
        try scratch.folder("rootfs/data")
        launch.volumes.append(HostVolume(source: scratch.path("volume"), target: "/data"))
        launch.volumes.append(HostVolume(source: scratch.path("volume"), target: "/data/made/on/the/way"))
        launch.arguments = ["-c", "ls \(scratch.path("outside")) /data"]
        let exchanger = try Exchanger(scratch.path("rootfs/data"), scratch.path("rootfs/link"))
        try race(launch, [.mount]) { _ in }
        _ = consume exchanger
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path("outside")) == [])
        #expect(mountTable() == before)
    }

    @Test("A source that is exchanged is one or the other as a whole, with all that was asked for")
    func source() throws {
        let scratch = try mappableScratch()
        for folder in ["one", "other"] {
            try scratch.folder(folder)
            try scratch.file("\(folder)/name", folder)
        }
        var launch = try Launch.isolated(
            "cat /tmp/v/name; echo; grep ' /tmp/v ' /proc/self/mountinfo; stat -c %u /tmp/v/name; : >>/tmp/v/name")
        launch.volumes = [HostVolume(source: scratch.path("one"), target: "/tmp/v", readOnly: true)]
        let exchanger = try Exchanger(scratch.path("one"), scratch.path("other"))
        let started = try race(launch, [.prepare]) { found in
            #expect(["one", "other"].contains(found.lines.first ?? ""), "\(found.output)")
            #expect(found.output.contains(" ro,nosuid,nodev"), "\(found.output)")
            #expect(found.lines.dropFirst(2).first == "0", "\(found.output)")
            #expect(found.output.contains("Read-only file system") || found.output.contains("can't create"))
        }
        _ = consume exchanger
        #expect(started == Self.rounds)
    }
}
