// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// `bulkhead doctor`: what this host can do, and why not.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Tells what this host can do for isolation, and the cause of every no.",
        discussion: """
            Every answer comes from trying. Nothing is mounted, no process and no cgroup is left behind.
            FEATURE is the name of a feature in the report, userns, cgroup2, cgroup:CONTROLLER or idmap:PATH.
            """)

    @Flag(help: "Print one JSON document.")
    var json = false

    @Option(
        name: .customLong("require"), parsing: .singleValue,
        help: .init("Exit with code 3 when FEATURE is missing.", valueName: "feature"))
    var requirements: [DoctorRequirement] = []

    @Argument(
        help: .init(
            "Also tell which file system is at PATH, and whether a mount of it takes an ID map.", valueName: "path"),
        completion: .file())
    var paths: [String] = []

    func run() throws {
        var asked = paths
        for case .idmap(let path) in requirements where !asked.contains(path) { asked.append(path) }
        let report = DoctorReport(paths: asked)
        if json {
            try Output.print(report.json)
        } else {
            try Output.print(report.text(Style.forStandardOutput()))
        }
        let missing = requirements.compactMap { requirement in
            report.absence(of: requirement).map { "\(requirement) is required and missing: \($0)" }
        }
        if !missing.isEmpty {
            throw ToolFailure(.impossible, missing.joined(separator: "\nbulkhead: "))
        }
        let unreadable = report.paths.compactMap { $0.error?.description.printable }
        if !unreadable.isEmpty { throw ToolFailure(.failed, unreadable.joined(separator: "\nbulkhead: ")) }
    }
}

/// What `--require` asks for.
enum DoctorRequirement: Hashable, Sendable, CustomStringConvertible, ExpressibleByArgument {
    /// A feature by its name.
    case feature(String)
    /// `userns`.
    case userNamespaces
    /// `cgroup2`: a mounted cgroup v2.
    case unifiedTree
    /// `cgroup:memory`.
    case controller(String)
    /// `idmap:/srv`.
    case idmap(String)

    init?(argument: String) {
        if argument == "userns" {
            self = .userNamespaces
        } else if argument == "cgroup2" {
            self = .unifiedTree
        } else if argument.hasPrefix("idmap:"), argument.utf8.count > 6 {
            self = .idmap(String(argument.dropFirst(6)))
        } else if argument.hasPrefix("cgroup:"), CgroupHost.knownControllers.contains(String(argument.dropFirst(7))) {
            self = .controller(String(argument.dropFirst(7)))
        } else if KernelFeatures.names.contains(argument) {
            self = .feature(argument)
        } else {
            return nil
        }
    }

    /// Named in the message for a feature that does not exist, and offered by shell completion.
    static var allValueStrings: [String] {
        ["userns", "cgroup2"] + CgroupHost.knownControllers.map { "cgroup:\($0)" } + ["idmap:PATH"]
            + KernelFeatures.names
    }

    static var defaultCompletionKind: CompletionKind { .list(allValueStrings.filter { $0 != "idmap:PATH" }) }

    var description: String {
        switch self {
        case .feature(let name): name
        case .userNamespaces: "userns"
        case .unifiedTree: "cgroup2"
        case .controller(let name): "cgroup:\(name)"
        case .idmap(let path): "idmap:\(path)"
        }
    }
}
