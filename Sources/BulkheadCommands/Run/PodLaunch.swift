// SPDX-License-Identifier: Apache-2.0

internal import BulkheadRun
internal import Capabilities
internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SeccompFilters
internal import SystemPackage
internal import ToolOutput

/// A pod's containers as launches: what the manifest asks for, in terms of namespaces, mounts and rights.
struct PodLaunch {
    let pod: Pod
    /// The map of the pod's user namespace; nil with `hostUsers: true`.
    let map: IDMap?
    /// Directories of images by name; `host` is a read-only view of this host.
    let images: [String: String]
    /// How the paths of the host are mounted, where it is not by an ID map.
    var ownerships: [String: HostVolume.Ownership] = [:]

    /// The namespaces that the pod's containers share.
    var sharedKinds: NamespaceKinds { pod.spec.hostNetwork ? [.ipc, .uts] : [.network, .ipc, .uts] }

    var hostName: String { pod.spec.hostname ?? pod.name }

    /// Refuses what is asked for and not done, by field.
    func refuseUnimplemented() throws(ToolFailure) {
        let spec = pod.spec
        for field in spec.unimplementedFields { throw ToolFailure(.impossible, "\(pod): \(field)") }
        for (isSet, field) in [
            (spec.hostPID, "spec.hostPID"), (spec.hostIPC, "spec.hostIPC"),
            (spec.shareProcessNamespace, "spec.shareProcessNamespace"),
        ] where isSet {
            throw ToolFailure(.impossible, "\(pod): \(field) is not implemented")
        }
        for container in spec.initContainers + spec.containers {
            let field = "containers[\(container.name)]"
            if container.securityContext.privileged {
                throw ToolFailure(.impossible, "\(pod): \(field).securityContext.privileged is not implemented")
            }
            if container.commandLine.isEmpty {
                throw ToolFailure(
                    .failed, "\(pod): \(field).command is missing: the directory of an image has no entry point")
            }
            for mount in container.volumeMounts where !mount.subPath.isEmpty {
                throw ToolFailure(
                    .impossible, "\(pod): \(field).volumeMounts[\(mount.name)].subPath is not implemented")
            }
        }
    }

    /// The launch of one container.
    func launch(of container: Container) throws -> Launch {
        let context = pod.spec.securityContext(of: container)
        let words = container.commandLine
        var launch = Launch(words[0], arguments: Array(words.dropFirst()))
        launch.environment = ["PATH": Launch.defaultPath, "HOME": "/root", "HOSTNAME": hostName]
        for variable in container.environment { launch.environment[variable.name] = variable.value }
        launch.directory = container.workingDir ?? "/"
        launch.user = map
        launch.namespaces = sharedKinds.union([.pid, .cgroup])
        launch.root = try root(of: container)
        if map?.holdsHostRoot ?? true { launch.root?.guardHostRoot() }
        launch.volumes = try volumes(of: container)
        launch.hostName = hostName
        let identity = try identity(of: container, context)
        launch.identity = identity
        let (capabilities, requested) = try RunRequest.capabilities(
            adding: context.capabilities.add, dropping: context.capabilities.drop,
            base: map == nil ? .dockerDefault : .userNamespaceDefault)
        launch.capabilities = identity.uid == 0 ? capabilities : requested
        if identity.uid != 0 { launch.ambientCapabilities = requested }
        launch.noNewPrivileges = context.allowPrivilegeEscalation != true
        launch.seccomp = try seccomp(context, capabilities)
        launch.streams = Streams(input: .null)
        launch.reaper = true
        launch.endsWithCaller = true
        return launch
    }

    private func root(of container: Container) throws -> RootFileSystem {
        let ownNetwork = !pod.spec.hostNetwork
        var root: RootFileSystem
        if let directory = images[container.image] {
            root = .directory(directory, ownership: map == nil ? .plain : .idmapped, ownNetwork: ownNetwork)
            if container.securityContext.readOnlyRootFilesystem {
                root.steps.append(.remount(target: "/", attributes: [.readOnly, .noSetID, .noDevices]))
            }
        } else if container.image == "host" {
            root = try .hostView(ownNetwork: ownNetwork)
        } else {
            throw ToolFailure(
                .failed,
                "\(pod): image '\(container.image)' of container \(container.name) has no directory: "
                    + "give --image \(container.image)=DIR")
        }
        // An emptyDir of one container is a tmpfs in its mount namespace, and ends with it.
        let empty = try container.volumeMounts.compactMap { mount -> RootFileSystem.Step? in
            guard case .emptyDir(_, let limit) = try volume(mount, container).source else { return nil }
            try refuseSharing(mount, container)
            return .new(
                type: "tmpfs", target: mount.mountPath,
                options: ["mode=1777"] + (limit.map { ["size=\($0.bytes)"] } ?? []),
                attributes: mount.readOnly ? [.noSetID, .noDevices, .readOnly] : [.noSetID, .noDevices])
        }
        let place = root.steps.firstIndex(of: .volumes) ?? root.steps.endIndex
        root.steps.insert(contentsOf: empty, at: place)
        return root
    }

