// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

/// One process at one tree: holds the lock on its root.
struct ShiftRun {
    private let path: FilePath
    private let map: IDMap
    private let rules: ShiftRules
    private let unmapped: OwnershipShift.UnmappedIDs
    private let jobs: Int
    private let root: HeldDirectory
    private let lock: ShiftLock
    private let mount: UInt64
    private let start = ContinuousClock.now
    var isDurable = true
    var trace = OwnershipShift.Trace.whereNeeded
    private var outcome: ShiftOutcome

    init(
        _ path: FilePath, map: IDMap, unmapped: OwnershipShift.UnmappedIDs, jobs: Int?
    ) throws(ShiftError) {
        self.path = path
        self.map = map
        self.unmapped = unmapped
        rules = ShiftRules(map)
        self.jobs = jobs ?? Self.defaultJobs
        outcome = ShiftOutcome(map: map)
        do throws(KernelError) {
            root = HeldDirectory(try Descriptor.open(path, [.directory, .reading]))
            mount = try root.handle.status().mountID
            lock = try ShiftLock(root)
        } catch { throw ShiftStop.error(error, path) }
        try claim()
    }

    /// One thread a processor that this one may run on, at most four: more gained nothing where it was measured.
    static var defaultJobs: Int {
        let status = (try? readKernelFile("/proc/self/status")) ?? ""
        let list = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
        let processors = (list?.split(separator: "\t").last ?? "0").split(separator: ",").map { range in
            let ends = range.split(separator: "-").compactMap { Int($0) }
            return (ends.last ?? 0) - (ends.first ?? 0) + 1
        }.reduce(0, +)
        return max(1, min(4, processors))
    }

    /// Nobody above who is half done: what he has written down would not hold any more.
    private func claim() throws(ShiftError) {
        do throws(KernelError) {
            var place = HeldDirectory(try root.handle.descriptor.duplicate())
            var isTop = true
            while true {
                let parent: HeldDirectory
                do throws(KernelError) {
                    parent = HeldDirectory(try place.handle.descriptor.enterParent())
                } catch {
                    // EXDEV: the top of this mount. A shift of what is above does not enter it.
                    if error.errno == .improperLink { return }
                    throw error
                }
                if try InodeKey(parent.handle.status()) == InodeKey(place.handle.status()) {
                    if isTop { throw ShiftStop.root }
                    return
                }
                if try parent.handle.attribute(ShiftMark.attribute) != nil {
                    throw ShiftStop.above(parent.handle.descriptor.name)
                }
                place = parent
                isTop = false
            }
        } catch { throw ShiftStop.error(error, path) }
    }

    /// The mark on the root.
    func unfinished() throws(ShiftError) -> UnfinishedShift? {
        do throws(KernelError) { return try ShiftMark.read(from: root.handle) } catch { throw .kernel(error) }
    }

    // MARK: - Looking

    /// Looks at everything; refusals are among the survey's problems.
    func survey(_ progress: OwnershipShift.Progress) throws(ShiftError) -> SurveyVisitor.Findings {
        let visitor = SurveyVisitor(rules, mount: mount)
        var findings: SurveyVisitor.Findings
        do throws(KernelError) {
            var tally = visitor.emptyTally
            try visitor.visit(root.handle, try root.handle.status(), isRoot: true, &tally)
            visitor.absorb(&tally)
            let (root, jobs) = (root, jobs)
            let began = ContinuousClock.now
            let isWhole = try TreeWalk.through(root, visitor, jobs: jobs) {
                progress(
                    ShiftProgress(phase: .surveying, names: visitor.names, all: nil, seconds: seconds(since: began)))
            }
            findings = visitor.result
            guard isWhole else { throw ShiftStop.stopped }
        } catch { throw stopped(error) }
        findings.survey.seconds = seconds(since: start)
        findings.survey.problems = problems(findings)
        return findings
    }

    private func problems(_ findings: SurveyVisitor.Findings) -> [String] {
        let survey = findings.survey
        var problems: [String] = []
        if survey.unmapped > 0, unmapped == .refuse {
            func some(_ ids: [UInt32: String], _ kind: String) -> [String] {
                ids.sorted { $0.key < $1.key }.prefix(5).map { "\(kind) \($0.key) (\($0.value.debugDescription))" }
            }
            let ids = some(survey.unmappedUIDs, "user") + some(survey.unmappedGIDs, "group")
            problems.append("\(survey.unmapped) names have ids that are not in the map: " + ids.joined(separator: ", "))
        }
        if survey.immutable > 0 {
            let paths = survey.immutablePaths.prefix(3).map(\.debugDescription).joined(separator: ", ")
            problems.append("\(survey.immutable) inodes are immutable or append-only: \(paths)")
        }
        for path in findings.marked.prefix(3) { problems.append("a shift of \(path) is under way") }
        return problems
    }

