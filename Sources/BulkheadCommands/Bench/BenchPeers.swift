// SPDX-License-Identifier: Apache-2.0

internal import BulkheadRun
internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

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
        // Not found in PATH, but this very tool.
        let hasBubblewrap = programs.contains { $0.method == "bwrap seven+root" && $0.program != nil }
        for (method, arguments) in [("bulkhead --version", ["--version"]), ("bulkhead run", ["run", "--", path])] {
            let reference = arguments.count > 1 && hasBubblewrap ? "bwrap seven+root" : "posix_spawn"
            programs.append(
                (
                    method, try ShortWay.program().map { try BenchProgram($0.string, arguments, called: "bulkhead") },
                    reference
                ))
        }
        let whole = try OwnProgram.path().string
        programs.append(
            (
                "\(ShortWay.wholeTool) --version",
                try BenchProgram(whole, ["--version"], called: ShortWay.wholeTool), "posix_spawn"
            ))
    }

    private mutating func add(_ method: String, _ name: String, _ arguments: [String], _ reference: String) throws {
        programs.append((method, try BenchProgram.find(name, arguments), reference))
    }

    /// Programs that run something for a moment, to be looked at meanwhile.
    static func waiting(_ sleep: String) throws -> [(name: String, program: BenchProgram?)] {
        let command = [sleep, "0.3"]
        return [
            (
                "bulkhead run",
                try ShortWay.program().map { try BenchProgram($0.string, ["run", "--"] + command, called: "bulkhead") }
            ),
            ("bwrap", try BenchProgram.find("bwrap", bubblewrap + command)),
        ]
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
