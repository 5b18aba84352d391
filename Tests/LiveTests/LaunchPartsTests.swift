// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import Mounts
internal import NodeModel
internal import SeccompFilters
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("What a command is given")
struct LaunchPartsTests {
    /// The caller's own ids, as root inside: what any user may map.
    static var ownMap: IDMap {
        get throws {
            try IDMap(
                uid: [IDMap.Extent(inside: 0, outside: geteuid(), count: 1)],
                gid: [IDMap.Extent(inside: 0, outside: getegid(), count: 1)])
        }
    }

    @Test("Limits arrive, soft and hard")
    func limits() throws {
        var launch = Launch.script("cat /proc/self/limits")
        launch.limits = [ResourceLimit(.openFiles, soft: 20, hard: 40), ResourceLimit(.core, soft: 0)]
        let found = try finish(launch)
        let fields = found.lines.map { $0.split(separator: " ", omittingEmptySubsequences: true).map(String.init) }
        #expect(fields.contains { $0.starts(with: ["Max", "open", "files", "20", "40"]) }, "\(found.output)")
        #expect(fields.contains { $0.starts(with: ["Max", "core", "file", "size", "0", "0"]) })
    }

    @Test("A hard limit is raised by the caller, which the child could not in its user namespace", .needs(.root))
    func raisedLimit() throws {
        var launch = Launch.script("grep 'Max locked' /proc/self/limits")
        launch.user = try testMap
        let wanted = UInt64(1) << 50
        launch.limits = [ResourceLimit(.lockedMemory, soft: wanted, hard: wanted + 4096)]
        do {
            let found = try finish(launch)
            #expect(found.output.contains("\(wanted) ") && found.output.contains("\(wanted + 4096)"), "\(found.output)")
        } catch let error as LaunchError {
            // Root without CAP_SYS_RESOURCE.
            #expect(error.step == .limits)
            #expect("\(error)".contains("CAP_SYS_RESOURCE") && "\(error)".contains("RLIMIT_MEMLOCK"), "\(error)")
        }
    }

    @Test("A limit that the caller may not give is told with it", .needs(.ordinaryUser))
    func ordinaryUserLimit() throws {
        var launch = Launch("/bin/true")
        launch.limits = [ResourceLimit(.openFiles, soft: 1 << 40, hard: 1 << 40)]
        do {
            _ = try launch.start()
            Issue.record("started")
        } catch {
            #expect(error.step == .limits)
            #expect("\(error)".contains("RLIMIT_NOFILE"), "\(error)")
        }
    }

