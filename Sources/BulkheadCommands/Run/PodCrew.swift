// SPDX-License-Identifier: Apache-2.0

internal import BulkheadRun
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import PodLaunching
internal import SystemPackage
internal import ToolOutput

/// The running containers of a pod: init containers one after the other, then the others side by side; sidecars last as
/// long as those do.
struct PodCrew: ~Copyable {
    private let plans: PodLaunch
    private let limits: PodLimits
    private let namespaces: SharedNamespaces
    private var status: StatusFile
    private var containers: [JSON.Member] = []
    private var running: [Member] = []

    /// A started container.
    private final class Member {
        let name: String
        let isSidecar: Bool
        var child: Child?
        var exit: Exit?

        init(name: String, isSidecar: Bool, child: consuming Child) {
            self.name = name
            self.isSidecar = isSidecar
            self.child = consume child
        }
    }

    init(_ plans: PodLaunch, _ limits: PodLimits, statusFile: String?) throws {
        self.plans = plans
        self.limits = limits
        status = StatusFile(
            statusFile,
            [
                JSON.Member("pod", .string("\(plans.pod)")), JSON.Member("uid", .string(plans.pod.uid)),
                JSON.Member("qosClass", .string("\(limits.qosClass)")),
                JSON.Member("map", .optional(plans.map.map { "\($0)" })),
                JSON.Member("cgroup", .optional(limits.own.first.map { "/\($0)" })),
            ])
        namespaces = try SharedNamespaces(user: plans.map, kinds: plans.sharedKinds, hostName: plans.hostName)
    }

    /// Runs the pod to its end; the exit code of the first container that failed, or 0.
    mutating func run(in tree: borrowing RunTree, signals: borrowing SignalDescriptor) throws -> Int32 {
        for container in plans.pod.spec.initContainers {
            try start(container, tree)
            if container.isSidecar { continue }
            let code = try follow(signals) { $0.name == container.name }
            if code != 0 { return code }
        }
        for container in plans.pod.spec.containers { try start(container, tree) }
        let code = try follow(signals) { !$0.isSidecar }
        try stopSidecars(signals)
        return code
    }

    /// Tells how it ended, once nothing of the pod is left.
    mutating func finish() throws {
        status["state"] = "ended"
        try status.write()
    }

    /// Replaces what the status file says of a container.
    private mutating func tell(_ name: String, _ value: JSON) throws(KernelError) {
        containers.removeAll { $0.name == name }
        containers.append(JSON.Member(name, value))
        status["containers"] = .object(containers)
        try status.write()
    }

    private mutating func start(_ container: Container, _ tree: borrowing RunTree) throws {
        guard let path = limits.path(ofContainer: container.name) else { return }
        var launch = try plans.launch(of: container)
        launch.endsWithCaller = true
        let child: Child
        do {
            child = try launch.start(in: try tree.cgroup(path), sharing: namespaces)
        } catch let error as LaunchError {
            Output.complain("container \(container.name): \(error)")
            throw ToolFailure(
                ToolExit(rawValue: error.exitCode) ?? .failed, "\(plans.pod): container \(container.name) did not start"
            )
        }
        status["state"] = "running"
        try tell(container.name, ["pid": .integer(child.pid), "cgroup": .string("/\(path)")])
        running.append(Member(name: container.name, isSidecar: container.isSidecar, child: child))
    }

    /// Waits until all members that count have ended; the first code that is not 0, in the order of the manifest.
    private mutating func follow(
        _ signals: borrowing SignalDescriptor, until counts: (Member) -> Bool
    ) throws -> Int32 {
        while running.contains(where: { $0.exit == nil && counts($0) }) { try wait(signals) }
        return running.filter(counts).compactMap { $0.exit?.status.shellCode }.first { $0 != 0 } ?? 0
    }

    /// Waits for the end of any member, or for a signal, which all of them get.
    private mutating func wait(_ signals: borrowing SignalDescriptor, milliseconds: Int32 = -1) throws {
        let alive = running.filter { $0.exit == nil }
        let ready = try poll(
            [signals.descriptor.number] + alive.map { $0.child?.process.number ?? -1 },
            timeoutMilliseconds: milliseconds)
        while let signal = signals.next() {
            guard signal != Signal.pipe else { continue }
            for member in alive { try member.child?.send(signal: signal) }
        }
        for (member, events) in zip(alive, ready.dropFirst()) where events.contains(.readable) {
            guard let child = member.child.take() else { continue }
            let exit = try child.wait()
            member.exit = exit
            try tell(member.name, .object(exit.members))
        }
    }

    /// SIGTERM, and what is left after the grace period goes with its cgroup.
    private mutating func stopSidecars(_ signals: borrowing SignalDescriptor) throws {
        for member in running where member.exit == nil { try member.child?.send(signal: Signal.terminate) }
        let deadline = ContinuousClock.now + .seconds(Int64(plans.pod.spec.terminationGracePeriodSeconds))
        while running.contains(where: { $0.exit == nil }) {
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return }
            try wait(signals, milliseconds: Int32(clamping: left.components.seconds * 1000 + 1))
        }
    }
}
