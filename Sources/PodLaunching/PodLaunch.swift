// SPDX-License-Identifier: Apache-2.0

internal import Capabilities
public import Launching
public import LinuxKernel
public import NodeModel
internal import SeccompFilters
internal import SystemPackage

/// A pod's containers as launches: what the manifest asks for, in terms of namespaces, mounts and rights.
public struct PodLaunch: Hashable, Sendable {
    /// The pod.
    public let pod: Pod
    /// The map of the pod's user namespace; nil with `hostUsers: true`.
    public let map: IDMap?
    /// Directories of images by name; `host` is a read-only view of this host.
    public let images: [String: String]
    /// How the paths of the host are mounted, where it is not by an ID map.
    public var ownerships: [String: HostVolume.Ownership] = [:]
    /// Directories of the host, owned by who is to own them, that stand for the pod's `emptyDir` volumes, by name. Such a
    /// volume that is not here is a file system in memory of one container, and ends with it.
    public var emptyDirectories: [String: String] = [:]

    /// Resource limits of all that is started; what is not named is the caller's own.
    public var limits: [ResourceLimit] = []

    /// A pod with the map of its user namespace.
    public init(pod: Pod, map: IDMap?, images: [String: String]) {
        self.pod = pod
        self.map = map
        self.images = images
    }

    /// The namespaces that the pod's containers share.
    public var sharedKinds: NamespaceKinds { pod.spec.hostNetwork ? [.ipc, .uts] : [.network, .ipc, .uts] }

    /// The host name inside.
    public var hostName: String { pod.spec.hostname ?? pod.name }

    /// Refuses what is asked for and not done, by field.
    public func refuseUnimplemented() throws(PodLaunchError) {
        let spec = pod.spec
        for field in spec.unimplementedFields { throw unimplemented("\(field)") }
        for (isSet, field) in [
            (spec.hostPID, "spec.hostPID"), (spec.hostIPC, "spec.hostIPC"),
            (spec.shareProcessNamespace, "spec.shareProcessNamespace"),
        ] where isSet {
            throw unimplemented("\(field) is not implemented")
        }
        for container in spec.initContainers + spec.containers {
            let field = "containers[\(container.name)]"
            if container.securityContext.privileged {
                throw unimplemented("\(field).securityContext.privileged is not implemented")
            }
            if container.commandLine.isEmpty {
                throw refused("\(field).command is missing: the directory of an image has no entry point")
            }
            for mount in container.volumeMounts where !mount.subPath.isEmpty {
                throw unimplemented("\(field).volumeMounts[\(mount.name)].subPath is not implemented")
            }
        }
    }

    /// The launch of one container.
    public func launch(of container: Container) throws(PodLaunchError) -> Launch {
        var launch = try command(container.commandLine, of: container)
        launch.user = map
        launch.namespaces = sharedKinds.union([.pid, .cgroup])
        launch.root = try root(of: container)
        if map?.holdsHostRoot ?? true { launch.root?.guardHostRoot() }
        launch.volumes = try volumes(of: container)
        launch.hostName = hostName
        launch.reaper = true
        return launch
    }

    /// The launch of a command inside a container that runs: in its namespaces, with no more rights than it has.
    ///
    /// - Parameters:
    ///   - words: the command and its arguments, not empty.
    ///   - container: the container.
    ///   - namespaces: all namespaces of the container: user (unless it is the host's), mount, pid, network, IPC, UTS, cgroup.
    public func launch(
        _ words: [String], in container: Container, joining namespaces: [JoinedNamespace]
    ) throws(PodLaunchError) -> Launch {
        var launch = try command(words, of: container)
        launch.joins = namespaces
        return launch
    }

    /// What a container's own command and what is started inside it later have in common.
    private func command(_ words: [String], of container: Container) throws(PodLaunchError) -> Launch {
        guard let first = words.first else { throw refused("containers[\(container.name)]: the command is empty") }
        let context = pod.spec.securityContext(of: container)
        var launch = Launch(first, arguments: Array(words.dropFirst()))
        launch.environment = ["PATH": Launch.defaultPath, "HOME": "/root", "HOSTNAME": hostName]
        for variable in container.environment { launch.environment[variable.name] = variable.value }
        launch.directory = container.workingDir ?? "/"
        let identity = try identity(of: container, context)
        launch.identity = identity
        let base: CapabilitySet = map == nil ? .dockerDefault : .userNamespaceDefault
        let (capabilities, requested) = base.changed(
            adding: try parse(context.capabilities.add, "add", container),
            dropping: try parse(context.capabilities.drop, "drop", container))
        launch.capabilities = identity.uid == 0 ? capabilities : requested
        if identity.uid != 0 { launch.ambientCapabilities = requested }
        launch.noNewPrivileges = context.allowPrivilegeEscalation != true
        launch.seccomp = try seccomp(context, capabilities)
        launch.streams = Streams(input: .null)
        launch.limits = limits
        // With it the child has memory of its own from the start: else a container that runs out of memory while a command
        // joins it would have the kernel kill whoever shares the command's memory, which is the caller.
        launch.oomScoreAdjustment = pod.oomScoreAdjustment(
            of: container, capacity: machineMemory().map(ByteCount.bytes))
        return launch
    }

    private func parse(
        _ names: [String], _ field: String, _ container: Container
    ) throws(PodLaunchError) -> CapabilitySet {
        do { return try CapabilitySet(parsing: names) } catch {
            throw .capabilities(
                pod: "\(pod)", field: "containers[\(container.name)].securityContext.capabilities.\(field)", error)
        }
    }

    /// Who a container runs as, inside.
    public func identity(of container: Container) throws(PodLaunchError) -> Identity {
        try identity(of: container, pod.spec.securityContext(of: container))
    }

    private func identity(of container: Container, _ context: SecurityContext) throws(PodLaunchError) -> Identity {
        let uid = context.runAsUser ?? 0
        if context.runAsNonRoot == true, uid == 0 {
            throw refused("container \(container.name) has runAsNonRoot and would run as root")
        }
        let ofPod = pod.spec.securityContext
        return Identity(
            uid: uid, gid: context.runAsGroup ?? 0,
            groups: ofPod.supplementalGroups + (ofPod.fsGroup.map { [$0] } ?? []))
    }

    private func seccomp(
        _ context: SecurityContext, _ capabilities: CapabilitySet
    ) throws(PodLaunchError) -> CompiledFilter? {
        let file: String
        switch context.seccompProfile {
        case .unconfined: return nil
        case nil, .runtimeDefault:
            do { return try SeccompFilter.compiledDefault() } catch { throw refused("seccompProfile: \(error)") }
        case .localhost(let path): file = path
        }
        let text = try kernel { () throws(KernelError) in try Descriptor.open(FilePath(file), .reading).readText() }
        let running = try kernel { () throws(KernelError) in try KernelVersion.running() }
        do {
            return try SeccompProfile.compiled(
                text,
                for: .init(
                    capabilities: capabilities.map(\.description),
                    kernel: SeccompProfile.KernelVersion(running.major, running.minor)))
        } catch { throw refused("seccompProfile \(file): \(error)") }
    }

    func refused(_ text: String) -> PodLaunchError { .refused(pod: "\(pod)", text) }

    func unimplemented(_ text: String) -> PodLaunchError { .unimplemented(pod: "\(pod)", text) }
}
