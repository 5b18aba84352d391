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
    private struct Way {
        var method: String
        var reference: String?
        /// Moves the tree from an id to another; the seconds of it.
        var move: (_ from: UInt32, _ to: UInt32) throws -> Double
    }

    /// Each run moves the tree to the namespace's ids and back by each way in turn: two timings. Long ones are repeated
    /// less, for at most about a minute.
    borrowing func measureOwners(
        _ tree: borrowing BenchTree, _ group: BenchResult.Group, _ report: inout BenchReport
    ) throws {
        let root = BenchHeldDescriptor(try tree.directory.open(".", [.reading, .directory], resolve: []))
        let ways = Self.ways(tree.path, root)
        var samples: [String: BenchSamples] = [:]
        var failed: Set<String> = []
        let end = ContinuousClock.now + .seconds(60)
        for run in 0..<request.runs {
            for way in ways where !failed.contains(way.method) {
                try step("idmap: \(tree.files) files, \(way.method), run \(run + 1)")
                do {
                    let there = try way.move(0, Self.outside)
                    try tree.check(owner: Self.outside, seenFrom: tree.directory, all: run == 0)
                    let back = try way.move(Self.outside, 0)
                    try tree.check(owner: 0, seenFrom: tree.directory, all: run == 0)
                    // The first run warms up.
                    guard run > 0 || request.runs == 1 else { continue }
                    samples[way.method, default: BenchSamples()].add(there)
                    samples[way.method, default: BenchSamples()].add(back)
                } catch let failure as ToolFailure where failure.message.contains("wrong") {
                    throw failure
                } catch let error where run == 0 && !(error is BenchInterrupted) {
                    failed.insert(way.method)
                    report.omissions.append(BenchOmission(group: group, method: way.method, reason: "\(error)"))
                }
            }
            if run >= 3, .now > end { break }
        }
        for way in ways {
            report.add(group, way.method, samples[way.method] ?? BenchSamples(), against: way.reference)
        }
    }

    private static func ways(
        _ path: FilePath, _ root: BenchHeldDescriptor
    ) -> [Way] {
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
            Way(method: "chown", reference: "idmap") { _, to in
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
            Way(method: "C walk", reference: "chown") { from, to in
                try secondsTaken {
                    let walker = try root.descriptor.open(".", [.reading, .directory], resolve: [])
                    let result = bk_floor_shift(walker.number, from, to, 65_536)
                    guard result >= 0 else {
                        throw KernelError("bk_floor_shift", "the same in C", errno: Errno(rawValue: CInt(-result)))
                    }
                    try walker.changeOwner(of: "", uid: to, gid: to)
                }
            },
            Way(method: "shift", reference: "chown+syncfs") { from, to in
                try shift(from, to, jobs: nil, durable: true).seconds
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
