// SPDX-License-Identifier: Apache-2.0

internal import CBenchFloor
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// Ways to change every owner of a tree.
extension BenchSession {
    /// One way, timed.
    struct Way {
        var method: String
        var reference: String?
        /// Whether it is also measured cold, and what it costs beside time.
        var isMain = false
        /// Moves the tree from an id to another; the seconds of it.
        var move: (_ from: UInt32, _ to: UInt32) throws -> Double
    }

    /// Trees of more files are not measured by every way, and not twice to begin with.
    static let largeTree = 50_000
    /// Trees of more files only by the ways that are drawn.
    static let hugeTree = 200_000

    /// Each run moves the tree to the namespace's ids and back by each way in turn: two timings. Long ones are repeated
    /// less, within the seconds asked for.
    borrowing func measureOwners(
        _ tree: borrowing BenchTree, _ group: BenchResult.Group, _ volume: BenchVolume?, _ report: inout BenchReport
    ) throws {
        let root = BenchHeldDescriptor(try tree.directory.open(".", [.reading, .directory], resolve: []))
        let isLarge = tree.files > Self.largeTree
        let ways = Self.ways(tree.path, root).filter {
            !isLarge || $0.isMain && $0.method != "C walk"
                || tree.files <= Self.hugeTree && ["C walk", "chown+syncfs"].contains($0.method)
        }
        var samples: [String: BenchSamples] = [:]
        var counts: [String: [String: Int]] = [:]
        var failed: Set<String> = []
        // Also of what was measured until a signal came.
        defer {
            for way in ways {
                report.add(
                    group, way.method, samples[way.method] ?? BenchSamples(), against: way.reference,
                    counts: counts[way.method] ?? [:])
            }
        }
        let what = "\(group.fileSystem ?? ""), \(benchFiles(tree.files))"
        let start = ContinuousClock.now
        let seconds = Double(request.seconds)
        for run in 0..<request.runs {
            for (number, way) in ways.enumerated() where !failed.contains(way.method) {
                let spent =
                    isLarge ? Double(number) / Double(ways.count) : (ContinuousClock.now - start).inSeconds / seconds
                try step("\(what): \(way.method)", part: 0.3 + 0.3 * min(1, spent))
                do {
                    let there = try way.move(0, Self.outside)
                    try tree.check(owner: Self.outside, seenFrom: tree.directory, all: run == 0)
                    let back = try way.move(Self.outside, 0)
                    try tree.check(owner: 0, seenFrom: tree.directory, all: run == 0)
                    // The first run warms up; a large tree is as warm as it gets when it was made.
                    guard run > 0 || request.runs == 1 || isLarge else { continue }
                    samples[way.method, default: BenchSamples()].add(there)
                    samples[way.method, default: BenchSamples()].add(back)
                } catch let failure as BenchWrong {
                    throw failure
                } catch {
                    // A signal to the whole group of processes ends chown first.
                    try step("")
                    guard run == 0 else { throw error }
                    failed.insert(way.method)
                    report.omissions.append(BenchOmission(group: group, method: way.method, reason: "\(error)"))
                }
            }
            if run >= 1 || isLarge, (ContinuousClock.now - start).inSeconds > seconds { break }
        }
        // There and back: two ways a round.
        var owner: UInt32 = 0
        for way in ways where way.isMain && !failed.contains(way.method) {
            try step("\(what): counting of \(way.method)", part: 0.65)
            let next = owner == 0 ? Self.outside : 0
            do {
                counts[way.method] = try costs(of: { _ = try way.move(owner, next) }, tree.directory, volume)
            } catch {
                try step("")
                throw error
            }
            owner = next
        }
    }

    /// Ways to change owners of a tree; its root is open.
    static func ways(_ path: FilePath, _ root: BenchHeldDescriptor) -> [Way] {
        func chown(_ owner: UInt32, _ options: [String], _ path: FilePath) throws {
            guard let program = try BenchProgram.find("chown", options + ["--", "\(owner):\(owner)", path.string])
            else {
                throw ToolFailure(.impossible, "no program chown in PATH")
            }
            try program.run()
        }
        func shift(_ from: UInt32, _ to: UInt32, jobs: Int?, durable: Bool) throws -> ShiftOutcome {
            let map = try IDMap(extents: [.init(inside: from, outside: to, count: 65_536)])
            var plan = OwnershipShift(by: map, jobs: jobs)
            plan.isDurable = durable
            return try plan.run(path)
        }
        func secondPart(_ from: UInt32, _ to: UInt32) throws -> Double {
            let outcome = try shift(from, to, jobs: 1, durable: false)
            return outcome.seconds - (outcome.survey?.seconds ?? 0)
        }
        return [
            Way(method: "chown", reference: "idmap", isMain: true) { _, to in
                try secondsTaken { try chown(to, ["-R"], path) }
            },
            Way(method: "chown start-up", reference: nil) { from, to in
                let taken = try secondsTaken { try chown(to, [], path) }
                try chown(to, ["-R"], path)
                return taken
            },
            Way(method: "chown+syncfs", reference: "chown") { _, to in
                try secondsTaken {
                    try chown(to, ["-R"], path)
                    try root.descriptor.synchronizeFileSystem()
                }
            },
            Way(method: "C walk", reference: "chown", isMain: true) { from, to in
                try secondsTaken {
                    let walker = try root.descriptor.open(".", [.reading, .directory], resolve: [])
                    let result = bk_floor_shift(walker.number, from, to, 65_536)
                    guard result >= 0 else {
                        throw KernelError("bk_floor_shift", "the same in C", errno: Errno(rawValue: CInt(-result)))
                    }
                    try walker.changeOwner(of: "", uid: to, gid: to)
                }
            },
            Way(method: "shift", reference: "chown+syncfs", isMain: true) { from, to in
                try shift(from, to, jobs: nil, durable: true).seconds
            },
            Way(method: "shift, 1 thread", reference: "chown+syncfs", isMain: true) { from, to in
                try shift(from, to, jobs: 1, durable: true).seconds
            },
            Way(method: "shift, unsynced", reference: "chown") { from, to in
                try shift(from, to, jobs: nil, durable: false).seconds
            },
            Way(method: "shift, unsynced, 1 thread", reference: "C walk") { from, to in
                try shift(from, to, jobs: 1, durable: false).seconds
            },
            Way(method: "its second part", reference: "C walk", move: secondPart),
        ]
    }
}
