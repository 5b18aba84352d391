// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import ToolOutput

/// `bulkhead explain`: what protection from reclaim a cgroup really has.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract:
            "Tells level by level which memory protection is asked, which is effective, and which ancestor cuts it.",
        discussion: """
            The kernel computes the effective memory.min and memory.low whenever memory is short, from the settings and
            the use of a cgroup, its siblings and its ancestors; no file shows them. CGROUP is a path from the cgroup v2
            root (/kubepods/burstable), an absolute path, pid:NUMBER or self.

            Reclaim starts at the root when the machine is short, and at an ancestor when that reaches its own
            memory.high or memory.max; its children are then the first level, which nothing cuts.
            """)

    @Flag(help: "Print one JSON document.")
    var json = false

    @Option(
        name: .customLong("as-target"),
        help: .init("Explain reclaim that starts at this ancestor instead of the root.", valueName: "ancestor"),
        completion: CgroupCompletion.places)
    var target: String?

    @Argument(help: .init("The cgroup.", valueName: "cgroup"), completion: CgroupCompletion.places)
    var cgroup: String

    func run() throws {
        let place = try CgroupPlace(cgroup)
        try place.require(.memory, to: "memory protection")
        let asked = try target.map { try CgroupPlace($0, host: place.host).path }
        // A cgroup that is missing is named with the nearest that is there.
        _ = try place.open()
        let report = try ExplainReport(
            place.path, try place.openRoot().protection(of: place.path), target: asked,
            recursion: RecursiveProtection.current(), pageSize: .bytes(ProcessCall.pageSize))
        if json {
            try Output.print(report.json)
        } else {
            try Output.print(report.text(Style.forStandardOutput()))
        }
    }
}
