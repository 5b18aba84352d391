// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel

/// What the first look found of plain inodes, so that the pass which changes them need not ask again: a look at an inode
/// takes a third of the time that its change does.
///
/// It is kept for what one `getdents64` returned, and holds for the same names and inodes in the same order alone. Most
/// files of a directory belong to one owner, so that a few words say it all; where they do not, or in a tree of millions,
/// notes end at ten megabytes or so, and the rest is looked at again.
struct SurveyNotes: Sendable {
    /// What is to be done with some names one after the other.
    struct Run: Hashable, Sendable {
        var way: NameWay
        var count: UInt16 = 1
    }

    /// Some names of a directory.
    struct Place: Hashable, Sendable {
        var directory: InodeKey
        var block: Int
    }

    private struct Block: Sendable {
        var fingerprint: UInt64
        var first: Int
        var count: Int
    }

    /// What makes fingerprints this survey's own.
    let key: UInt64
    private var blocks: [Place: Block] = [:]
    private var runs: [Run] = []
    private static let mostBlocks = 60_000
    private static let mostRuns = 300_000

    init(key: UInt64) { self.key = key }

    /// Keeps what was found of some names.
    mutating func add(_ found: [Run], at place: Place, fingerprint: UInt64) {
        guard blocks.count < Self.mostBlocks, runs.count + found.count <= Self.mostRuns else { return }
        blocks[place] = Block(fingerprint: fingerprint, first: runs.count, count: found.count)
        runs += found
    }

    /// Adds what another thread kept.
    mutating func add(_ other: SurveyNotes) {
        for (place, block) in other.blocks {
            add(Array(other.runs[block.first..<block.first + block.count]), at: place, fingerprint: block.fingerprint)
        }
    }

    /// What is to be done with names that are the very same as before; nil when they are not.
    func runs(at place: Place, fingerprint: UInt64) -> ArraySlice<Run>? {
        guard let block = blocks[place], block.fingerprint == fingerprint else { return nil }
        return runs[block.first..<block.first + block.count]
    }
}

/// What is to be done with a name that is no directory.
enum NameWay: Hashable, Sendable {
    /// One change of owner is all that its inode needs.
    case change(uid: UInt32, gid: UInt32)
    /// Nothing: it has no other name, and is right as it is.
    case nothing
    /// It is to be looked at.
    case look
}

/// The rules for one thread, with the owner it met last: most files belong to the same one. The rules' arrays are this
/// thread's own, for their reference counts would be shared otherwise, and two threads wait for each other at every inode.
struct OwnerGuide: Sendable {
    /// What the map makes of an owner.
    struct Verdict: Sendable {
        var uid: UInt32
        var gid: UInt32
        var shifts: Bool
        /// Whether the map does not know an id, or ids would not tell whether they were shifted.
        var isOrdinary: Bool
    }

    let rules: ShiftRules
    private var lastUID: UInt32 = 0
    private var lastGID: UInt32 = 0
    private var last: Verdict?

    init(_ rules: ShiftRules) { self.rules = rules.copied }

    mutating func verdict(uid: UInt32, gid: UInt32) -> Verdict {
        if let last, lastUID == uid, lastGID == gid { return last }
        let verdict = Verdict(
            uid: rules.uid.moved(uid, .forward), gid: rules.gid.moved(gid, .forward),
            shifts: rules.uid.shifts(uid) || rules.gid.shifts(gid),
            isOrdinary: rules.uid.isOrdinary(uid) && rules.gid.isOrdinary(gid))
        (lastUID, lastGID, last) = (uid, gid, verdict)
        return verdict
    }
}
