// SPDX-License-Identifier: Apache-2.0

import Capabilities
import LinuxKernel
import NodeModel
import SystemPackage
import Testing

@testable import Launching

@Suite("What a launch will do")
struct LaunchStepTests {
    /// A plan with all there is.
    static func full() throws -> Launch {
        var launch = Launch("/usr/sbin/nginx", arguments: ["-g", "daemon off;"])
        launch.user = try IDMap(outside: 100_000, count: 65_536)
        launch.namespaces = [.network, .pid, .cgroup]
        launch.root = .directory("/image")
        launch.volumes = [HostVolume(source: "/srv", target: "/data", readOnly: true)]
        launch.hostName = "web"
        launch.identity = Identity(uid: 1, gid: 2, groups: [3])
        launch.capabilities = [.netBindService]
        launch.limits = [ResourceLimit(.openFiles, soft: 1024, hard: .max)]
        launch.niceness = 5
        launch.oomScoreAdjustment = 100
        launch.directory = "/data"
        launch.terminal = true
        launch.terminalSize = TerminalSize(columns: 80, rows: 24)
        launch.reaper = true
        launch.endsWithCaller = true
        return launch
    }

    @Test("A plan prints what will be done, in the order in which errors are told")
    func order() throws {
        let steps = try Self.full().steps
        let order = LaunchError.Step.allCases
        let places = steps.compactMap { order.firstIndex(of: $0.step) }
        #expect(places.count == steps.count)
        #expect(places == places.sorted())
        #expect(steps.first?.step == .prepare)
        #expect(steps.last?.step == .execute)
    }

    @Test("Each line says who does what with what")
    func text() throws {
        let text = "\(try Self.full())"
        for line in [
            "caller: create the process (in new namespaces: mnt, net, pid, user, uts, with a copy of the caller's memory)",
            "caller: write the ID maps (uid 0:100000:65536, gid 0:100000:65536)",
            "caller: adjust the score of the out-of-memory killer (100)", "caller: set the niceness (5)",
            "child: set the host name (web)", "child: mount (/image as the root, idmapped)",
            "child: mount (/srv at /data, idmapped, read-only)", "child: open a terminal (80 columns, 24 rows)",
            "child: set a resource limit (RLIMIT_NOFILE 1024:unlimited)", "child: change to the user (1:2, groups [3])",
            "child: refuse new privileges", "child: execute (/usr/sbin/nginx -g 'daemon off;')",
        ] {
            #expect(text.contains(". \(line)\n") || text.hasSuffix(". \(line)"), "\(line) is missing in\n\(text)")
        }
    }

    @Test("What is not asked for is no step")
    func least() {
        let steps = Launch("true").steps.map(\.step)
        #expect(steps == [.prepare, .clone, .session, .streams, .descriptors, .noNewPrivileges, .execute])
    }

    @Test("A plan as it is by default is accepted, and so is the full one")
    func accepted() throws {
        try Launch("true").check()
        try Self.full().check()
    }

