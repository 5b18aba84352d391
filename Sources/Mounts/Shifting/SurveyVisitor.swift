// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Synchronization

/// Looks at a tree before it is shifted, and changes nothing.
final class SurveyVisitor: TreeVisitor {
    /// What is remembered of the tree for the shift itself.
    struct Findings: Sendable {
        var survey = ShiftSurvey()
        /// What was found of plain inodes.
        var notes: SurveyNotes
        /// Directories in which another shift is under way.
        var marked: [String] = []
        /// A thread's own.
        var guide: OwnerGuide
        var runs: [SurveyNotes.Run] = []
    }

    private let mount: UInt64
    private let findings: Mutex<Findings>

    init(_ rules: ShiftRules, mount: UInt64) {
        self.mount = mount
        findings = Mutex(Findings(notes: SurveyNotes(key: .random(in: 0...UInt64.max)), guide: OwnerGuide(rules)))
    }

    var emptyTally: Findings {
        findings.withLock { Findings(notes: SurveyNotes(key: $0.notes.key), guide: OwnerGuide($0.guide.rules)) }
    }
    var result: Findings { findings.withLock { $0 } }
    var names: Int { findings.withLock { $0.survey.names } }

    func absorb(_ tally: inout Findings) {
        guard tally.survey.names > 0 || tally.survey.mounts > 0 else { return }
        findings.withLock { [tally] all in
            all.survey.add(tally.survey)
            all.marked += tally.marked.prefix(max(0, 10 - all.marked.count))
            all.notes.add(tally.notes)
        }
        tally.survey = ShiftSurvey()
        tally.marked = []
        tally.notes = SurveyNotes(key: tally.notes.key)
    }

    func passMount(_ tally: inout Findings) { tally.survey.mounts += 1 }
    func passVanished(_ tally: inout Findings) {}

    func visitAll(
        _ scan: inout DirectoryScan, in directory: borrowing Descriptor, at place: SurveyNotes.Place,
        _ directories: inout [UInt8], _ tally: inout Findings
    ) throws(KernelError) {
        tally.runs.removeAll(keepingCapacity: true)
        while let entry = try scan.next() {
            if try scan.isDirectory(entry, in: directory) {
                scan.append(entry, to: &directories)
                continue
            }
            let way = try look(entry, &scan, in: directory, &tally)
            if let last = tally.runs.indices.last, tally.runs[last].way == way {
                tally.runs[last].count += 1
            } else {
                tally.runs.append(SurveyNotes.Run(way: way))
            }
        }
        tally.notes.add(tally.runs, at: place, fingerprint: scan.fingerprint(key: tally.notes.key))
    }

    func visit(
        _ entry: DirectoryScan.Entry, _ scan: inout DirectoryScan, in directory: borrowing Descriptor,
        _ tally: inout Findings
    ) throws(KernelError) {
        _ = try look(entry, &scan, in: directory, &tally)
    }

    private func look(
        _ entry: DirectoryScan.Entry, _ scan: inout DirectoryScan, in directory: borrowing Descriptor,
        _ tally: inout Findings
    ) throws(KernelError) -> NameWay {
        var status = InodeStatus()
        guard try scan.status(entry, in: directory, &status) else { return .look }
        guard status.mountID == mount else {
            passMount(&tally)
            return .look
        }
        let found =
            status.isSymbolicLink
            ? [] : try scan.attributes(entry, in: directory, among: InodeOwnership.names)
        let verdict = tally.guide.verdict(uid: status.uid, gid: status.gid)
        if found.isEmpty, verdict.isOrdinary, status.setID == 0, !(verdict.shifts && status.isFixed) {
            tally.survey.names += 1
            if verdict.shifts { tally.survey.toChange += 1 } else { tally.survey.right += 1 }
            if status.links > 1 { return .look }
            return verdict.shifts ? .change(uid: verdict.uid, gid: verdict.gid) : .nothing
        }
        var ownership = InodeOwnership(uid: status.uid, gid: status.gid, mode: status.mode)
        if !found.isEmpty, let handle = try scan.open(entry, in: directory) {
            ownership = try InodeOwnership(handle, status, found)
        }
        let problem = count(ownership, status, &tally)
        if !problem.isEmpty { describe(problem, "\(directory.name)/\(scan.name(entry))", &tally) }
        return .look
    }

    func visit(
        _ directory: borrowing InodeHandle, _ status: InodeStatus, _ tally: inout Findings
    ) throws(KernelError) {
        try visit(directory, status, isRoot: false, &tally)
    }

    func visit(
        _ directory: borrowing InodeHandle, _ status: InodeStatus, isRoot: Bool, _ tally: inout Findings
    ) throws(KernelError) {
        let found = try directory.attributes(among: InodeOwnership.names)
        let ownership = try InodeOwnership(directory, status, found)
        if found.contains(.mark), !isRoot { tally.marked.append(directory.descriptor.name) }
        tally.survey.directories += 1
        let problem = count(ownership, status, &tally)
        if !problem.isEmpty { describe(problem, directory.descriptor.name, &tally) }
    }

    /// What is wrong with an inode.
    private struct Problem {
        var uids: [UInt32] = []
        var gids: [UInt32] = []
        var isFixed = false
        var isEmpty: Bool { uids.isEmpty && gids.isEmpty && !isFixed }
    }

    private func count(_ ownership: InodeOwnership, _ status: InodeStatus, _ tally: inout Findings) -> Problem {
        var problem = Problem()
        let rules = tally.guide.rules
        var shifts = false
        var ambiguous = false
        func look(_ id: UInt32, _ rule: ShiftRule, _ unmapped: inout [UInt32]) {
            switch rule.standing(of: id) {
            case .shifts: shifts = true
            case .right: break
            case .unmapped: unmapped.append(id)
            }
            ambiguous = ambiguous || rule.isAmbiguous(id)
        }
        ownership.forEachID(uid: { look($0, rules.uid, &problem.uids) }, gid: { look($0, rules.gid, &problem.gids) })
        tally.survey.names += 1
        if shifts { tally.survey.toChange += 1 } else { tally.survey.right += 1 }
        if ambiguous { tally.survey.ambiguous += 1 }
        let hasLists = ownership.capability != nil || ownership.access != nil || ownership.inherited != nil
        if status.setID != 0 || hasLists { tally.survey.special += 1 }
        problem.isFixed = shifts && status.isFixed
        return problem
    }

    private func describe(_ problem: Problem, _ path: @autoclosure () -> String, _ tally: inout Findings) {
        if !problem.uids.isEmpty || !problem.gids.isEmpty { tally.survey.unmapped += 1 }
        for id in problem.uids where tally.survey.unmappedUIDs[id] == nil {
            if tally.survey.unmappedUIDs.count < ShiftSurvey.mostUnmapped { tally.survey.unmappedUIDs[id] = path() }
        }
        for id in problem.gids where tally.survey.unmappedGIDs[id] == nil {
            if tally.survey.unmappedGIDs.count < ShiftSurvey.mostUnmapped { tally.survey.unmappedGIDs[id] = path() }
        }
        if problem.isFixed {
            tally.survey.immutable += 1
            if tally.survey.immutablePaths.count < 10 { tally.survey.immutablePaths.append(path()) }
        }
    }
}
