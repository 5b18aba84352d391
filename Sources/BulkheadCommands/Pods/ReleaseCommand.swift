// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import NodeModel
internal import ToolOutput

/// `bulkhead release`: gives back what `apply` took.
struct ReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Gives back what `apply` has taken: values of before, controllers, cgroups.",
        discussion: """
            Every value that is still as `apply` left it becomes what it was before; cgroups that `apply` made are removed \
            where no process is in them. What somebody else has written since stays, and is named.
            """)

    @OptionGroup var place: TreePlaceOptions
    @OptionGroup var change: TreeChangeOptions

    @Flag(name: .shortAndLong, help: "Print every write.")
    var verbose = false

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() throws {
        let tree = try change.open(place.layout())
        let release: TreeRelease
        do throws(PodTreeError) {
            release = try tree.release(options: change.treeOptions, dryRun: change.dryRun)
        } catch { throw ToolFailure(error) }
        for edit in release.plan.foreignEdits { Output.complain("warning: \(edit): it stays") }
        for kept in release.kept { Output.complain("warning: \(kept.step) was not possible: \(kept.error)") }
        if json {
            try Output.print([
                "dryRun": .bool(change.dryRun), "steps": release.plan.json,
                "kept": .strings(release.kept.map { "\($0.step.path)" }),
                "foreignEdits": .strings(release.plan.foreignEdits.map { "\($0)" }),
            ])
        } else {
            var lines = change.dryRun || verbose ? release.plan.visibleSteps.map { "\($0)".printable } : []
            lines.append(release.plan.summary)
            try Output.print(lines.joined(separator: "\n"))
        }
    }
}