    @Test(
        "Descriptors arrive at the numbers that were chosen, however those cross, and no other",
        arguments: [true, false])
    func descriptors(crossing: Bool) async throws {
        let scratch = try Scratch()
        let out = scratch.path("out")
        await #expect(processExitsWith: .success) { [out = out as String, crossing = crossing as Bool] in
            func file(_ name: String) throws -> SharedDescriptor {
                SharedDescriptor(try Descriptor.open(FilePath("\(out)-\(name)"), [.create, .writing], mode: 0o600))
            }
            let (a, b, c) = (try file("a"), try file("b"), try file("c"))
            var launch = Launch.script(
                "for n in 3 4 5 6 7 8 9 10 50; do [ -e /proc/$$/fd/$n ] && echo $n:$(readlink /proc/$$/fd/$n); done >\(out); true"
            )
            // Whatever numbers they have here, each of these is another's there.
            launch.descriptors = crossing ? [3: b, 4: c, 5: a, 50: a] : [4: c, 7: c]
            let exit = try launch.start().wait()
            precondition(exit.status == .exited(0))
        }
        let lines = scratch.text("out").split(separator: "\n").map(String.init)
        let expected =
            crossing
            ? ["3:\(out)-b", "4:\(out)-c", "5:\(out)-a", "50:\(out)-a"] : ["4:\(out)-c", "7:\(out)-c"]
        // The shell has its own script's output at 10 or so.
        #expect(lines.filter { !$0.hasSuffix("/out") && !$0.hasPrefix("10:") } == expected, "\(lines)")
    }

    @Test("A program is executed by its descriptor, though its name is gone")
    func program() throws {
        let scratch = try Scratch()
        let copy = scratch.path("copy")
        try FileManager.default.copyItem(atPath: "/bin/cat", toPath: copy)
        var launch = Launch("cat", arguments: ["/proc/self/cmdline"])
        launch.program = SharedDescriptor(try Descriptor.open(FilePath(copy), .path))
        try FileManager.default.removeItem(atPath: copy)
        let found = try finish(launch)
        #expect(found.output == "cat\0/proc/self/cmdline\0")
        let script = try scratch.file("script", "#!/bin/sh\nexit 0\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        launch.program = SharedDescriptor(try Descriptor.open(FilePath(script), .path))
        do {
            _ = try launch.start()
            Issue.record("a script was executed by its descriptor")
        } catch {
            #expect(error.step == .execute)
            #expect("\(error)".contains("script"), "\(error)")
        }
    }

    @Test("Mask, niceness and score arrive, and the caller's own stay as they were", .needs(.userNamespaces))
    func numbers() throws {
        func own() throws -> String {
            try readKernelFile("/proc/self/oom_score_adj")
                + "\(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0))"
        }
        let before = try own()
        var launch = Launch.script("umask; cat /proc/self/oom_score_adj; cut -d' ' -f19 /proc/self/stat")
        launch.fileModeMask = 0o027
        launch.niceness = 7
        launch.oomScoreAdjustment = 900
        launch.user = try Self.ownMap
        let found = try finish(launch)
        #expect(found.lines == ["0027", "900", "7"])
        #expect(try own() == before)
    }

    @Test("A terminal has its size from the start", .needs(.root), .needs(.command("stty")))
    func terminalSize() throws {
        var launch = try Launch.isolated("stty size; echo end")
        launch.terminal = true
        launch.terminalSize = TerminalSize(columns: 132, rows: 43)
        var child = try launch.start()
        guard let master = child.takeTerminal() else {
            Issue.record("no terminal came back")
            return
        }
        var output = ""
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !output.contains("end"), let count = try? master.read(into: &buffer), count > 0 {
            output += String(decoding: buffer[..<count], as: UTF8.self)
        }
        #expect(output.hasPrefix("43 132\r\n"), "\(output)")
        _ = try child.wait()
    }

    @Test("The sets of capabilities are as they are named, each by itself", .needs(.root))
    func capabilitySets() throws {
        var launch = Launch.script("grep ^Cap /proc/self/status")
        launch.user = try testMap
        launch.identity = Identity(uid: 5, gid: 5)
        launch.capabilities = [.netAdmin, .kill]
        launch.ambientCapabilities = [.kill]
        launch.inheritableCapabilities = [.kill, .netAdmin]
        launch.boundingCapabilities = [.netAdmin, .kill, .chown]
        let found = try finish(launch)
        #expect(found.value("CapInh") == "0000000000001020")
        #expect(found.value("CapBnd") == "0000000000001021")
        #expect(found.value("CapAmb") == "0000000000000020")
        #expect(found.value("CapPrm") == "0000000000000020")
    }

    @Test(
        "Namespaces are joined by descriptor: those that the caller rules, and those that only their root does",
        .needs(.root))
    func joins() throws {
        // A network of the host's user namespace, and a user namespace with a host name of its own.
        let host = try SharedNamespaces(user: nil, kinds: .network, hostName: nil)
        let pod = try SharedNamespaces(user: testMap, kinds: [.uts, .ipc], hostName: "joined")
        var launch = Launch.script(
            "cat /proc/sys/kernel/hostname /proc/self/uid_map; readlink /proc/self/ns/net; readlink /proc/self/ns/ipc")
        launch.joins = pod.joins + host.joins
        let found = try finish(launch)
        #expect(found.lines.first == "joined")
        #expect(
            found.lines.dropFirst().first?.split(separator: " ").map(String.init) == ["0", "\(testOutside)", "65536"])
        let names = launch.joins.filter { $0.kind == .network || $0.kind == .ipc }.map { $0.namespace.name }
        #expect(Set(found.lines.suffix(2)) == Set(names.map { $0.replacing("/proc/self/ns/", with: "") }), "\(names)")
    }

    @Test("A namespace of another kind than it is said to be is refused with its name", .needs(.root))
    func wrongKind() throws {
        var launch = Launch("/bin/true")
        launch.joins = [try JoinedNamespace(.network, path: "/proc/self/ns/uts")]
        do {
            _ = try launch.start()
            Issue.record("joined")
        } catch {
            #expect(error.step == .join)
            #expect("\(error)".contains("setns uts:[") || "\(error)".contains("net"), "\(error)")
            #expect("\(error)".contains("another kind"), "\(error)")
        }
    }

    @Test("A detached tree is the root, by its descriptor", .needs(.root), .needs(.userNamespaces))
    func tree() throws {
        // The host's root as a tree without a place.
        let tree = SharedDescriptor(try DetachedMount(cloning: "/", recursive: true))
        var launch = Launch.script("echo in; ls -d /etc")
        launch.root = RootFileSystem(steps: [
            .tree(tree, target: "/"), .new(type: "tmpfs", target: "/tmp"),
        ])
        #expect(try finish(launch).lines == ["in", "/etc"])
    }

    @Test("Whatever a child becomes, the caller's memory is as dumpable as before", .needs(.root))
    func dumpable() async {
        await #expect(processExitsWith: .success) {
            var launch = Launch("/bin/true")
            launch.streams = Streams(input: .null, output: .null, error: .null)
            launch.identity = Identity(uid: 4321, gid: 4321)
            precondition(CallerMemory.isShown)
            _ = try launch.start().wait()
            precondition(CallerMemory.isShown, "after another user's")
            launch.user = try testMap
            launch.identity = nil
            launch.capabilities = []
            _ = try launch.start().wait()
            precondition(CallerMemory.isShown, "after a user namespace")
            launch.command = "/nothing"
            do { _ = try launch.start() } catch {}
            precondition(CallerMemory.isShown, "after a failure")
            launch.command = "/bin/true"
            let created = try launch.create()
            precondition(CallerMemory.isShown, "while one waits")
            _ = try created.start().wait()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { [launch] in _ = try? launch.start().wait() } }
            }
            precondition(CallerMemory.isShown, "after many at once")
        }
    }

    @Test("What waits to be started shows the caller's memory to nobody", .needs(.root))
    func hiddenMemory() throws {
        var launch = Launch("/bin/true")
        launch.user = try testMap
        let created = try launch.create()
        // Of a process that cannot be dumped, /proc/PID is root's, whatever its ids.
        let attributes = try FileManager.default.attributesOfItem(atPath: "/proc/\(created.pid)/environ")
        #expect(attributes[.ownerAccountID] as? Int == 0)
        let status = try readKernelFile(FilePath("/proc/\(created.pid)/status"))
        #expect(status.contains("Uid:\t\(testOutside)\t"))
        _ = try created.start().wait()
    }

    @Test(
        "Where clone3 and close_range are hidden, clone and closing one by one take their place", .needs(.root),
        .needs(.cgroup2), arguments: [true, false])
    func hiddenCalls(reaper: Bool) async throws {
        let scratch = try Scratch()
        let group = "bulkhead-live-\(getpid())-hidden-\(reaper)"
        let own = try TransientCgroup(named: group, in: try Cgroup.root())
        await #expect(processExitsWith: .success) {
            [group = group as String, out = scratch.path("out") as String, reaper = reaper as Bool] in
            let cgroup = try Cgroup.root().child(group)
            // A descriptor far up, which only /proc/self/fd tells of.
            let low = unsafe open("/etc", O_RDONLY | O_DIRECTORY)
            precondition(fcntl(low, F_DUPFD, 900) == 900)
            let filter = SeccompFilter(
                default: .allow, rules: [SeccompFilter.Rule(.notImplemented, ["clone3", "close_range"])])
            try filter.compiled().install()
            var launch = Launch.script("cat /proc/self/cgroup; ls -l /proc/self/fd")
            launch.streams.output = .shared(
                SharedDescriptor(try Descriptor.open(FilePath(out), [.create, .writing], mode: 0o600)))
            launch.user = try testMap
            launch.namespaces = [.network, .pid]
            launch.reaper = reaper
            // In a root of its own it does not ask /proc/self/fd, which an image's author may have made.
            if !reaper { launch.root = try .hostView() }
            guard let cgroup = cgroup else { preconditionFailure("no cgroup") }
            let child = try launch.start(in: cgroup)
            precondition(child.detours == [.oldClone, .movedIntoCgroup])
            let exit = try child.wait()
            precondition(exit.status == .exited(0))
            launch.root = nil
            let shared = try SharedNamespaces(user: testMap, kinds: .network, hostName: nil)
            let joined = try launch.start(in: cgroup, sharing: shared)
            precondition(joined.detours == [.oldClone, .movedIntoCgroup])
            let other = try joined.wait()
            precondition(other.status == .exited(0))
        }
        #expect(scratch.text("out").contains("/\(group)\n"), "\(scratch.text("out"))")
        #expect(!scratch.text("out").contains("/etc"))
        try own.remove()
    }

    @Test("A pool's namespaces are each for one, and none is left", .needs(.root))
    func pool() throws {
        let pool = NamespacePool(user: try testMap, size: 2)
        #expect(pool.ready == 0)
        try pool.fill()
        #expect(pool.ready == 2)
        var seen: Set<String> = []
        // Held, for the kernel gives the number of one that has ended to the next.
        var held: [JoinedNamespace] = []
        for _ in 0..<3 {
            let namespaces = try pool.take()
            var launch = Launch.script("readlink /proc/self/ns/net; cat /sys/class/net/lo/flags /proc/self/uid_map")
            launch.user = try testMap
            let found = try finish(launch) { try $0.start(sharing: namespaces) }
            seen.insert(found.lines.first ?? "")
            held += namespaces.joins
            #expect(found.output.contains("\(testOutside)"))
        }
        #expect(seen.count == 3 && held.count == 6)
        #expect(pool.ready == 0)
        pool.fillInBackground()
        #expect(eventually { pool.ready == 2 })
    }
}
