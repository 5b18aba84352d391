// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
internal import Cgroups
internal import Foundation
internal import Glibc
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SeccompFilters
internal import SystemPackage
internal import TestSupport
internal import Testing

@Suite("A failure at each step of a start")
struct LaunchForcedTests {
    /// A plan that takes every step.
    static func plan(reaper: Bool) throws -> Launch {
        var launch = try Launch.isolated("true")
        launch.streams = Streams(input: .null, output: .null, error: .null)
        launch.hostName = "forced"
        launch.limits = [ResourceLimit(.core, soft: 0)]
        launch.niceness = 1
        launch.oomScoreAdjustment = 1000
        launch.terminal = true
        launch.reaper = reaper
        launch.endsWithCaller = true
        launch.descriptors = [9: SharedDescriptor(try Descriptor.open("/dev/null", .reading))]
        launch.seccomp = try SeccompFilter.default.compiled()
        return launch
    }

    /// With an init, and without one where that is not half a minute: an emulated guest has one processor.
    static var ways: Int { ProcessInfo.processInfo.activeProcessorCount > 1 ? 2 : 1 }

    /// The steps that such a plan takes: not the look at it, what others' failures are, nor what other ways are.
    static let steps = LaunchError.Step.allCases.filter { ![.plan, .hold, .cgroup, .pause].contains($0) }

    @Test(
        "It is told with its step, and no process, mount, cgroup or descriptor is left", .needs(.root), .needs(.cgroup2)
    )
    func eachStep() async throws {
        let group = "bulkhead-live-\(getpid())-forced"
        let own = try TransientCgroup(named: group, in: try Cgroup.root())
        await #expect(processExitsWith: .success) { [group = group as String] in
            guard let cgroup = try Cgroup.root().child(group) else { preconditionFailure("no cgroup") }
            let mounts = mountTable()
            func fail(at step: LaunchError.Step, reaper: Bool) throws {
                var launch = try LaunchForcedTests.plan(reaper: reaper)
                launch.forced = ForcedFailure(step, .noSpace)
                do throws(LaunchError) {
                    _ = try launch.start(in: cgroup)
                    preconditionFailure("started in spite of: \(step)")
                } catch {
                    precondition(error.step == step, "\(step) became \(error)")
                    precondition(error.failure.errno == .noSpace, "\(step): \(error)")
                }
                precondition(!hasChildren(), "a child is left after: \(step)")
                let events = try cgroup.read(.events)
                precondition(events?.populated == false, "a process is left after: \(step)")
            }
            // The first one opens what stays open for good.
            try fail(at: .execute, reaper: true)
            let before = openDescriptors()
            for reaper in [true, false].prefix(LaunchForcedTests.ways) {
                for step in LaunchForcedTests.steps where reaper || step != .reaper {
                    try fail(at: step, reaper: reaper)
                }
            }
            precondition(openDescriptors() == before, "\(before) became \(openDescriptors())")
            precondition(mountTable() == mounts, "a mount is left")
            precondition(CallerMemory.isShown, "the caller's memory stays hidden")
        }
        try own.remove()
    }

    @Test("Created or not, a failure leaves nothing, and the socket goes with it", .needs(.root))
    func created() async throws {
        let scratch = try Scratch()
        await #expect(processExitsWith: .success) { [socket = scratch.path("start") as String] in
            for round in 0..<LaunchForcedTests.ways {
                for step in LaunchForcedTests.steps + [.pause] where step != .reaper || round == 0 {
                    var launch = try LaunchForcedTests.plan(reaper: round == 0)
                    launch.forced = ForcedFailure(step, .noSpace)
                    do throws(LaunchError) {
                        let created = try launch.create(startedAt: FilePath(socket))
                        precondition(step == .seccomp || step == .execute, "created in spite of: \(step)")
                        _ = try created.start()
                        preconditionFailure("started in spite of: \(step)")
                    } catch {
                        precondition(error.step == step && error.failure.errno == .noSpace, "\(step) became \(error)")
                    }
                    precondition(!hasChildren(), "a child is left after: \(step)")
                    precondition(!FileManager.default.fileExists(atPath: socket), "the socket is left after: \(step)")
                }
            }
        }
    }

    @Test("A failure to move where clone3 is hidden leaves nothing", .needs(.root), .needs(.cgroup2))
    func move() async throws {
        let group = "bulkhead-live-\(getpid())-forced-move"
        let own = try TransientCgroup(named: group, in: try Cgroup.root())
        await #expect(processExitsWith: .success) { [group = group as String] in
            guard let cgroup = try Cgroup.root().child(group) else { preconditionFailure("no cgroup") }
            let filter = SeccompFilter(default: .allow, rules: [SeccompFilter.Rule(.notImplemented, ["clone3"])])
            try filter.compiled().install()
            var launch = try LaunchForcedTests.plan(reaper: true)
            launch.forced = ForcedFailure(.cgroup, .noSpace)
            do throws(LaunchError) {
                _ = try launch.start(in: cgroup)
                preconditionFailure("started")
            } catch { precondition(error.step == .cgroup, "\(error)") }
            precondition(!hasChildren(), "a child is left")
        }
        try own.remove()
    }

    @Test("An ordinary user is told where it ends", .needs(.ordinaryUser), .needs(.userNamespaces))
    func ordinaryUserStops() throws {
        var launch = Launch("/bin/true")
        launch.user = try LaunchPartsTests.ownMap
        launch.namespaces = [.network, .ipc, .uts, .pid]
        launch.reaper = true
        #expect(try launch.start().wait().status == .exited(0))
        launch.identity = Identity(uid: 0, gid: 0, groups: [1])
        let exit = try? launch.start().wait()
        #expect(exit?.status == .exited(0))
        launch.identity = Identity(uid: 1, gid: 1)
        do {
            _ = try launch.start()
            Issue.record("became an id that is not in the map")
        } catch {
            #expect(error.step == .user)
            #expect("\(error)".contains("map"), "\(error)")
        }
        launch.identity = nil
        launch.niceness = -5
        do {
            _ = try launch.start()
            Issue.record("took the processor from others")
        } catch {
            #expect(error.step == .niceness)
            #expect("\(error)".contains("CAP_SYS_NICE"), "\(error)")
        }
    }
}
