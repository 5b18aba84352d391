// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import ToolOutput

/// `bulkhead cgroup`: looks at one cgroup and handles it.
struct CgroupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cgroup",
        abstract: "Makes, reads, sets, shrinks, freezes, kills and removes one cgroup.",
        discussion: """
            CGROUP is a path from the cgroup v2 root (/kubepods/burstable), an absolute path, pid:NUMBER or self.
            """,
        subcommands: [
            CgroupGetCommand.self, CgroupSetCommand.self, CgroupStatCommand.self, CgroupEventsCommand.self,
            CgroupFreezeCommand.self, CgroupThawCommand.self, CgroupKillCommand.self, CgroupRemoveCommand.self,
            CgroupCreateCommand.self, CgroupMoveCommand.self, CgroupDelegateCommand.self, CgroupShrinkCommand.self,
            CgroupReclaimCommand.self,
        ])
}

/// What every command of one cgroup is told.
struct CgroupOptions: ParsableArguments {
    @Flag(help: "Print one JSON document.")
    var json = false

    @Argument(help: .init("The cgroup.", valueName: "cgroup"), completion: CgroupCompletion.places)
    var cgroup: String

    /// Prints what was done for the reader that was asked for.
    func report(_ document: @autoclosure () -> JSON, _ text: @autoclosure () -> String) throws {
        if json { try Output.print(document()) } else { try Output.print(text()) }
    }
}
