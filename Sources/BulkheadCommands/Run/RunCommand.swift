// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Launching
internal import LinuxKernel
internal import SystemPackage

/// `bulkhead run`: one command, or a Kubernetes Pod, in namespaces and a cgroup of its own.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a command in its own namespaces and cgroup, then remove every trace.",
        discussion: """
            The command runs as id 0 of its own user namespace, in its own mount, pid, network, ipc, uts and cgroup \
            namespaces, with CAP_NET_ADMIN over its own network only. Its root is a read-only view of this host's \
            file system, or DIR. Its exit code becomes bulkhead's, 128 plus the signal when it was killed; 127 and \
            126 mean that it was not found, or could not be executed.

            ID maps are INSIDE:OUTSIDE:COUNT, as in 0:100000:65536. Sizes are bytes or quantities as 512Mi.

            Examples:
              bulkhead run -- id
              bulkhead run --volume /srv/data:/data --memory-max 256Mi -- /bin/sh
              bulkhead run -f pod.yaml --image nginx=/srv/images/nginx
            """)

    @OptionGroup(title: "Ids")
    var ids: RunIDOptions

    @OptionGroup(title: "Files")
    var files: RunFileOptions

    @OptionGroup(title: "Rights")
    var rights: RunRightsOptions

    @OptionGroup(title: "Cgroup")
    var cgroup: RunCgroupOptions

    @Option(name: .customShort("f"), help: ArgumentHelp("Run the Pods of a Kubernetes manifest.", valueName: "file"))
    var manifests: [String] = []

    @Option(name: .customLong("image"), help: ArgumentHelp("The directory of an image.", valueName: "name=dir"))
    var images: [String] = []

    @Option(help: ArgumentHelp("'own' for a network of its own, 'host' for this host's.", valueName: "own|host"))
    var net: RunNetwork = .own

    @Option(help: "The host name inside.")
    var hostname: String = "bulkhead"

    @Option(
        name: .customLong("env"),
        help: ArgumentHelp("A variable; NAME alone takes it from here.", valueName: "name[=value]"))
    var environment: [String] = []

    @Option(help: "The working directory inside.")
    var workdir: String = "/"

    @Option(help: ArgumentHelp("Whether to give the command a terminal.", valueName: "auto|always|never"))
    var tty: RunTerminalChoice = .auto

    @Flag(help: "Go on without what this host cannot give: a limit, a cgroup.")
    var bestEffort = false

    @Option(help: ArgumentHelp("Write what runs, and how it ended, to a file as JSON.", valueName: "file"))
    var jsonStatus: String?

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments.")
    var command: [String] = []

    func validate() throws {
        // The parser hands over everything from the first word that is no option of ours, such a word included.
        if let word = command.first, word.hasPrefix("-"), word != "--" {
            if word == "--help" || word == "-h" { throw CleanExit.helpRequest(Self.self) }
            throw ValidationError("unknown option '\(word)'")
        }
        guard !command.isEmpty && command != ["--"] || !manifests.isEmpty else {
            throw ValidationError("no command was given; as in: bulkhead run -- id")
        }
        guard manifests.isEmpty || command.isEmpty else {
            throw ValidationError("-f runs the containers' own commands: leave out '\(command.joined(separator: " "))'")
        }
    }

    func run() throws {
        let code: Int32
        do {
            code = try manifests.isEmpty ? RunSession(RunRequest(self)).run() : RunPods(self).run()
        } catch let error as LaunchError {
            Output.complain("\(error)")
            throw ExitCode(error.exitCode)
        }
        if code != 0 { throw ExitCode(code) }
    }
}

enum RunNetwork: String, ExpressibleByArgument, CaseIterable {
    case own, host
}

enum RunTerminalChoice: String, ExpressibleByArgument, CaseIterable {
    case auto, always, never
}

struct RunIDOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Map uids and gids alike.", valueName: "inside:outside:count"))
    var map: [String] = []

    @Option(help: ArgumentHelp("Map uids.", valueName: "inside:outside:count"))
    var uidMap: [String] = []

    @Option(help: ArgumentHelp("Map gids.", valueName: "inside:outside:count"))
    var gidMap: [String] = []

    @Flag(help: "Map 65,536 ids that no other run holds (the default for root).")
    var autoMap = false

    @Option(help: ArgumentHelp("Who the command runs as, inside.", valueName: "user[:group]"))
    var user: String?

    func validate() throws {
        guard uidMap.isEmpty == gidMap.isEmpty else {
            throw ValidationError("--uid-map and --gid-map go together")
        }
        let ways = [!map.isEmpty, !uidMap.isEmpty, autoMap].filter { $0 }.count
        guard ways <= 1 else { throw ValidationError("give one of --map, --uid-map with --gid-map, and --auto-map") }
    }
}

struct RunFileOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A directory as root (missing mount points are made in it); without, a read-only view of this host's.",
            valueName: "dir"))
    var rootfs: String?

    @Option(
        name: .customLong("volume"),
        help: ArgumentHelp("A file or directory of this host inside.", valueName: "src:dst[:ro][:idmap|:plain]"))
    var volumes: [String] = []
}

struct RunRightsOptions: ParsableArguments {
    @Option(
        name: .customLong("cap-add"),
        help: ArgumentHelp(
            "Add a capability, or ALL. With SYS_ADMIN the command can change the mounts it sees.", valueName: "cap"))
    var added: [String] = []

    @Option(name: .customLong("cap-drop"), help: ArgumentHelp("Drop a capability, or ALL.", valueName: "cap"))
    var dropped: [String] = []

    @Option(help: ArgumentHelp("A seccomp profile in the OCI form, or 'unconfined'.", valueName: "file"))
    var seccomp: String?
}

struct RunCgroupOptions: ParsableArguments {
    @Option(name: .customLong("cgroup"), help: ArgumentHelp("The cgroup, beneath the v2 root.", valueName: "name"))
    var name: String?

    @Option(help: ArgumentHelp("Memory never reclaimed.", valueName: "size"))
    var memoryMin: String?

    @Option(help: ArgumentHelp("Memory reclaimed last.", valueName: "size"))
    var memoryLow: String?

    @Option(help: ArgumentHelp("Memory above which the command is slowed.", valueName: "size"))
    var memoryHigh: String?

    @Option(help: ArgumentHelp("Memory above which it is killed.", valueName: "size"))
    var memoryMax: String?

    @Option(help: ArgumentHelp("Processes and threads.", valueName: "count"))
    var pidsMax: String?

    @Option(help: ArgumentHelp("Processors, as in 1.5.", valueName: "count"))
    var cpus: String?
}

extension LaunchError {
    /// As a shell has it: 127 for a command that is not there, 126 for one that cannot be executed; 3 for what this host
    /// cannot do, 1 for the rest.
    var exitCode: Int32 {
        switch (step, failure.errno) {
        case (.execute, .noSuchFileOrDirectory): 127
        case (.execute, _): 126
        case (_, .noFunction), (.prepare, .invalidArgument), (.prepare, .notPermitted), (.clone, .notPermitted),
            (.clone, .noSpace), (.maps, .notPermitted):
            ToolExit.impossible.rawValue
        default: ToolExit.failed.rawValue
        }
    }
}