    /// Makes what `…OrCreate` paths lack, and checks what their types demand.
    func prepareHostPaths() throws {
        for volume in pod.spec.volumes {
            if case .hostPath(let path, let type) = volume.source { try prepare(path, type) }
        }
    }

    private func volumes(of container: Container) throws -> [HostVolume] {
        try container.volumeMounts.compactMap { mount in
            guard case .hostPath(let path, let type) = try volume(mount, container).source else { return nil }
            try prepare(path, type)
            return HostVolume(
                source: path, target: mount.mountPath, readOnly: mount.readOnly,
                ownership: map == nil ? .plain : ownerships[path] ?? .idmapped)
        }
    }

    private func volume(_ mount: VolumeMount, _ container: Container) throws(ToolFailure) -> Volume {
        guard let volume = pod.spec.volumes.first(where: { $0.name == mount.name }) else {
            throw ToolFailure(
                .failed, "\(pod): containers[\(container.name)].volumeMounts: there is no volume '\(mount.name)'")
        }
        return volume
    }

    private func refuseSharing(_ mount: VolumeMount, _ container: Container) throws(ToolFailure) {
        let all = pod.spec.initContainers + pod.spec.containers
        let users = all.filter { $0.volumeMounts.contains { $0.name == mount.name } }.map(\.name)
        guard users.count == 1 else {
            throw ToolFailure(
                .impossible,
                "\(pod): emptyDir volume '\(mount.name)' is shared by \(users.joined(separator: ", ")): not implemented"
            )
        }
    }

    /// Makes what a `…OrCreate` path lacks, and checks what the type demands.
    private func prepare(_ path: String, _ type: HostPathType) throws {
        if type == .directoryOrCreate { try makeDirectories(path) }
        if type == .fileOrCreate {
            _ = try Descriptor.open(FilePath(path), [.create, .writing, .noControllingTerminal], mode: 0o644)
        }
        let status = try Descriptor.open(FilePath(path), .path).status()
        let kind = status.mode & 0o170000
        let wanted: UInt32? =
            switch type {
            case .unchecked: nil
            case .directory, .directoryOrCreate: 0o040000
            case .file, .fileOrCreate: 0o100000
            case .socket: 0o140000
            case .characterDevice: 0o020000
            case .blockDevice: 0o060000
            }
        guard wanted == nil || wanted == kind else {
            throw ToolFailure(.failed, "\(pod): hostPath \(path) is not of type \(type.rawValue)")
        }
    }

    private func identity(of container: Container, _ context: SecurityContext) throws(ToolFailure) -> Identity {
        let uid = context.runAsUser ?? 0
        if context.runAsNonRoot == true, uid == 0 {
            throw ToolFailure(.failed, "\(pod): container \(container.name) has runAsNonRoot and would run as root")
        }
        let ofPod = pod.spec.securityContext
        return Identity(
            uid: uid, gid: context.runAsGroup ?? 0,
            groups: ofPod.supplementalGroups + (ofPod.fsGroup.map { [$0] } ?? []))
    }

    private func seccomp(_ context: SecurityContext, _ capabilities: CapabilitySet) throws -> CompiledFilter? {
        switch context.seccompProfile {
        case .unconfined: nil
        case nil, .runtimeDefault: try SeccompFilter.compiledDefault()
        case .localhost(let path): try compiledProfile(path, capabilities: capabilities)
        }
    }
}

/// Makes a directory and those above it that are missing.
private func makeDirectories(_ path: String) throws(KernelError) {
    var made = FilePath("/")
    for component in FilePath(path).components {
        let parent = try Descriptor.open(made, [.path, .directory])
        try parent.makeDirectory(component.string)
        made.append(component)
    }
}
