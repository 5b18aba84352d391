// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// `bulkhead shift`: rewrites the owners of a tree, where no ID-mapped mount is to be had.
struct ShiftCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shift",
        abstract: "Rewrite the owners of a tree by an ID map; safe to kill at any instant.",
        discussion: """
            The fallback for file systems and kernels without ID-mapped mounts. Owners, ids in access control lists and \
            the root ids of file capabilities that are INSIDE ids of the map become its OUTSIDE ids. Set-id bits and \
            capabilities stay, links are not followed, what is mounted in the tree is left alone and told of. Ids that \
            the map does not know, and immutable inodes, are reported before the first change.

            A mark on DIR says how far a shift is. When it was killed or stopped, --resume finishes it, --rollback gives \
            every inode back what it was. A second run changes nothing. Do not use the tree meanwhile.

            Examples:
              bulkhead shift /srv/db --map 0:100000:65536 --dry-run
              bulkhead shift /srv/db --map 0:100000:65536
              bulkhead shift /srv/db --resume
              bulkhead shift /srv/db --map 100000:0:65536      # back again, after the end
            """)

    @Argument(help: ArgumentHelp("The root of the tree.", valueName: "dir"))
    var directory: String

    @Option(
        help: ArgumentHelp(
            "Which ids become which, repeated or comma separated; for users and groups.", valueName: "inside:outside:n")
    )
    var map: [String] = []

    @Option(help: ArgumentHelp("Which user ids become which; with --gid-map.", valueName: "inside:outside:n"))
    var uidMap: [String] = []

    @Option(help: ArgumentHelp("Which group ids become which; with --uid-map.", valueName: "inside:outside:n"))
    var gidMap: [String] = []

    @Flag(help: "Finish a shift that was killed or stopped.")
    var resume = false

    @Flag(help: "Undo a shift that was killed or stopped: every inode gets back what it was.")
    var rollback = false

    @Flag(help: "Count and estimate; change nothing.")
    var dryRun = false

    @Option(
        help: ArgumentHelp("Ids that the map does not know: 'refuse' all, or 'keep' them.", valueName: "refuse|keep"))
    var unmapped: UnmappedOption = .refuse

    @Option(help: ArgumentHelp("Threads (one a processor, at most 4).", valueName: "n"))
    var jobs: Int?

    @Flag(help: "Say nothing of what is mounted in the tree; it is never entered.")
    var oneFileSystem = false

    @Flag(help: "Print a JSON document.")
    var json = false

    func run() throws {
        let map = try checkedMap()
        guard effectiveUserID == 0 else {
            throw ToolFailure(
                .impossible, "shift has to be run by root: it changes owners, and this is user \(effectiveUserID)")
        }
        BenchSignals.catchAll()
        let path = FilePath(directory)
        let meter = ShiftMeter()
        do throws(ShiftError) {
            if dryRun {
                guard let map else { return }
                let survey = try OwnershipShift(by: map, unmapped: unmapped.policy, jobs: jobs).survey(
                    path, progress: meter.show)
                meter.clear()
                try report(survey, map)
            } else {
                let (outcome, state) = try change(path, map, meter)
                meter.clear()
                try report(outcome, state)
            }
        } catch {
            meter.clear()
            throw ShiftFailure(error, directory: directory).shown(signal: BenchSignals.caught)
        }
    }

    private func checkedMap() throws -> IDMap? {
        guard [resume, rollback, dryRun].count(where: { $0 }) <= 1 else {
            throw ToolFailure(.usage, "of --resume, --rollback and --dry-run only one can be given")
        }
        if let jobs, !(1...64).contains(jobs) { throw ToolFailure(.usage, "--jobs \(jobs): expected 1 to 64") }
        guard map.isEmpty || (uidMap.isEmpty && gidMap.isEmpty) else {
            throw ToolFailure(.usage, "--map is for users and groups; give either it, or --uid-map and --gid-map")
        }
        do {
            if !map.isEmpty { return try IDMap(parsing: map) }
            if !uidMap.isEmpty || !gidMap.isEmpty { return try IDMap(parsingUID: uidMap, gid: gidMap) }
        } catch { throw ToolFailure(.usage, "\(error)") }
        guard resume || rollback else {
            throw ToolFailure(.usage, "which ids become which? --map INSIDE:OUTSIDE:COUNT, as in --map 0:100000:65536")
        }
        return nil
    }

    private func change(
        _ path: FilePath, _ map: IDMap?, _ meter: ShiftMeter
    ) throws(ShiftError) -> (ShiftOutcome?, ShiftReport.State) {
        if resume {
            let outcome = try OwnershipShift.resume(path, map: map, jobs: jobs, progress: meter.show)
            return (outcome, outcome == nil ? .nothing : .resumed)
        }
        if rollback {
            return (try OwnershipShift.rollBack(path, map: map, jobs: jobs, progress: meter.show), .rolledBack)
        }
        guard let map else { return (nil, .nothing) }
        let outcome = try OwnershipShift(by: map, unmapped: unmapped.policy, jobs: jobs).run(path, progress: meter.show)
        return (outcome, outcome.changed == 0 ? .nothing : .shifted)
    }

    // MARK: - Reports

    private func report(_ survey: ShiftSurvey, _ map: IDMap) throws(ShiftError) {
        let text = ShiftReport(path: directory, state: .dryRun, map: map, jobs: jobs, survey: survey)
        try print(text)
        guard survey.problems.isEmpty else { throw .refused(survey) }
    }

    private func report(_ outcome: ShiftOutcome?, _ state: ShiftReport.State) throws(ShiftError) {
        if let mounts = outcome?.mounts, mounts > 0, !oneFileSystem {
            Output.complain("warning: what is mounted at \(mounts) places in \(directory.printable) was left alone")
        }
        if let vanished = outcome?.vanished, vanished > 0 {
            Output.complain(
                "warning: \(vanished) names were removed or replaced by others meanwhile; a second run looks again")
        }
        try print(ShiftReport(path: directory, state: state, map: outcome?.map, jobs: jobs, outcome: outcome))
    }

    private func print(_ report: ShiftReport) throws(ShiftError) {
        do throws(KernelError) {
            if json { try Output.print(report.json) } else { try Output.print(report.text) }
        } catch { throw .kernel(error) }
    }
}

enum UnmappedOption: String, ExpressibleByArgument, CaseIterable {
    case refuse, keep

    var policy: OwnershipShift.UnmappedIDs { self == .keep ? .keep : .refuse }
}
