// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import TestSupport
internal import Testing

/// A program as it was built: what a variable names, or what lies beside the test bundle.
func builtProgram(_ name: String, namedBy variable: String) -> String? {
    if let named = ProcessInfo.processInfo.environment[variable] { return named }
    let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: name).path
    return FileManager.default.isExecutableFile(atPath: beside) ? beside : nil
}

let tool = builtProgram("bulkhead", namedBy: "BULKHEAD_TOOL")
let toolIsThere = Requirement(
    "tool", absence: tool == nil ? "bulkhead is not beside the tests; BULKHEAD_TOOL names it" : nil)

/// Runs a shell script in which `$B` is the tool.
func shell(_ script: String) throws -> Finished {
    var launch = Launch.script(script)
    launch.noNewPrivileges = false
    launch.environment = ProcessInfo.processInfo.environment
    launch.environment["B"] = tool
    return try finish(launch)
}

@Suite("bulkhead run", .serialized)
struct RunToolTests {
    @Test("It runs a command as root of a map of its own", .needs(.root), .needs(toolIsThere))
    func identity() throws {
        let found = try shell("$B run -- sh -c 'id -u; cat /proc/self/uid_map; hostname; echo $$'")
        #expect(found.exit.status == .exited(0), "\(found.output)")
        #expect(found.lines.first == "0")
        let map = found.lines.dropFirst().first?.split(separator: " ").compactMap { UInt32($0) } ?? []
        #expect(map.count == 3 && map[1] >= 65_536 && map[2] == 65_536)
    }

    @Test(
        "A wrong map is a usage error that names the extent", .needs(toolIsThere),
        arguments: [
            ("0:100000:10,5:200000:10", "overlap"), ("0:4294967290:10", "past the last id"),
            ("0:4294967296:1", "modulo"), ("0:1:0", "zero"), ("0:1", "three numbers"), ("0:-1:1", "decimal"),
            ("", "three numbers"),
        ])
    func wrongMap(map: String, reason: String) throws {
        let found = try shell("$B run --map '\(map)' -- true")
        #expect(found.exit.status == .exited(2))
        #expect(found.output.contains(reason), "\(found.output)")
    }

    @Test("A map over 4,095 bytes is a usage error", .needs(toolIsThere))
    func longMap() throws {
        let map = (0..<200).map { "\(4_000_000_000 + $0 * 2):\(3_000_000_000 + $0 * 3):1" }.joined(separator: ",")
        let found = try shell("$B run --map \(map) -- true")
        #expect(found.exit.status == .exited(2))
        #expect(found.output.contains("4095"))
    }

    @Test(
        "Exit codes are a shell's", .needs(.root), .needs(toolIsThere),
        arguments: [
            ("sh -c 'exit 77'", 77), ("sh -c 'kill -9 $$'", 137), ("no-such-command", 127), ("/etc/passwd", 126),
        ] as [(String, Int32)])
    func exitCodes(command: String, code: Int32) throws {
        #expect(try shell("$B run -- \(command)").exit.status == .exited(code))
    }

    @Test(
        "What is missing or cannot be is told before anything starts", .needs(.root), .needs(toolIsThere),
        .needs(.feature("mount_setattr")))
    func refusals() throws {
        let missing = try shell("$B run --volume /no/such:/mnt -- echo started")
        #expect(missing.exit.status == .exited(1))
        #expect(missing.output.contains("/no/such") && !missing.output.contains("started"))
        let unmappable = try shell("$B run --volume /proc:/mnt -- echo started")
        #expect(unmappable.exit.status == .exited(3))
        #expect(unmappable.output.contains("takes no ID map") && !unmappable.output.contains("started"))
        #expect(try shell("$B run").exit.status == .exited(2))
        #expect(try shell("$B run --").exit.status == .exited(2))
    }

    @Test(
        "On a kernel without mount_setattr an ID-mapped volume is refused with exit code 3, and all else works",
        .needs(.root), .needs(toolIsThere), .needs(.withoutFeature("mount_setattr")))
    func oldKernel() throws {
        let before = mountTable()
        #expect(try shell("$B run -- true").exit.status == .exited(0))
        let found = try shell("$B run --volume /tmp:/tmp/v:idmap -- true")
        #expect(found.exit.status == .exited(3), "\(found.output)")
        #expect(found.output.contains("5.12"))
        #expect(mountTable() == before)
    }