    // MARK: - Shifting

    /// A shift from its beginning.
    mutating func begin(_ progress: OwnershipShift.Progress) throws(ShiftError) -> ShiftOutcome {
        // Watched from before the look; without it the look is not relied upon.
        let mounts = try? MountChanges()
        let findings = try survey(progress)
        let survey = findings.survey
        outcome.survey = survey
        guard survey.problems.isEmpty else { throw .refused(survey) }
        return try toTheEnd { run throws(KernelError) in
            let wasShifted = try run.wasShifted()
            if survey.toChange == 0 || wasShifted {
                try run.leaveTrace(run.leavesMap ? run.map : nil)
                run.outcome.tally.right = survey.names
                run.outcome.tally.mounts = survey.mounts
                return
            }
            // The records of the few are cheaper than those of the many.
            let books: ShiftBooks =
                survey.ambiguous == 0 ? .ids : survey.ambiguous <= survey.toChange ? .ambiguous : .changed
            var shift = UnfinishedShift(
                phase: books == .ambiguous ? .recording : .shifting, map: run.map,
                keepsUnmapped: run.unmapped == .keep, books: books, leavesMap: run.leavesMap)
            try ShiftMark.write(shift, to: run.root.handle, isDurable: run.isDurable)
            if books == .ambiguous { try run.record(&shift, progress) }
            try run.change(shift, .forward, isFirst: true, findings.notes, mounts, progress)
            try run.close(&shift, .tidying, progress)
        }
    }

    /// A shift from where it stopped.
    mutating func goOn(
        _ unfinished: UnfinishedShift, _ progress: OwnershipShift.Progress
    ) throws(ShiftError) -> ShiftOutcome {
        try toTheEnd { run throws(KernelError) in
            var shift = unfinished
            if shift.phase == .recording { try run.record(&shift, progress) }
            if shift.phase == .shifting { try run.change(shift, .forward, isFirst: false, nil, nil, progress) }
            try run.close(&shift, .tidying, progress)
        }
    }

    /// The way back.
    mutating func goBack(
        _ unfinished: UnfinishedShift, _ progress: OwnershipShift.Progress
    ) throws(ShiftError) -> ShiftOutcome {
        try toTheEnd { run throws(KernelError) in
            var shift = unfinished
            if shift.phase == .shifting {
                shift.phase = .restoring
                try ShiftMark.write(shift, to: run.root.handle, isDurable: run.isDurable)
            }
            if shift.phase == .restoring { try run.change(shift, .backward, isFirst: false, nil, nil, progress) }
            try run.close(&shift, .restored, progress)
        }
    }

    private mutating func toTheEnd(
        _ body: (inout ShiftRun) throws(KernelError) -> Void
    ) throws(ShiftError) -> ShiftOutcome {
        do throws(KernelError) { try body(&self) } catch { throw stopped(error) }
        outcome.seconds = seconds(since: start)
        return outcome
    }

    /// Whether the whole tree was shifted by this map before, where its ids do not tell.
    private func wasShifted() throws(KernelError) -> Bool {
        guard rules.overlap else { return false }
        return try ShiftMark.lastMap(on: root.handle) == map
    }

    private var leavesMap: Bool {
        switch trace {
        case .whereNeeded: rules.overlap
        case .always: true
        case .never: false
        }
    }

    /// Leaves the map on a tree that had not to be changed.
    private func leaveTrace(_ map: IDMap?) throws(KernelError) {
        guard trace != .whereNeeded, try ShiftMark.lastMap(on: root.handle) != map else { return }
        try ShiftMark.leave(map, on: root.handle)
        if isDurable { try root.handle.descriptor.synchronize() }
    }

    /// Writes down what ambiguous inodes are, all on the disk before the first change.
    private func record(
        _ shift: inout UnfinishedShift, _ progress: OwnershipShift.Progress
    ) throws(KernelError) {
        try note(.record, .recording, progress)
        if isDurable { try root.handle.descriptor.synchronizeFileSystem() }
        shift.phase = .shifting
        try ShiftMark.write(shift, to: root.handle, isDurable: isDurable)
    }

