// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput
internal import UserNamespaces

/// One run, from its claim of ids to the removal of its last trace.
package struct RunSession: ~Copyable {
    private let request: RunRequest
    private let signals: SignalDescriptor
    private var shifting: (any VolumeShifting)?

    package init(_ request: RunRequest, shifting: (any VolumeShifting)? = nil) throws {
        self.request = request
        self.shifting = shifting
        // From here on signals are for the command, not for us: nobody interrupts the cleaning up.
        signals = try SignalDescriptor(forwardedSignals + [Signal.windowChange, Signal.pipe])
    }

    /// Runs the command; the exit code for the shell.
    package consuming func run() throws -> Int32 {
        let root = CgroupHost.findRoot()
        let ids = try RunIDs(request.ids, cgroups: root, preferring: try shifting?.firstID(of: request.volumes))
        var launch = try plannedLaunch(ids.map)
        if let map = ids.map, let volumes = try shifting?.settle(request.volumes, map: map, signals: signals) {
            launch.volumes = volumes
        }
        let place = try RunPlace(request.cgroup, cgroups: root, bestEffort: request.bestEffort)
        let name = request.cgroup.name ?? "run-\(processID)"
        var status = StatusFile(
            request.statusFile,
            [
                JSON.Member("map", .optional(ids.map.map { "\($0)" })),
                JSON.Member("cgroup", .optional(place.path(of: name))),
            ])

        // A status that cannot be written is told before anything runs.
        try status.write()
        do {
            let exit = try run(launch, in: place, named: name, ids, &status)
            try status.update { status in
                status["state"] = "ended"
                status.members += exit.members
            }
            return exit.status.shellCode
        } catch {
            status.failed(error)
            throw error
        }
    }

    private borrowing func run(
        _ launch: Launch, in place: RunPlace, named name: String, _ ids: borrowing RunIDs, _ status: inout StatusFile
    ) throws -> Exit {
        let exit: Exit
        if let mount = place.mount {
            let limits = place.limits
            let path = "\(limits.group)/\(name)"
            let tree = try RunTree(
                beneath: mount, groups: [limits.group], own: [path], controllers: limits.controllers, holding: ids.claim
            )
            try tree.raise(min: limits.memoryMin ?? .zero, low: limits.memoryLow ?? .zero)
            let cgroup = try tree.cgroup(path)
            try limits.write(to: cgroup)
            exit = try follow(try launch.start(in: cgroup), &status)
            try tree.remove()
        } else {
            exit = try follow(try launch.start(), &status)
        }
        return exit
    }

    private func plannedLaunch(_ map: IDMap?) throws -> Launch {
        var launch = Launch(request.command, arguments: request.arguments)
        launch.environment = request.environment
        launch.directory = request.directory
        launch.user = map
        launch.namespaces = [.pid, .ipc, .uts, .cgroup]
        if request.ownNetwork { launch.namespaces.insert(.network) }
        if let directory = request.rootDirectory {
            let ownership: HostVolume.Ownership = effectiveUserID == 0 ? .idmapped : .plain
            launch.root = .directory(directory, ownership: ownership, ownNetwork: request.ownNetwork)
        } else {
            launch.root = try .hostView(ownNetwork: request.ownNetwork)
        }
        if map?.holdsHostRoot ?? true { launch.root?.guardHostRoot() }
        launch.volumes = request.volumes.map(\.mount)
        launch.hostName = request.hostName
        launch.identity = try RunIdentity.find(request.user, inRoot: request.rootDirectory ?? "/")
        launch.capabilities = request.capabilities
        if let identity = launch.identity, identity.uid != 0 {
            launch.capabilities = request.requestedCapabilities
            launch.ambientCapabilities = request.requestedCapabilities
        }
        launch.seccomp = request.seccomp
        launch.terminal = try RunTerminal.isWanted(request.terminal)
        // A change from here on is a signal that waits.
        if launch.terminal { launch.terminalSize = try RunTerminal.size() }
        launch.reaper = true
        launch.endsWithCaller = true
        return launch
    }

    /// Stays with the command until it has ended.
    private borrowing func follow(_ child: consuming Child, _ status: inout StatusFile) throws -> Exit {
        let (pid, passedOver) = (child.pid, child.passedOver)
        try status.update { status in
            status["state"] = "running"
            status["pid"] = .integer(pid)
            status["passedOver"] = .strings(passedOver.map { "\($0)" })
        }
        return try wait(for: child, signals: signals, terminal: try RunTerminal.joining(child.takeTerminal()))
    }
}