    @Test(
        "Closed streams lead nowhere, and nothing of the tool's is in their place", .needs(.root), .needs(toolIsThere))
    func closedStreams() throws {
        let found = try shell("$B run -- sh -c 'for n in 0 1 2; do readlink /proc/self/fd/$n; done' <&- 2>&-")
        #expect(found.lines.first?.hasPrefix("/") == true, "\(found.output)")
        #expect(found.lines.filter { $0.contains("null") }.count == 2, "\(found.output)")
        #expect(!found.output.contains("anon_inode"))
    }

    @Test("Twenty descriptors are enough", .needs(.root), .needs(toolIsThere))
    func fewDescriptors() throws {
        let found = try shell("ulimit -n 20; $B run -- echo fine")
        #expect(found.output == "fine\n")
    }

    @Test(
        "With too few descriptors it fails and leaves no cgroup", .needs(.root), .needs(.cgroup2), .needs(toolIsThere))
    func tooFewDescriptors() throws {
        for limit in stride(from: 19, through: 4, by: -max(1, 16 / scaled(16))) {
            let found = try shell("ulimit -n \(limit); $B run --cgroup bulkhead-live-few/run -- echo fine")
            #expect(found.exit.status != .exited(0) || found.output == "fine\n", "\(limit): \(found.output)")
        }
        let root = try Cgroup.root()
        #expect(try eventually { try root.child("bulkhead-live-few") == nil })
    }

    @Test(
        "Signals reach the command", .needs(.root), .needs(toolIsThere),
        arguments: ["TERM", "HUP", "USR1"])
    func signals(name: String) throws {
        let found = try shell(
            """
            $B run -- sh -c 'trap "echo got; exit 9" \(name); echo ready; while :; do sleep 0.05; done' >$TMP_OUT &
            tool=$!
            n=0; while [ ! -s $TMP_OUT ] && [ $n -lt 600 ]; do sleep 0.1; n=$((n + 1)); done
            kill -\(name) $tool
            wait $tool; echo "code=$?"; cat $TMP_OUT; rm -f $TMP_OUT
            """.replacing("$TMP_OUT", with: "/tmp/bulkhead-live-\(getpid())-\(name)"))
        #expect(found.value("code") == "9", "\(found.output)")
        #expect(found.output.contains("got"))
    }

    @Test("A signal that its starter ignores is not handed on", .needs(.root), .needs(toolIsThere))
    func ignoredSignal() throws {
        let found = try shell(
            """
            (trap '' HUP; exec $B run -- sh -c 'sleep 1.5; exit 4') &
            tool=$!; sleep 0.7; kill -HUP $tool; wait $tool; echo "code=$?"
            """)
        #expect(found.value("code") == "4", "\(found.output)")
    }

    @Test(
        "A command with the host's root id can set nothing of the host through /proc", .needs(.root),
        .needs(toolIsThere))
    func hostRootIsGuarded() throws {
        let found = try shell(
            "$B run --map 0:0:65536 -- sh -c 'echo x >/proc/sys/kernel/core_pattern || echo h >/proc/sysrq-trigger'")
        #expect(found.exit.status != .exited(0))
        #expect(found.output.contains("Read-only file system") || found.output.contains("nonexistent"))
    }

    @Test(
        "A status that cannot be written is told before anything runs, and a device is not replaced by a file",
        .needs(.root), .needs(toolIsThere))
    func statusDevice() throws {
        let found = try shell("$B run --json-status /dev/full -- echo ran")
        #expect(found.exit.status == .exited(1))
        #expect(found.output.contains("No space left on device"))
        #expect(!found.output.contains("ran\n"))
        #expect(try shell("test -c /dev/full").exit.status == .exited(0))
    }

    @Test("The status file holds what ran and how it ended", .needs(.root), .needs(toolIsThere))
    func statusFile() throws {
        let scratch = try Scratch()
        _ = try shell("$B run --json-status \(scratch.path("status")) -- sh -c 'exit 5'")
        let object = try JSONSerialization.jsonObject(with: Data(scratch.text("status").utf8)) as? [String: Any]
        #expect(object?["state"] as? String == "ended")
        #expect(object?["exitCode"] as? Int == 5)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["status"])
    }