    private func note(
        _ task: RecordVisitor.Task, _ phase: ShiftProgress.Phase, _ progress: OwnershipShift.Progress
    ) throws(KernelError) {
        let visitor = RecordVisitor(task, rules, mount: mount)
        let began = ContinuousClock.now
        let all = outcome.survey?.names
        let isWhole = try TreeWalk.through(root, visitor, jobs: jobs) {
            progress(ShiftProgress(phase: phase, names: visitor.names, all: all, seconds: seconds(since: began)))
        }
        guard isWhole else { throw ShiftStop.stopped }
        var tally = 0
        try visitor.visit(root.handle, try root.handle.status(), &tally)
    }

    private mutating func change(
        _ shift: UnfinishedShift, _ direction: ShiftDirection, isFirst: Bool, _ notes: SurveyNotes?,
        _ mounts: MountChanges?, _ progress: OwnershipShift.Progress
    ) throws(KernelError) {
        let visitor = ChangeVisitor(
            rules, direction, shift.books, isFirst: isFirst, notes: notes, mounts: mounts, mount: mount)
        let began = ContinuousClock.now
        let all = outcome.survey?.names
        let phase: ShiftProgress.Phase = direction == .forward ? .shifting : .restoring
        defer { outcome.tally.add(visitor.total) }
        let isWhole = try TreeWalk.through(root, visitor, jobs: jobs) {
            let total = visitor.total
            return progress(
                ShiftProgress(
                    phase: phase, names: total.changed + total.right + total.links, all: all,
                    seconds: seconds(since: began)))
        }
        guard isWhole else { throw ShiftStop.stopped }
        // The root last: as long as it has its old owner, the tree is not the new owner's.
        var tally = visitor.emptyTally
        try visitor.visit(root.handle, try root.handle.status(), &tally)
        visitor.absorb(&tally)
        // All changes are on the disk before the mark goes.
        guard isDurable else { return }
        _ = progress(ShiftProgress(phase: .synchronizing, names: 0, all: nil, seconds: 0))
        try root.handle.descriptor.synchronizeFileSystem()
    }

    /// Removes the records, then the mark.
    private mutating func close(
        _ shift: inout UnfinishedShift, _ phase: UnfinishedShift.Phase, _ progress: OwnershipShift.Progress
    ) throws(KernelError) {
        if shift.books != .ids || shift.phase == .recording {
            shift.phase = phase
            try ShiftMark.write(shift, to: root.handle, isDurable: isDurable)
            try note(.tidy, .tidying, progress)
        }
        if phase == .tidying { try ShiftMark.leave(shift.leavesMap ? map : nil, on: root.handle) }
        try root.handle.removeAttribute(ShiftMark.attribute)
        if isDurable { try root.handle.descriptor.synchronize() }
    }

    private func stopped(_ error: KernelError) -> ShiftError {
        var outcome = outcome
        outcome.seconds = seconds(since: start)
        return error == ShiftStop.stopped ? .stopped(outcome) : ShiftStop.error(error, path)
    }
}

/// The lock on the root of a tree, given back aloud: a process that another thread of the caller was just making holds the
/// descriptor too, and with it the lock, until it executes.
private final class ShiftLock: Sendable {
    private let root: HeldDirectory

    init(_ root: HeldDirectory) throws(KernelError) {
        self.root = root
        guard try root.handle.descriptor.lockDirectory() else { throw ShiftStop.busy }
    }

    deinit { try? root.handle.descriptor.unlockDirectory() }
}

/// Ends that are no failures of a call, in the clothes of one: a function throws one type.
enum ShiftStop {
    static let stopped = KernelError("shift", "stopped", errno: .canceled)
    static let busy = KernelError("shift", "busy", errno: .resourceBusy)
    static let root = KernelError("shift", "root", errno: .permissionDenied)
    static func above(_ path: String) -> KernelError { KernelError("shift above", path, errno: .resourceBusy) }

    static func error(_ error: KernelError, _ path: FilePath) -> ShiftError {
        switch error {
        case busy: .busy(path.string)
        case root: .root
        case _ where error.call == "shift above": .unfinishedElsewhere(error.subject)
        default: .kernel(error)
        }
    }
}

private func seconds(since start: ContinuousClock.Instant) -> Double {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Double(seconds) + Double(attoseconds) / 1e18
}
