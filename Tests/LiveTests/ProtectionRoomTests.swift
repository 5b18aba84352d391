// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Foundation
import Launching
import LinuxKernel
import NodeModel
import TestSupport
import Testing

extension ProtectionTests {
    /// How much must stay between what is protected below a `memory.max` and that limit, so that page cache alone never
    /// gets the container killed.
    @Suite("Room between memory.min and memory.max")
    struct Room {
        static let limit = ByteCount.mebibytes(48)

        /// Where `memory.min` and `memory.max` are set to (nearly) the same.
        enum Arrangement: String, CaseIterable {
            case container = "container min = max, alone"
            case podMinZero = "pod max, container min"
            case podMaxOnly = "pod max, container min = max"
            case guaranteed = "pod and container min = max (Kubernetes)"
            case podMin = "pod min = max, container max"
            case sandbox = "the same with a sandbox process"
            case halves = "pod min = max, two containers of half each"
        }

        /// What is kept free, by name.
        static let rooms: [(name: String, size: ByteCount)] = [
            ("0", .zero), ("1 page", .kibibytes(4)), ("32 KiB", .kibibytes(32)), ("128 KiB", .kibibytes(128)),
            ("512 KiB", .kibibytes(512)), ("1 MiB", .mebibytes(1)), ("2 %", share(2)), ("5 %", share(5)),
            ("10 %", share(10)),
        ]

        private static func share(_ percent: UInt64) -> ByteCount {
            ByteCount(limit.bytes * percent / 100 / 4096 * 4096)
        }

        @Test("Page cache alone kills where nothing below a limit can be reclaimed, and not with one MiB of room")
        func rooms() throws {
            var table = ReportTable(
                "Reading (r) and writing (w) 96 MiB in a container of \(mebibytes(Self.limit)) MiB: killed, or ms",
                columns: ["room below the limit"] + Arrangement.allCases.map(\.rawValue))
            defer { try? table.print() }
            let file = try makeFile("large", .mebibytes(96))
            for room in Self.rooms where isThorough || [.zero, .kibibytes(4), .mebibytes(1)].contains(room.size) {
                var cells = [room.name]
                for arrangement in Arrangement.allCases {
                    // Where one page more makes no difference, its ends suffice.
                    guard isThorough || arrangement == .guaranteed || room.size != .kibibytes(4) else {
                        cells.append("")
                        continue
                    }
                    let read = try outcome(arrangement, room.size, #"exec cat "$1""#, file)
                    expect(arrangement, room.size, read: read)
                    cells.append("r \(read)")
                    guard isThorough || arrangement == .guaranteed else { continue }
                    // What is still to be written back may hold a writer up until there is something to take: it may live.
                    let write = try outcome(
                        arrangement, room.size, #"exec dd if=/dev/zero of="$1" bs=65536 count=1536"#,
                        try Machine.file("written"))
                    if room.size >= .mebibytes(1) { #expect(write != .killed, "\(arrangement), \(room.name) of room") }
                    cells[cells.count - 1] += " w \(write)"
                }
                table.add(cells)
            }
        }

        /// All the rooms of the table take minutes under emulation, and tests need only those that prove something.
        private var isThorough: Bool { ProcessInfo.processInfo.environment["BULKHEAD_PROOF"] == "thorough" }

        private func expect(_ arrangement: Arrangement, _ room: ByteCount, read outcome: Outcome) {
            if room >= .mebibytes(1) { #expect(outcome != .killed, "\(arrangement), \(room) bytes of room") }
            guard room == .zero else { return }
            switch arrangement {
            // The limit's own cgroup is where reclaim starts, and what starts there passes over its own protection.
            case .container, .podMin: #expect(outcome != .killed, "\(arrangement)")
            // The kernel's own memory for the container counts for the pod: it reaches its limit first.
            case .podMinZero, .podMaxOnly, .guaranteed, .sandbox: #expect(outcome == .killed, "\(arrangement)")
            case .halves: break
            }
        }

        private enum Outcome: Equatable, CustomStringConvertible {
            case killed
            case done(milliseconds: Int)

            var description: String {
                switch self {
                case .killed: "killed"
                case .done(let milliseconds): "\(milliseconds)"
                }
            }
        }

        private func outcome(
            _ arrangement: Arrangement, _ room: ByteCount, _ script: String, _ file: String
        ) throws -> Outcome {
            try Machine.dropCaches()
            let pod = try TestTree.scratch(enabling: [.memory])
            try pod.cgroup.enable([.memory])
            let container = try pod.cgroup.createChild("app")
            let min = Self.limit - room
            switch arrangement {
            case .container:
                try container.write(Self.limit, to: .memoryMax)
                try container.write(min, to: .memoryMin)
            case .podMinZero:
                try pod.cgroup.write(Self.limit, to: .memoryMax)
                try container.write(min, to: .memoryMin)
            case .podMaxOnly, .guaranteed, .sandbox:
                try pod.cgroup.write(Self.limit, to: .memoryMax)
                if arrangement != .podMaxOnly { try pod.cgroup.write(min, to: .memoryMin) }
                try container.write(Self.limit, to: .memoryMax)
                try container.write(min, to: .memoryMin)
                if arrangement == .sandbox {
                    let sandbox = try pod.cgroup.createChild("sandbox")
                    try sandbox.begin("exec sleep 1000").detach()
                }
            case .podMin:
                try pod.cgroup.write(Self.limit, to: .memoryMax)
                try pod.cgroup.write(min, to: .memoryMin)
                try container.write(Self.limit, to: .memoryMax)
            case .halves:
                try pod.cgroup.write(Self.limit, to: .memoryMax)
                try pod.cgroup.write(min, to: .memoryMin)
                let other = try pod.cgroup.createChild("other")
                try container.write(ByteCount(Self.limit.bytes / 2), to: .memoryMax)
                try container.write(ByteCount(min.bytes / 2), to: .memoryMin)
                try other.write(ByteCount(Self.limit.bytes / 2), to: .memoryMax)
                try other.write(ByteCount(min.bytes / 2), to: .memoryMin)
                // Full up to its half with memory that cannot be taken away.
                try other.hold(ByteCount(Self.limit.bytes / 2) - .mebibytes(2))
            }
            let start = ContinuousClock.now
            let exit = try container.run(script, file)
            let time = ContinuousClock.now - start
            let kills = try pod.cgroup.events().oomKill ?? 0
            try #require(exit == .exited(0) || exit == .killed(signal: 9), "\(arrangement): \(exit)")
            if exit != .exited(0) { #expect(kills > 0) }
            try pod.remove()
            // The sandbox may have been the one.
            if kills > 0 { return .killed }
            return .done(milliseconds: Int(time / .milliseconds(1)))
        }
    }
}