    /// What is refused before anything is done: what is wrong, and what the error has to say.
    static let refusals: [(what: String, change: @Sendable (inout Launch) throws -> Void, reason: String)] = [
        ("an empty command", { $0.command = "" }, "it is empty"),
        ("a NUL in the command", { $0.command = "a\0b" }, "holds a NUL"),
        ("a NUL in an argument", { $0.arguments = ["x", "a\0b"] }, "holds a NUL"),
        ("a NUL in the environment", { $0.environment["A"] = "\0" }, "environment A"),
        ("a variable without a name", { $0.environment[""] = "1" }, "no name of a variable"),
        ("a name with an equals sign", { $0.environment["A=B"] = "1" }, "A=B"),
        ("a time namespace", { $0.namespaces = [.time] }, "offsets"),
        ("volumes without a root", { $0.volumes = [HostVolume(source: "/", target: "/x")] }, "has none"),
        ("ambient without permitted", { $0.ambientCapabilities = [.kill] }, "needs capabilities"),
        (
            "ambient beyond permitted",
            {
                $0.capabilities = [.kill]
                $0.ambientCapabilities = [.kill, .netAdmin]
            }, "cap_net_admin"
        ),
        (
            "effective beyond permitted",
            {
                $0.capabilities = [.kill]
                $0.effectiveCapabilities = [.chown]
            }, "not among the permitted"
        ),
        (
            "ambient that is not inheritable",
            {
                $0.capabilities = [.kill]
                $0.ambientCapabilities = [.kill]
                $0.inheritableCapabilities = []
            }, "inheritable only"
        ),
        ("a soft limit above the hard", { $0.limits = [ResourceLimit(.core, soft: 2, hard: 1)] }, "RLIMIT_CORE 2:1"),
        (
            "a limit twice", { $0.limits = [ResourceLimit(.core, soft: 1), ResourceLimit(.core, soft: 2)] },
            "there twice"
        ),
        ("a niceness of 20", { $0.niceness = 20 }, "-20 to 19"),
        ("a score of -1001", { $0.oomScoreAdjustment = -1001 }, "-1000 to 1000"),
        ("a mask of 01000", { $0.fileModeMask = 0o1000 }, "1000"),
        ("a descriptor of a stream's number", { $0.descriptors[2] = try null() }, "streams"),
        ("a descriptor past all", { $0.descriptors[1 << 20] = try null() }, "fs.nr_open"),
        (
            "a namespace twice",
            { $0.joins = [JoinedNamespace(.network, try null()), JoinedNamespace(.network, try null())] }, "twice"
        ),
        ("two kinds in one", { $0.joins = [JoinedNamespace([.network, .ipc], try null())] }, "one kind"),
        (
            "new and joined",
            {
                $0.joins = [JoinedNamespace(.network, try null())]
                $0.namespaces = [.network]
            }, "joined"
        ),
        (
            "a map and a joined user namespace",
            {
                $0.joins = [JoinedNamespace(.user, try null())]
                $0.user = try IDMap(outside: 100_000, count: 1)
            }, "has its map"
        ),
        (
            "a root in a joined mount namespace",
            {
                $0.joins = [JoinedNamespace(.mount, try null())]
                $0.root = .directory("/")
            }, "would change"
        ),
    ]

    static func null() throws -> SharedDescriptor { SharedDescriptor(try Descriptor.open("/dev/null", .reading)) }

    @Test("What the kernel would misunderstand is refused before, with the reason", arguments: refusals.indices)
    func refused(index: Int) throws {
        let refusal = Self.refusals[index]
        var launch = Launch("true")
        try refusal.change(&launch)
        do {
            _ = try launch.start().wait()
            Issue.record("\(refusal.what) was accepted")
        } catch let error as LaunchError {
            #expect(error.step == .plan)
            #expect("\(error)".contains(refusal.reason), "\(error)")
        }
    }

    @Test("Limits have the names that an OCI configuration has")
    func limitNames() {
        #expect(ResourceLimit.Kind(named: "RLIMIT_NOFILE") == .openFiles)
        #expect(ResourceLimit.Kind(named: "nproc") == .processes)
        #expect(ResourceLimit.Kind(named: "RLIMIT_NONE") == nil)
        for number in 0..<16 as Range<UInt32> {
            let kind = ResourceLimit.Kind(rawValue: number)
            #expect(ResourceLimit.Kind(named: "\(kind)") == kind)
        }
        #expect("\(ResourceLimit.Kind(rawValue: 99))" == "RLIMIT 99")
    }

    @Test("A failure of each step says what it acted on")
    func failures() throws {
        var launch = try Self.full()
        launch.descriptors = [5: try Self.null()]
        for number in 1...26 as ClosedRange<Int32> {
            guard let step = LaunchError.Step(number: number) else { continue }
            for index in 0..<7 {
                let error = launch.failure(atStep: number, index, .notPermitted) {
                    KernelError("mount", "\($0)", errno: $1)
                }
                #expect(error.step == step)
                #expect(!error.failure.subject.isEmpty, "\(error)")
                #expect(!error.failure.call.isEmpty)
            }
        }
    }
}