    @Test(
        "An ordinary user gets a single id, or is told why not", .needs(.root), .needs(.command("setpriv")),
        .needs(toolIsThere))
    func ordinaryUser() throws {
        // The tool may lie where that user cannot go.
        let scratch = try Scratch()
        try FileManager.default.copyItem(atPath: #require(tool), toPath: scratch.path("bulkhead"))
        let found = try shell(
            "setpriv --reuid 65534 --regid 65534 --clear-groups \(scratch.path("bulkhead")) run -- sh -c 'id -u; cat /proc/self/uid_map'"
        )
        if found.exit.status == .exited(3) {
            #expect(found.output.count > 20)
        } else {
            #expect(found.exit.status == .exited(0), "\(found.output)")
            #expect(found.lines.first == "0")
        }
    }

    @Test(
        "Killed at any instant it leaves no mount, cgroup, process or namespace", .needs(.root), .needs(.cgroup2),
        .needs(toolIsThere))
    func killed() throws {
        let scratch = try mappableScratch()
        try scratch.folder("volume")
        // Of those that were in its cgroup none is left when that is gone; this one is not in it.
        func janitors() throws -> [String] {
            try shell("for p in /proc/[0-9]*; do cat $p/comm 2>/dev/null; done | grep -c '^bulkhead-clean$'").lines
        }
        let mounts = mountTable()
        let before = try janitors()
        for _ in 0..<scaled(30) {
            var launch = Launch(
                try #require(tool),
                arguments: [
                    "run", "--cgroup", "bulkhead-live-kill/run-\(UInt32.random(in: 0...UInt32.max))",
                    "--volume", "\(scratch.path("volume")):/tmp/v", "--", "/bin/sleep", "100",
                ])
            launch.environment = ProcessInfo.processInfo.environment
            launch.noNewPrivileges = false
            launch.streams = Streams(input: .null, output: .null, error: .null)
            let child = try launch.start()
            usleep(UInt32.random(in: 0...60_000))
            try child.send(signal: 9)
            _ = try child.wait()
        }
        let root = try Cgroup.root()
        #expect(try eventually { try root.child("bulkhead-live-kill") == nil })
        #expect(try eventually { try janitors() == before }, "there were \(before)")
        #expect(mountTable() == mounts)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path("volume")).isEmpty)
    }
}

@Suite("A hostile workload")
struct HostileWorkloadTests {
    static func attack(_ script: String, volumes: [HostVolume] = [], change: (inout Launch) throws -> Void = { _ in })
        throws -> Finished
    {
        var launch = try Launch.isolated(script)
        launch.reaper = true
        launch.capabilities = .supported
        launch.volumes = volumes
        try change(&launch)
        return try finish(launch)
    }

    @Test("The init of its namespace is closed to it: program, memory, root, descriptors, environment", .needs(.root))
    func initProcess() throws {
        let found = try Self.attack(
            """
            for name in exe root cwd; do readlink /proc/1/$name && echo "read $name"; done 2>/dev/null
            (echo x >/proc/1/exe) 2>/dev/null && echo "wrote exe"
            (head -c 10 /proc/1/mem) 2>/dev/null && echo "read mem"
            (cat /proc/1/maps | grep -q .) 2>/dev/null && echo "read maps"
            ls /proc/1/fd >/dev/null 2>&1 && echo "listed descriptors"
            tr '\\0' '\\n' </proc/1/environ 2>/dev/null | grep -q = && echo "read environment"
            tr '\\0' ' ' </proc/1/cmdline
            """)
        #expect(found.lines.isEmpty || found.output.hasPrefix("bulkhead-init"), "\(found.output)")
        #expect(!found.output.contains("read") && !found.output.contains("wrote"), "\(found.output)")
    }

    @Test("Nothing of the host's can be written through /proc or /sys", .needs(.root))
    func kernelFiles() throws {
        let found = try Self.attack(
            """
            for file in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/sys/vm/drop_caches \\
                /proc/sys/kernel/modprobe /sys/kernel/uevent_helper /proc/sys/fs/binfmt_misc/register; do
                (echo h >$file) 2>/dev/null && echo "wrote $file"
            done
            (echo $$ >/sys/fs/cgroup/cgroup.procs) 2>/dev/null && echo "moved"
            echo end
            """)
        #expect(found.lines.last == "end")
        #expect(!found.output.contains("wrote"), "\(found.output)")
        #expect(!found.output.contains("moved"), "\(found.output)")
    }

