// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
internal import ToolOutput
internal import ToolParsing

/// The tool `bulkhead`.
public struct BulkheadCommand: AsyncParsableCommand {
    /// Name, version and subcommands: adding one is adding its line.
    public static let configuration = CommandConfiguration(
        commandName: "bulkhead",
        abstract: "Isolates workloads on Linux: memory protection, ID-mapped mounts, user namespaces.",
        discussion: """
            Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not possible on this host.
            """,
        version: toolVersion,
        subcommands: [
            RunCommand.self,
            ShiftCommand.self,
            BenchCommand.self,
            DoctorCommand.self,
            PlanCommand.self,
            ApplyCommand.self,
            DeleteCommand.self,
            ReleaseCommand.self,
            ExplainCommand.self,
            TreeCommand.self,
            CgroupCommand.self,
            AuthzCommand.self,
            NsCommand.self,
            CapsCommand.self,
            SeccompCommand.self,
            MountCommand.self,
            UmountCommand.self,
            MountsCommand.self,
        ])

    /// Made by the parser.
    public init() {}

    /// Runs the tool with the arguments of the command line (the program's name first); the exit code.
    public nonisolated(nonsending) static func run(_ commandLine: [String]) async -> Int32 {
        await exitCode(of: commandLine)
    }
}
