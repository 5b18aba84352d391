// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

/// `SHIFT_KILLS=200 SHIFT_FOLDERS=2500` is the proof at its full size: minutes a file system.
private let kills = ProcessInfo.processInfo.environment["SHIFT_KILLS"].flatMap { Int($0) }
private let folders = ProcessInfo.processInfo.environment["SHIFT_FOLDERS"].flatMap { Int($0) }

/// What the tree is like: owned by inside ids alone, half of it by outside ids before, with ids that can be both.
private enum Mixture: CaseIterable {
    case plain
    case mixed
    case overlapping
}

@Suite("A shift killed in the middle", .serialized, .needs(.root), .needs(toolIsThere))
struct ShiftCrashTests {
    @Test(
        "Killed at any instant, it is finished or undone, and every inode is as it should be", arguments: fileSystems)
    func killed(fileSystem: String) throws {
        for mixture in Mixture.allCases { try killed(fileSystem, mixture) }
    }

    private func killed(_ fileSystem: String, _ mixture: Mixture) throws {
        let scratch = try Scratch(in: fileSystem)
        var random = Randomness(seed: 7)
        let tree = try ShiftTree(scratch, folders: folders ?? 8, random: &random)
        defer { tree.remove() }
        let path = FilePath(tree.path)
        let delta: UInt32 = mixture == .overlapping ? 700 : testOutside
        let map = try IDMap(outside: delta, count: 65_536)
        if mixture == .mixed {
            // Owners that the shift makes, there before it: an inverse map would not tell them from its own.
            for folder in 0..<(folders ?? 8) where folder.isMultiple(of: 3) {
                let partly = FilePath("\(tree.path)/folder\(folder)")
                _ = try OwnershipShift(by: map).run(partly)
            }
        }
        let before = try tree.picture()
        let after = before.mapValues { ShiftTree.shifted($0, by: delta) }
        let startUp = try seconds { try run(["shift", tree.path, "--resume"], killedAfter: nil) }
        let whole = try seconds { try run(["shift", tree.path, "--map", "\(map)"], killedAfter: nil) }
        #expect(ShiftTree.differences(try tree.picture(), after) == [], "\(mixture)")
        try restore(tree, before)
        var caught = 0
        for attempt in 0..<(kills ?? 3) {
            let instant = startUp * 0.7 + (whole - startUp * 0.7) * Double(random.next(upTo: 1000)) / 1000
            try run(["shift", tree.path, "--map", "\(map)"], killedAfter: instant)
            let unfinished = try OwnershipShift.unfinished(at: path)
            let goesBack = attempt.isMultiple(of: 2) && unfinished?.phase != .tidying
            if unfinished != nil {
                caught += 1
                if random.next(upTo: 3) == 0 {
                    try run(["shift", tree.path, goesBack ? "--rollback" : "--resume"], killedAfter: instant)
                }
            }
            // The second one may have come to its end.
            if try OwnershipShift.unfinished(at: path) != nil {
                if goesBack { _ = try OwnershipShift.rollBack(path) } else { _ = try OwnershipShift.resume(path) }
            }
            let found = try tree.picture()
            // Killed before the first mark, or after the last.
            let wanted =
                unfinished == nil ? (found[[]]?.uid == after[[]]?.uid ? after : before) : goesBack ? before : after
            #expect(
                ShiftTree.differences(found, wanted) == [],
                "\(mixture), attempt \(attempt), \(instant) s, \(unfinished.map { "\($0.phase)" } ?? "no mark")")
            if wanted == after { try restore(tree, before) }
        }
        if kills != nil { print("\(fileSystem) \(mixture): \(before.count) names, \(caught) caught in the middle") }
    }

    /// Gives everything what it was, by name.
    private func restore(_ tree: ShiftTree, _ before: [[UInt8]: InodePicture]) throws {
        try tree.restore(before)
        #expect(ShiftTree.differences(try tree.picture(), before) == [])
    }

    /// Runs the tool, and kills it after so many seconds.
    private func run(_ arguments: [String], killedAfter instant: Double?) throws {
        let process = Process()
        process.executableURL = URL(filePath: try #require(tool))
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        if let instant {
            usleep(UInt32(instant * 1e6))
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }
        process.waitUntilExit()
        if instant == nil { #expect(process.terminationStatus == 0) }
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .seconds(1)
    }
}