    @Test(
        "With the default capabilities nothing can be remounted or uncovered, in namespaces of its own neither",
        .needs(.root))
    func remounts() throws {
        let script = """
            mount -o remount,rw,bind /usr 2>/dev/null && echo "remounted /usr"
            mount -o remount,rw / 2>/dev/null && echo "remounted /"
            umount -l /usr 2>/dev/null && echo "uncovered /usr"
            umount -l /proc 2>/dev/null && echo "uncovered /proc"
            """
        let found = try Self.attack("\(script)\nunshare -rm sh -c '\(script)' 2>/dev/null; echo end") {
            $0.capabilities = .userNamespaceDefault
        }
        #expect(found.output == "end\n")
    }

    @Test(
        "No device node can be made or used through a volume, and set-id bits are without effect inside", .needs(.root),
        .needs(.idmappedMounts))
    func volumes() throws {
        let scratch = try mappableScratch()
        try scratch.folder("v")
        unsafe mknod(scratch.path("v/disk"), S_IFCHR | 0o666, 0x105 /* 1:5, zero */)
        try FileManager.default.copyItem(
            atPath: URL(filePath: "/bin/sh").resolvingSymlinksInPath().path, toPath: scratch.path("v/set-id"))
        unsafe chown(scratch.path("v/set-id"), 0, 0)
        unsafe chmod(scratch.path("v/set-id"), 0o4755)
        let volume = HostVolume(source: scratch.path("v"), target: "/tmp/v")
        let found = try Self.attack(
            """
            mknod /tmp/v/made b 8 0 2>/dev/null && echo "made a node"
            mknod /tmp/made c 1 3 2>/dev/null && echo "made a node"
            (head -c 1 /tmp/v/disk >/dev/null) 2>/dev/null && echo "opened a device"
            echo end
            """, volumes: [volume])
        #expect(found.output == "end\n")
        let user = try Self.attack("/tmp/v/set-id -p -c 'id -u'", volumes: [volume]) {
            $0.identity = Identity(uid: 1000, gid: 1000)
            $0.capabilities = []
        }
        #expect(user.output == "1000\n")
    }

    @Test(
        "A set-id program made in a volume is the inner root's only when it was ID-mapped away", .needs(.root),
        .needs(.idmappedMounts))
    func plantedSetID() throws {
        let scratch = try mappableScratch()
        try scratch.folder("v")
        unsafe chmod(scratch.path("v"), 0o777)
        _ = try Self.attack(
            "cp /bin/sh /tmp/v/planted; chmod 4755 /tmp/v/planted",
            volumes: [HostVolume(source: scratch.path("v"), target: "/tmp/v", ownership: .plain)])
        let status = try Descriptor.open(FilePath(scratch.path("v/planted")), .path).status()
        #expect(status.uid == testOutside)
    }

    @Test("The starter cannot be signalled, traced or typed into", .needs(.root))
    func starter() throws {
        let found = try Self.attack(
            """
            kill -0 \(getpid()) 2>/dev/null && echo "sees \(getpid())"
            ls -d /proc/[0-9]* | wc -l
            (: </dev/tty) 2>/dev/null && echo "has a terminal"
            kill -9 1; kill -STOP 1; echo alive
            """)
        #expect(found.lines.last == "alive", "\(found.output)")
        #expect(!found.output.contains("terminal"))
        #expect(Int(found.lines.first ?? "").map { $0 < 8 } == true, "\(found.output)")
    }

    @Test(
        "Groups cannot be dropped to get around a refusal, for an ordinary user", .needs(.userNamespaces),
        .needs(.ordinaryUser))
    func ordinaryUserDropsGroups() throws {
        var launch = Launch.script("cat /proc/self/setgroups")
        launch.user = try .init(
            uid: [.init(inside: 0, outside: geteuid(), count: 1)], gid: [.init(inside: 0, outside: getegid(), count: 1)]
        )
        #expect(try finish(launch).output == "deny\n")
    }
}
