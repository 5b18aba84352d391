// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

/// Starting `true`, from the call to its end.
extension BenchSession {
    borrowing func measureLaunches(_ report: inout BenchReport) throws {
        report.notes["launch"] = [
            "from the call to the end of 'true'; 'launch …' is this library in this process, the others are programs",
            "seven: user, mount, pid, net, ipc, uts and cgroup namespaces; root: the read-only view of the host that "
                + "'run' shows",
        ]
        let group = BenchResult.Group(bench: "launch", fileSystem: nil, files: nil)
        guard let path = BenchProgram.find("true") else {
            throw ToolFailure(.impossible, "no program 'true' in PATH")
        }
        let scratch = try BenchScratch(in: request.folder)
        let place = try BenchCgroupPlace.make()
        var contenders = [try spawn("posix_spawn", BenchProgram(path, [], called: "true"), against: nil)]
        contenders += try ours(path, place)
        for peer in try BenchPeers(true: path, scratch: scratch).programs {
            switch peer.program {
            case .some(let program):
                contenders.append(try spawn(peer.method, program, against: peer.reference))
            case .none:
                report.omissions.append(BenchOmission(group: group, method: peer.method, reason: "not in PATH"))
            }
        }
        if place == nil {
            report.omissions.append(
                BenchOmission(
                    group: group, method: "launch … cgroup", reason: CgroupHost.probe().absence ?? "no cgroup"))
        }
        try compete(contenders, in: group, runs: request.runs, &report)
    }

    private borrowing func spawn(
        _ method: String, _ program: BenchProgram, against reference: String?
    ) throws -> BenchContender {
        var isFirst = true
        return BenchContender(method: method, reference: reference) {
            defer { isFirst = false }
            return try secondsTaken { try isFirst ? program.runTalking() : program.run() }
        }
    }

    private borrowing func ours(_ path: String, _ place: BenchCgroupPlace?) throws -> [BenchContender] {
        let map = try IDMap(outside: 100_000, count: 65_536)
        let null = SharedDescriptor(try Descriptor.open("/dev/null", .readingAndWriting))
        func plan(_ kinds: NamespaceKinds, user: Bool = true, root: RootFileSystem? = nil) -> Launch {
            var launch = Launch(path)
            launch.user = user ? map : nil
            launch.namespaces = kinds
            launch.root = root
            launch.streams = Streams(input: .shared(null), output: .shared(null), error: .shared(null))
            return launch
        }
        let all: NamespaceKinds = [.mount, .pid, .network, .ipc, .uts, .cgroup]
        var full = plan(all, root: try .hostView())
        full.reaper = true
        full.hostName = "bulkhead"
        var plans: [(String, Launch, Bool)] = [
            ("launch", plan([], user: false), false),
            ("launch user", plan([]), false),
            ("launch user,net", plan([.network]), false),
            ("launch seven", plan(all), false),
        ]
        if place != nil {
            plans += [
                ("launch user,net+cgroup", plan([.network]), true),
                ("launch seven+cgroup", plan(all), true),
                ("launch seven+root+cgroup", full, true),
            ]
        }
        return plans.map { method, launch, inCgroup in
            BenchContender(method: method, reference: "posix_spawn") {
                var exit: Exit?
                let taken = try secondsTaken {
                    if inCgroup, let place {
                        exit = try launch.start(in: place.cgroup).wait()
                    } else {
                        exit = try launch.start().wait()
                    }
                }
                guard let exit, exit.status == .exited(0) else {
                    throw ToolFailure(.failed, "true \(exit?.status.description ?? "did not run")")
                }
                return taken
            }
        }
    }
}

/// A cgroup for started processes, removed with the last reference.
final class BenchCgroupPlace {
    private let transient: TransientCgroup
    var cgroup: Cgroup { _read { yield transient.cgroup } }

    private init(_ transient: consuming TransientCgroup) { self.transient = transient }

    /// Nil where this host has no cgroup v2.
    static func make() throws -> BenchCgroupPlace? {
        guard let root = CgroupHost.probe().root else { return nil }
        return BenchCgroupPlace(
            try TransientCgroup(named: "bulkhead-bench-\(processID)", in: try Cgroup.open(root)))
    }
}

