// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel

/// Why a tree was not shifted, or not to the end.
public enum ShiftError: Error, Hashable, Sendable {
    /// A call failed. When owners had been changed, the mark on the root says so and `resume` goes on.
    case kernel(KernelError)
    /// The tree holds what cannot be shifted as asked; nothing was changed.
    case refused(ShiftSurvey)
    /// Another process is at this tree.
    case busy(String)
    /// Somebody uses the tree with the owners of another map.
    case inUse(String, IDMap)
    /// A shift of this tree did not end: it is to be resumed or rolled back first.
    case unfinished(UnfinishedShift, String)
    /// A shift that did not end has another map than the one given.
    case otherMap(UnfinishedShift, given: IDMap)
    /// There is nothing to roll back.
    case nothingToRollBack(String)
    /// A shift of a directory that this one is in, or of one in this one, did not end.
    case unfinishedElsewhere(String)
    /// The directory is the root of all.
    case root
    /// The caller asked to stop. What was done stays done; the mark says how far it is.
    case stopped(ShiftOutcome)
}

extension ShiftError: CustomStringConvertible {
    /// What is in the way, and what to do.
    public var description: String {
        switch self {
        case .kernel(let error): "\(error)"
        case .refused(let survey): "nothing was changed: " + survey.problems.joined(separator: "; ")
        case .busy(let path): "\(path): another process is shifting it, or uses it as it is"
        case .inUse(let path, let map):
            "\(path): it is in use with the owners of \(map); its owners cannot be changed meanwhile"
        case .unfinished(let shift, let path):
            switch shift.phase {
            case .tidying: "\(path): \(shift); resume it, for nothing can be rolled back any more"
            case .restoring, .restored: "\(path): \(shift); the rollback is to be finished first"
            default: "\(path): \(shift); resume it, or roll it back"
            }
        case .otherMap(let shift, let given): "\(shift), which is not the map given, \(given)"
        case .nothingToRollBack(let path):
            "\(path): no shift is under way, so nothing can be rolled back; a finished one is undone by the inverse map"
        case .unfinishedElsewhere(let path): "\(path): a shift of it is under way; finish that first"
        case .root: "the root directory is not shifted"
        case .stopped(let outcome): "stopped after \(outcome.changed) inodes were changed"
        }
    }
}

/// What was found in a tree before anything was changed.
public struct ShiftSurvey: Hashable, Sendable {
    /// Names found; an inode of several names counts for each.
    public internal(set) var names = 0
    /// Of those, directories.
    public internal(set) var directories = 0
    /// Names whose inode is to be changed.
    public internal(set) var toChange = 0
    /// Names whose ids are right already, or not in the map and kept.
    public internal(set) var right = 0
    /// Names of inodes with access control lists, file capabilities or set-id bits.
    public internal(set) var special = 0
    /// Directories and files that something is mounted on, which are not entered.
    public internal(set) var mounts = 0
    /// User ids that the map does not know, each with one of the paths where it was found; at most a hundred.
    public internal(set) var unmappedUIDs: [UInt32: String] = [:]
    /// Group ids, likewise.
    public internal(set) var unmappedGIDs: [UInt32: String] = [:]
    /// How many names have such an id.
    public internal(set) var unmapped = 0
    /// How many inodes are immutable or append-only, so that their owner cannot be changed.
    public internal(set) var immutable = 0
    /// Paths of some of them.
    public internal(set) var immutablePaths: [String] = []
    /// How many inodes would not tell by their ids whether they were shifted.
    var ambiguous = 0
    /// What stands in the way, in words.
    public internal(set) var problems: [String] = []
    /// How long the look at the tree took, in seconds.
    public internal(set) var seconds = 0.0

    /// Nothing found yet.
    init() {}

    /// About how long a shift of the tree takes, the look at it included, all being in the kernel's caches now.
    ///
    /// Measured on four file systems: 1.5 to 3 µs to look at an inode, 5 to 8 µs to change it; a second thread saves some
    /// 40 %, more save little.
    public func estimatedSeconds(jobs: Int) -> Double {
        (Double(names) * 2.5e-6 + ShiftCost(inodes: toChange).warmSeconds) * (jobs > 1 ? 0.6 : 1)
    }

    static let mostUnmapped = 100

    mutating func add(_ other: ShiftSurvey) {
        names += other.names
        directories += other.directories
        toChange += other.toChange
        right += other.right
        special += other.special
        mounts += other.mounts
        unmapped += other.unmapped
        immutable += other.immutable
        ambiguous += other.ambiguous
        for (id, path) in other.unmappedUIDs where unmappedUIDs.count < Self.mostUnmapped { unmappedUIDs[id] = path }
        for (id, path) in other.unmappedGIDs where unmappedGIDs.count < Self.mostUnmapped { unmappedGIDs[id] = path }
        immutablePaths += other.immutablePaths.prefix(max(0, 10 - immutablePaths.count))
    }
}

/// What a shift did.
public struct ShiftOutcome: Hashable, Sendable {
    /// What was found first; nil for a resumed shift, which does not look first.
    public internal(set) var survey: ShiftSurvey?
    var tally = ShiftTally()
    /// Inodes whose owner, list or capabilities were changed.
    public var changed: Int { tally.changed }
    /// Names whose inode was right already, or has ids that are kept.
    public var right: Int { tally.right }
    /// Further names of inodes that were met before.
    public var links: Int { tally.links }
    /// Places that something is mounted on, which were not entered.
    public var mounts: Int { tally.mounts }
    /// Names that others removed or replaced meanwhile.
    public var vanished: Int { tally.vanished }
    /// How long it took, in seconds, the look at the tree included.
    public internal(set) var seconds = 0.0
    /// The map.
    public internal(set) var map: IDMap

    /// Names met so far.
    public var names: Int { changed + right + links }
}

/// What one thread did since it told last.
struct ShiftTally: Hashable, Sendable {
    var changed = 0
    var right = 0
    var links = 0
    var mounts = 0
    var vanished = 0
}

/// How far a shift has come.
public struct ShiftProgress: Hashable, Sendable {
    /// What is being done.
    public enum Phase: String, Hashable, Sendable {
        /// Looking at the tree, changing nothing.
        case surveying
        /// Writing down what inodes were.
        case recording
        /// Changing owners.
        case shifting
        /// Changing owners back.
        case restoring
        /// Bringing all to the disk.
        case synchronizing
        /// Removing what was written down.
        case tidying
    }
    /// What is being done.
    public var phase: Phase
    /// Names met in this phase.
    public var names: Int
    /// Names in the tree, where they were counted.
    public var all: Int?
    /// Seconds since the phase began.
    public var seconds: Double
}
