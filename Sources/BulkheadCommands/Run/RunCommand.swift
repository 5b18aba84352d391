// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BulkheadRun
internal import PodLaunching
internal import ToolOutput

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

    @Option(name: .of(.image), help: ArgumentHelp("The directory of an image.", valueName: "name=dir"))
    var images: [String] = []

    @Option(
        name: .of(.net),
        help: ArgumentHelp("'own' for a network of its own, 'host' for this host's.", valueName: "own|host"))
    var net: RunNetwork = .own

    @Option(name: .of(.hostname), help: "The host name inside.")
    var hostname: String = "bulkhead"

    @Option(
        name: .of(.env),
        help: ArgumentHelp("A variable; NAME alone takes it from here.", valueName: "name[=value]"))
    var environment: [String] = []

    @Option(name: .of(.workdir), help: "The working directory inside.")
    var workdir: String = "/"

    @Option(
        name: .of(.tty), help: ArgumentHelp("Whether to give the command a terminal.", valueName: "auto|always|never"))
    var tty: RunTerminalChoice = .auto

    @Flag(name: .of(.bestEffort), help: "Go on without what this host cannot give: a limit, a cgroup.")
    var bestEffort = false

    @Option(
        name: .of(.jsonStatus),
        help: ArgumentHelp("Write what runs, and how it ended, to a file as JSON.", valueName: "file"))
    var jsonStatus: String?

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments.")
    var command: [String] = []

    /// The same in the form that what runs it takes.
    var options: RunOptions {
        var options = RunOptions()
        ids.fill(&options)
        files.fill(&options)
        rights.fill(&options)
        cgroup.fill(&options)
        options.manifests = manifests
        options.images = images
        options.net = net
        options.hostname = hostname
        options.environment = environment
        options.workdir = workdir
        options.tty = tty
        options.bestEffort = bestEffort
        options.jsonStatus = jsonStatus
        options.command = command
        return options
    }

    func validate() throws {
        if ["--help", "-h"].contains(command.first) { throw CleanExit.helpRequest(Self.self) }
        if let problem = options.commandProblem { throw ValidationError(problem) }
    }

    func run() throws {
        let options = self.options
        let code = try reportingLaunches {
            if manifests.isEmpty { return try RunSession(RunRequest(options), shifting: ShiftedVolumes()).run() }
            do { return try RunPods(options).run() } catch let error as PodLaunchError { throw ToolFailure(error) }
        }
        if code != 0 { throw ExitCode(code) }
    }
}

extension NameSpecification {
    /// The name of an option of `run`.
    fileprivate static func of(_ option: RunOption) -> NameSpecification { .customLong(option.rawValue) }
}

extension RunNetwork: ExpressibleByArgument {}
extension VolumeOwners: ExpressibleByArgument {}
extension RunTerminalChoice: ExpressibleByArgument {}

struct RunIDOptions: ParsableArguments {
    @Option(name: .of(.map), help: ArgumentHelp("Map uids and gids alike.", valueName: "inside:outside:count"))
    var map: [String] = []

    @Option(name: .of(.uidMap), help: ArgumentHelp("Map uids.", valueName: "inside:outside:count"))
    var uidMap: [String] = []

    @Option(name: .of(.gidMap), help: ArgumentHelp("Map gids.", valueName: "inside:outside:count"))
    var gidMap: [String] = []

    @Flag(name: .of(.autoMap), help: "Map 65,536 ids that no other run holds (the default for root).")
    var autoMap = false

    @Option(name: .of(.user), help: ArgumentHelp("Who the command runs as, inside.", valueName: "user[:group]"))
    var user: String?

    func fill(_ options: inout RunOptions) {
        options.map = map
        options.uidMap = uidMap
        options.gidMap = gidMap
        options.autoMap = autoMap
        options.user = user
    }

    func validate() throws {
        var options = RunOptions()
        fill(&options)
        if let problem = options.idProblem { throw ValidationError(problem) }
    }
}

struct RunFileOptions: ParsableArguments {
    @Option(
        name: .of(.rootfs),
        help: ArgumentHelp(
            "A directory as root (missing mount points are made in it); without, a read-only view of this host's.",
            valueName: "dir"))
    var rootfs: String?

    @Option(
        name: .of(.volume),
        help: ArgumentHelp(
            "A file or directory of this host inside, with ro, and how owners become those inside.",
            valueName: "src:dst[:ro][:how]"))
    var volumes: [String] = []

    @Option(
        name: .of(.volumeOwners),
        help: ArgumentHelp(
            "How owners on disk become those inside, for volumes that do not say: 'idmap' by an ID-mapped mount, 'shift' "
                + "by rewriting them, 'prefer-idmap' by what is possible, 'plain' not at all.",
            valueName: "how"))
    var volumeOwners: VolumeOwners = .idmap

    func fill(_ options: inout RunOptions) {
        options.rootfs = rootfs
        options.volumes = volumes
        options.volumeOwners = volumeOwners
    }
}

struct RunRightsOptions: ParsableArguments {
    @Option(
        name: .of(.capAdd),
        help: ArgumentHelp(
            "Add a capability, or ALL. With SYS_ADMIN the command can change the mounts it sees.", valueName: "cap"))
    var added: [String] = []

    @Option(name: .of(.capDrop), help: ArgumentHelp("Drop a capability, or ALL.", valueName: "cap"))
    var dropped: [String] = []

    @Option(
        name: .of(.seccomp),
        help: ArgumentHelp("A seccomp profile in the OCI form, or 'unconfined'.", valueName: "file"))
    var seccomp: String?

    func fill(_ options: inout RunOptions) {
        options.addedCapabilities = added
        options.droppedCapabilities = dropped
        options.seccomp = seccomp
    }
}

struct RunCgroupOptions: ParsableArguments {
    @Option(name: .of(.cgroup), help: ArgumentHelp("The cgroup, beneath the v2 root.", valueName: "name"))
    var name: String?

    @Option(name: .of(.memoryMin), help: ArgumentHelp("Memory never reclaimed.", valueName: "size"))
    var memoryMin: String?

    @Option(name: .of(.memoryLow), help: ArgumentHelp("Memory reclaimed last.", valueName: "size"))
    var memoryLow: String?

    @Option(
        name: .of(.memoryHigh), help: ArgumentHelp("Memory above which the command is slowed.", valueName: "size"))
    var memoryHigh: String?

    @Option(name: .of(.memoryMax), help: ArgumentHelp("Memory above which it is killed.", valueName: "size"))
    var memoryMax: String?

    @Option(name: .of(.pidsMax), help: ArgumentHelp("Processes and threads.", valueName: "count"))
    var pidsMax: String?

    @Option(name: .of(.cpus), help: ArgumentHelp("Processors, as in 1.5.", valueName: "count"))
    var cpus: String?

    func fill(_ options: inout RunOptions) {
        options.cgroup = name
        options.memoryMin = memoryMin
        options.memoryLow = memoryLow
        options.memoryHigh = memoryHigh
        options.memoryMax = memoryMax
        options.pidsMax = pidsMax
        options.cpus = cpus
    }
}