/// What else starts a command in namespaces on this host.
struct BenchPeers {
    var programs: [(method: String, program: BenchProgram?, reference: String?)] = []

    /// - Parameter scratch: the folder for the bundle of crun and runc, which live on a root file system of their own.
    init(true path: String, scratch: borrowing BenchScratch) throws {
        let spaces = ["--mount", "--pid", "--fork", "--net", "--ipc", "--uts", "--cgroup"]
        try add("unshare user,net", "unshare", ["--user", "--map-root-user", "--net", path], "posix_spawn")
        try add("unshare seven", "unshare", ["--user", "--map-root-user"] + spaces + [path], "posix_spawn")
        try add("bwrap seven+root", "bwrap", Self.bubblewrap + [path], "posix_spawn")
        try Self.writeBundle(path, scratch)
        let bundle = scratch.path.appending("bundle").string
        // Not the name of our own cgroup: the runtimes make one by this name, and remove it.
        let container = "bulkhead-bench-\(processID)-oci"
        for runtime in ["crun", "runc"] {
            try add(
                "\(runtime) run", runtime, ["run", "--bundle", bundle, container], "posix_spawn")
        }
        // Not found in PATH, but this very program.
        if let own = readLink("/proc/self/exe") {
            let hasBubblewrap = programs.contains { $0.method == "bwrap seven+root" && $0.program != nil }
            programs.append(
                ("bulkhead --version", try BenchProgram(own, ["--version"], called: "bulkhead"), "posix_spawn"))
            programs.append(
                (
                    "bulkhead run", try BenchProgram(own, ["run", "--", path], called: "bulkhead"),
                    hasBubblewrap ? "bwrap seven+root" : "posix_spawn"
                ))
        }
    }

    private mutating func add(_ method: String, _ name: String, _ arguments: [String], _ reference: String) throws {
        programs.append((method, try BenchProgram.find(name, arguments), reference))
    }

    /// The nearest to what `bulkhead run` does: the same namespaces, the host's tree read-only, new kernel file systems,
    /// empty `/tmp`, `/run` and `/root`.
    private static let bubblewrap = [
        "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup",
        "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run",
        "--tmpfs", "/root", "--hostname", "bulkhead", "--die-with-parent", "--",
    ]

    /// An OCI bundle: a root of directories onto which the host's programs are bound.
    private static func writeBundle(_ path: String, _ scratch: borrowing BenchScratch) throws {
        try scratch.directory.makeDirectory("bundle")
        let bundle = try scratch.directory.open("bundle", [.path, .directory])
        try bundle.makeDirectory("rootfs")
        let root = try bundle.open("rootfs", [.path, .directory])
        let host = try Descriptor.open("/", [.path, .directory])
        var mounts: [JSON] = [
            ["destination": "/proc", "type": "proc", "source": "proc"],
            [
                "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
            ],
        ]
        for name in ["proc", "dev", "sys", "tmp"] { try root.makeDirectory(name) }
        for name in ["bin", "lib", "lib64", "sbin", "usr"] where (try? host.status(of: name)) != nil {
            try root.makeDirectory(name)
            mounts.append([
                "destination": .string("/\(name)"), "type": "bind", "source": .string("/\(name)"),
                "options": ["rbind", "ro"],
            ])
        }
        let ids: JSON = [["containerID": 0, "hostID": 100_000, "size": 65_536]]
        let kinds = ["user", "mount", "pid", "network", "ipc", "uts", "cgroup"]
        let config: JSON = [
            "ociVersion": "1.0.2",
            "process": [
                "terminal": false, "user": ["uid": 0, "gid": 0], "args": [.string(path)], "cwd": "/",
                "env": ["PATH=/usr/bin:/bin"], "noNewPrivileges": true,
            ],
            "root": ["path": "rootfs"], "hostname": "bulkhead", "mounts": .array(mounts),
            "linux": [
                "uidMappings": ids, "gidMappings": ids, "namespaces": .array(kinds.map { ["type": .string($0)] }),
            ],
        ]
        let file = try bundle.open("config.json", [.create, .exclusive, .writing], mode: 0o644)
        try file.write(Array(config.description.utf8))
    }
}
