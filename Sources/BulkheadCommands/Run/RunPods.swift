// SPDX-License-Identifier: Apache-2.0

internal import BulkheadRun
internal import Cgroups
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import PodLaunching
internal import PodManifests
internal import SystemPackage
internal import ToolOutput

/// `bulkhead run -f`: a Kubernetes Pod, every container of it, from its manifest to its last trace's removal.
struct RunPods: ~Copyable {
    private let pod: Pod
    private let images: [String: String]
    private let bestEffort: Bool
    private let owners: VolumeOwners
    private let statusFile: String?
    private let signals: SignalDescriptor

    init(_ options: RunOptions) throws {
        let pod = try Self.onlyPod(of: options.manifests)
        let images = try Dictionary(options.images.map(Self.image)) { $1 }
        signals = try SignalDescriptor(forwardedSignals + [Signal.pipe])
        self.pod = pod
        self.images = images
        bestEffort = options.bestEffort
        owners = options.volumeOwners
        statusFile = options.jsonStatus
    }

    private static func onlyPod(of files: [String]) throws -> Pod {
        let pods = try files.flatMap { file in
            let text = try Descriptor.open(FilePath(file), .reading).readText()
            do { return try PodManifest(parsing: text, file: file).pods } catch {
                throw ToolFailure(.failed, "\(error)")
            }
        }
        guard let pod = pods.first, pods.count == 1 else {
            throw ToolFailure(.failed, "run takes one Pod; \(files.joined(separator: ", ")) has \(pods.count)")
        }
        return pod
    }

    private static func image(_ text: String) throws(ToolFailure) -> (String, String) {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw ToolFailure(.usage, "--image \(text): expected NAME=DIR") }
        return (parts[0], parts[1])
    }

    /// The directories and files of this host that containers mount.
    private var hostPaths: [RunVolume] {
        let mounts = (pod.spec.initContainers + pod.spec.containers).flatMap(\.volumeMounts)
        return pod.spec.volumes.compactMap { volume in
            guard case .hostPath(let path, _) = volume.source,
                let mount = mounts.first(where: { $0.name == volume.name })
            else { return nil }
            return RunVolume(
                HostVolume(
                    source: path, target: mount.mountPath, ownership: owners == .idmap ? .idmapped : .plain), owners)
        }
    }

    /// The cgroups' values, as far as this host can set them: what it cannot is told, and refused unless asked otherwise.
    private borrowing func limits(beneath mount: FilePath) throws -> PodLimits {
        let node = try Node.thisMachine(root: CgroupName(["bulkhead"]))
        let limits = try PodLimits(pod, on: node, policy: .tieredReservation, beneath: mount)
        for warning in limits.warnings { Output.complain("warning: \(warning.text)") }
        for (controller, reason) in limits.missing.sorted(by: { $0.key < $1.key }) {
            let text = "values of the \(controller) controller cannot be set: \(reason)"
            guard bestEffort else { throw ToolFailure(.impossible, "\(text); --best-effort goes on without") }
            Output.complain("going on without: \(text)")
        }
        return limits
    }

    consuming func run() throws -> Int32 {
        guard effectiveUserID == 0 else {
            throw ToolFailure(.impossible, "a Pod needs ranges of ids and cgroups, which only root may take")
        }
        let host = CgroupHost.probe()
        let wanted = hostPaths
        var shifting = ShiftedVolumes()
        let ids = try RunIDs(
            pod.spec.hostUsers ? nil : .automatic, cgroups: host.root, preferring: try shifting.firstID(of: wanted))
        var plans = PodLaunch(pod: pod, map: ids.map, images: images)
        try plans.refuseUnimplemented()
        if let map = ids.map {
            try plans.prepareHostPaths()
            for volume in try shifting.settle(wanted, map: map, signals: signals) {
                plans.ownerships[volume.source] = volume.ownership
            }
        }
        guard let mount = host.root else {
            throw ToolFailure(.impossible, "no cgroup of its own: \(host.absence ?? "cgroup v2 is not mounted")")
        }
        let limits = try limits(beneath: mount)
        let tree = try RunTree(
            beneath: mount, groups: limits.groups, own: limits.own, controllers: limits.controllers,
            holding: ids.claim)
        try tree.raise(min: limits.protection.min, low: limits.protection.low)
        for path in limits.own { try tree.cgroup(path).write(limits.files(of: path)) }
        var crew = try PodCrew(plans, limits, statusFile: statusFile)
        let code = try crew.run(in: tree, signals: signals)
        try tree.remove()
        try crew.finish()
        return code
    }
}

extension ToolFailure {
    /// The same as the tool tells it.
    init(_ error: PodLaunchError) {
        switch error {
        case .unimplemented: self.init(.impossible, "\(error)")
        case .noImage(_, _, let image): self.init(.failed, "\(error): give --image \(image)=DIR")
        case .capabilities: self.init(.usage, "\(error)")
        case .refused: self.init(.failed, "\(error)".printable)
        case .planning, .kernel: self.init(.failed, "\(error)")
        }
    }
}
