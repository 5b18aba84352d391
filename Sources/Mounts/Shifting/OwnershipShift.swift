// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
public import SystemPackage

/// A plan to rewrite the owners of a tree by a map: what an ID-mapped mount shows without touching an inode, for file
/// systems and kernels that have none.
///
/// An owner that is one of the map's inside ids becomes its outside id; so do the ids in access control lists and the
/// root ids of file capabilities. Set-id bits and capabilities stay. Links are not followed but shifted themselves, an
/// inode of several names is changed once, and what is mounted in the tree is left alone.
///
/// The shift can be killed at any instant. A mark on the tree's root (`trusted.bulkhead.shift`) is on the disk before the
/// first change; an inode that takes more than one call carries what it was. ``resume(_:map:jobs:progress:)`` goes on,
/// ``rollBack(_:map:jobs:progress:)`` restores what was. The tree should not be in use meanwhile: a program that
/// replaces files while they are shifted gets nothing outside the tree changed, but may leave files in it unshifted, or
/// another file with the owner meant for the one it replaced. What was found of plain files at the look before the first
/// change is relied upon as long as their directory holds the same names and nothing is mounted: set-id bits, lists and
/// capabilities that somebody gives such a file between the look and its change are lost or keep their ids.
public struct OwnershipShift: Hashable, Sendable {
    /// What is done about ids that the map does not know.
    public enum UnmappedIDs: String, Hashable, Sendable, CaseIterable {
        /// Nothing is changed when there is one.
        case refuse
        /// They stay as they are.
        case keep
    }

    /// Inside is the id on disk, outside what it becomes.
    public var map: IDMap
    /// What is done about ids that the map does not know.
    public var unmapped: UnmappedIDs
    /// Threads; nil for one a processor, at most four.
    public var jobs: Int?

    /// Whether all is on the disk before the mark goes (`syncfs`). Without it a shift survives the end of its process as
    /// well, but not that of the machine.
    public var isDurable = true

    /// Whether the tree's root keeps the map, for whoever asks later what the tree was shifted by.
    public enum Trace: Hashable, Sendable {
        /// Where ids that overlap would not tell that the tree was shifted.
        case whereNeeded
        /// In any case (`trusted.bulkhead.shifted`).
        case always
        /// Never, and one that is there goes: the tree is what it was before it was shifted first.
        case never
    }
    /// Whether the tree's root keeps the map.
    public var trace = Trace.whereNeeded

    /// A plan.
    public init(by map: IDMap, unmapped: UnmappedIDs = .refuse, jobs: Int? = nil) {
        self.map = map
        self.unmapped = unmapped
        self.jobs = jobs
    }

    /// Asked about ten times a second; false stops the shift between two inodes.
    public typealias Progress = (ShiftProgress) -> Bool

    /// Looks at a tree and changes nothing: what would be done, what stands in the way.
    public func survey(_ path: FilePath, progress: Progress = { _ in true }) throws(ShiftError) -> ShiftSurvey {
        let run = try ShiftRun(path, map: map, unmapped: unmapped, jobs: jobs)
        if let unfinished = try run.unfinished() { throw .unfinished(unfinished, path.string) }
        return try run.survey(progress).survey
    }

    /// Shifts a tree. A tree that is right already is not written to.
    @discardableResult
    public func run(_ path: FilePath, progress: Progress = { _ in true }) throws(ShiftError) -> ShiftOutcome {
        var run = try ShiftRun(path, map: map, unmapped: unmapped, jobs: jobs)
        run.isDurable = isDurable
        run.trace = trace
        if let unfinished = try run.unfinished() {
            throw unfinished.map == map ? .unfinished(unfinished, path.string) : .otherMap(unfinished, given: map)
        }
        return try run.begin(progress)
    }

    /// Goes on with a shift that did not end. Nil when there is none.
    @discardableResult
    public static func resume(
        _ path: FilePath, map: IDMap? = nil, jobs: Int? = nil, progress: Progress = { _ in true }
    ) throws(ShiftError) -> ShiftOutcome? {
        guard let (found, unfinished) = try interrupted(path, map, jobs) else { return nil }
        var run = found
        switch unfinished.phase {
        case .restoring, .restored: throw .unfinished(unfinished, path.string)
        case .recording, .shifting, .tidying: return try run.goOn(unfinished, progress)
        }
    }

    /// Gives every inode back what it was before a shift that did not end: owner, mode, lists and capabilities.
    @discardableResult
    public static func rollBack(
        _ path: FilePath, map: IDMap? = nil, jobs: Int? = nil, progress: Progress = { _ in true }
    ) throws(ShiftError) -> ShiftOutcome {
        guard let (found, unfinished) = try interrupted(path, map, jobs) else {
            throw .nothingToRollBack(path.string)
        }
        var run = found
        if unfinished.phase == .tidying { throw .unfinished(unfinished, path.string) }
        return try run.goBack(unfinished, progress)
    }

    private static func interrupted(
        _ path: FilePath, _ map: IDMap?, _ jobs: Int?
    ) throws(ShiftError) -> (ShiftRun, UnfinishedShift)? {
        guard let unfinished = try unfinished(at: path) else { return nil }
        if let map, map != unfinished.map { throw .otherMap(unfinished, given: map) }
        let run = try ShiftRun(
            path, map: unfinished.map, unmapped: unfinished.keepsUnmapped ? .keep : .refuse, jobs: jobs)
        // Once more, now that nobody else is at it.
        guard let unfinished = try run.unfinished() else { return nil }
        if let map, map != unfinished.map { throw .otherMap(unfinished, given: map) }
        return (run, unfinished)
    }

    /// The shift of a tree that did not end; nil when there is none.
    public static func unfinished(at path: FilePath) throws(ShiftError) -> UnfinishedShift? {
        do throws(KernelError) {
            return try ShiftMark.read(from: InodeHandle(try Descriptor.open(path, [.directory, .reading])))
        } catch { throw .kernel(error) }
    }

    /// The map that the last shift left on a tree's root; nil when it left none.
    public static func lastMap(at path: FilePath) throws(ShiftError) -> IDMap? {
        do throws(KernelError) {
            return try ShiftMark.lastMap(on: InodeHandle(try Descriptor.open(path, [.directory, .reading])))
        } catch { throw .kernel(error) }
    }

    /// What a shift would cost at most, without a look at the tree: the file system's inodes are counted by the kernel
    /// (`fstatfs`). Nil where it does not count them, as btrfs.
    public static func upperBound(_ path: FilePath) throws(KernelError) -> ShiftCost? {
        try Descriptor.open(path, .path).inodesInUse().map { ShiftCost(inodes: Int(clamping: $0)) }
    }
}

/// What a shift costs, as measured: 4 to 10 µs an inode that the kernel has in memory, 20 to 40 µs one that it has to
/// read first. An ID-mapped mount costs some 10 µs whatever the tree.
public struct ShiftCost: Hashable, Sendable {
    /// How many inodes.
    public var inodes: Int
    /// Seconds on one thread when all is in the kernel's caches.
    public var warmSeconds: Double { Double(inodes) * 7e-6 }
    /// Seconds on one thread when nothing is.
    public var coldSeconds: Double { Double(inodes) * 30e-6 }

    /// The cost of so many inodes.
    public init(inodes: Int) { self.inodes = inodes }
}
