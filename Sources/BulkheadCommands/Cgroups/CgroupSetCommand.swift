// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// `bulkhead cgroup set`: several values of one cgroup, all or none.
struct CgroupSetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Sets interface files: all of the values or, when one fails, none.",
        discussion: """
            Files of bytes take quantities (memory.max=512Mi). All values are checked before the first is written; when
            one is refused by the kernel, those before it get back what they were.

            Refused without --force: a memory.min or memory.low (or a region's dmem.min or dmem.low) that is more than the
            parent has left or less than the children claim, and a memory.max that is below the present use, which
            kills: cgroup shrink lowers it safely.
            """)

    @Flag(help: "Do it although protection would not hold, or a process may be killed; the reason is printed.")
    var force = false

    @OptionGroup var options: CgroupOptions

    @Argument(help: .init("FILE=VALUE.", valueName: "file=value"), completion: CgroupCompletion.files(forSet: true))
    var values: [String]

    func run() throws {
        let assignments = try values.map(CgroupAssignment.init)
        var seen: Set<String> = []
        if let twice = assignments.first(where: { !seen.insert($0.file + " " + ($0.key ?? "")).inserted }) {
            throw ToolFailure(.usage, "\(twice.file.printable) is given twice")
        }
        let place = try CgroupPlace(options.cgroup)
        for name in Set(assignments.compactMap { CgroupFile(named: $0.file).controller }).sorted() {
            try place.require(name, to: "setting \(name).*")
        }
        let cgroup = try place.open()
        let lock = try lock(place, assignments)
        let before = try assignments.map { try Self.check($0, in: cgroup, place) }
        let findings = try CgroupSetChecks(place: place, assignments: assignments).findings(cgroup)
        if !findings.isEmpty {
            guard force else {
                throw ToolFailure(
                    .failed, findings.joined(separator: "\nbulkhead: ") + "\nbulkhead: nothing was set; --force sets it"
                )
            }
            for finding in findings { Output.complain("forced: \(finding)") }
        }
        try Self.write(Array(zip(assignments, before)), to: cgroup)
        let now = try assignments.map { try cgroup.text(of: CgroupFile(named: $0.file))?.trimmingNewline ?? "" }
        _ = consume lock
        try report(place, assignments, before, now)
    }

    /// What a file holds now. A file that is missing, or that nobody can write, is told before the first write.
    private static func check(
        _ assignment: CgroupAssignment, in cgroup: borrowing Cgroup, _ place: CgroupPlace
    ) throws -> String {
        guard let text = try cgroup.text(of: CgroupFile(named: assignment.file)) else {
            throw ToolFailure(
                .failed,
                "\(place.path.text) has no file \(assignment.file.printable)"
                    + ": \(cgroup.absence(of: assignment.known))")
        }
        guard try cgroup.directory.status(of: assignment.file).mode & 0o222 != 0 else {
            throw ToolFailure(.usage, "\(assignment.file) can only be read")
        }
        return text.trimmingNewline
    }

    /// Writes all; what was written before a failure is taken back, the last first.
    private static func write(
        _ steps: [(assignment: CgroupAssignment, before: String)], to cgroup: borrowing Cgroup
    ) throws {
        for (number, step) in steps.enumerated() {
            do throws(KernelError) {
                try cgroup.write(step.assignment)
            } catch {
                var text = "\(error)".printable
                var kept: [String] = []
                for done in steps[..<number].reversed() {
                    do throws(KernelError) {
                        for line in done.assignment.undo(done.before) { try cgroup.put(line, in: done.assignment.file) }
                    } catch { kept.append("\(done.assignment.file) stays \(done.assignment.text): \(error)".printable) }
                }
                if number > kept.count { text += "\nbulkhead: what was set before it is as it was" }
                throw ToolFailure(.failed, ([text] + kept).joined(separator: "\nbulkhead: "))
            }
        }
    }

    /// Protection and limits are checked against siblings and parent, so others that change them wait.
    private func lock(_ place: CgroupPlace, _ assignments: [CgroupAssignment]) throws -> TreeLock? {
        let isShared = assignments.contains { $0.file == "memory.max" || ControlKnob($0.file).kind == .protection }
        guard isShared else { return nil }
        return try TreeLock.take(place.path, beneath: try place.openRoot(), timeout: .seconds(10))
    }

    private func report(
        _ place: CgroupPlace, _ assignments: [CgroupAssignment], _ before: [String], _ now: [String]
    ) throws {
        if options.json {
            try Output.print([
                "path": .string(place.path.description),
                "files": .array(
                    assignments.indices.map {
                        [
                            "file": .string(assignments[$0].file), "written": .string(assignments[$0].text),
                            "before": .string(before[$0]), "now": .string(now[$0]),
                        ]
                    }),
            ])
            return
        }
        let width = assignments.map(\.file.count).max() ?? 0
        for (number, assignment) in assignments.enumerated() {
            var line = assignment.file.padded(to: width) + "  "
            line += assignment.key == nil ? "\(before[number]) -> \(now[number])" : now[number]
            if let asked = assignment.bytes, ByteCount(kernelText: now[number][...]) != asked {
                line += "  (\(assignment.text) was written; the kernel keeps whole pages)"
            }
            try Output.print(line.replacing("\n", with: "; ").printable)
        }
    }
}
