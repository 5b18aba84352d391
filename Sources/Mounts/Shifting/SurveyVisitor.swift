// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import Synchronization

/// Looks at a tree before it is shifted, and changes nothing.
final class SurveyVisitor: TreeVisitor {
    /// What is remembered of the tree for the shift itself.
    struct Findings: Sendable {
        var survey = ShiftSurvey()
        /// Inodes whose extended attributes hold ids, or which carry an old record of ours; nil when there are so many
        /// that looking at every inode again is the better way.
        var special: Set<InodeKey>? = []
        /// Directories in which another shift is under way.
        var marked: [String] = []
    }
    private static let mostSpecial = 100_000

    let rules: ShiftRules
    private let mount: UInt64
    private let findings = Mutex(Findings())

    init(_ rules: ShiftRules, mount: UInt64) {
        self.rules = rules
        self.mount = mount
    }

    var emptyTally: Findings { Findings() }
    var result: Findings { findings.withLock { $0 } }
    var names: Int { findings.withLock { $0.survey.names } }

    func absorb(_ tally: inout Findings) {
        guard tally.survey.names > 0 || tally.survey.mounts > 0 else { return }
        findings.withLock { [tally] all in
            all.survey.add(tally.survey)
            all.marked += tally.marked.prefix(max(0, 10 - all.marked.count))
            if let new = tally.special { all.special?.formUnion(new) }
            if let count = all.special?.count, count > Self.mostSpecial { all.special = nil }
        }
        tally = Findings()
    }

    func passMount(_ tally: inout Findings) { tally.survey.mounts += 1 }
    func passVanished(_ tally: inout Findings) {}

    func visit(
        _ entry: DirectoryScan.Entry, _ scan: inout DirectoryScan, in directory: borrowing Descriptor,
        _ tally: inout Findings
    ) throws(KernelError) {
        var status = InodeStatus()
        guard try scan.status(entry, in: directory, &status) else { return }
        guard status.mountID == mount else { return passMount(&tally) }
        var ownership = InodeOwnership(uid: status.uid, gid: status.gid, mode: status.mode)
        if !status.isSymbolicLink {
            let found = try scan.attributes(entry, in: directory, among: InodeOwnership.names)
            if !found.isEmpty, let handle = try scan.open(entry, in: directory) {
                ownership = try InodeOwnership(handle, status, found)
                tally.special?.insert(InodeKey(status))
            }
        }
        let problem = count(ownership, status, &tally)
        if !problem.isEmpty { describe(problem, "\(directory.name)/\(scan.name(entry))", &tally) }
    }

    func visit(_ directory: borrowing InodeHandle, _ tally: inout Findings) throws(KernelError) {
        try visit(directory, isRoot: false, &tally)
    }

    func visit(_ directory: borrowing InodeHandle, isRoot: Bool, _ tally: inout Findings) throws(KernelError) {
        let status = try directory.status()
        let found = try directory.attributes(among: InodeOwnership.names)
        let ownership = try InodeOwnership(directory, status, found)
        if !found.isEmpty { tally.special?.insert(InodeKey(status)) }
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
