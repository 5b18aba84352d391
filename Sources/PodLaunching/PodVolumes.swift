// SPDX-License-Identifier: Apache-2.0

internal import Launching
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage

extension PodLaunch {
    func root(of container: Container) throws(PodLaunchError) -> RootFileSystem {
        let ownNetwork = !pod.spec.hostNetwork
        var root: RootFileSystem
        if let directory = images[container.image] {
            root = .directory(directory, ownership: map == nil ? .plain : .idmapped, ownNetwork: ownNetwork)
            if container.securityContext.readOnlyRootFilesystem {
                root.steps.append(.remount(target: "/", attributes: [.readOnly, .noSetID, .noDevices]))
            }
        } else if container.image == "host" {
            root = try kernel { () throws(KernelError) in try .hostView(ownNetwork: ownNetwork) }
        } else {
            throw .noImage(pod: "\(pod)", container: container.name, image: container.image)
        }
        // An emptyDir of one container is a tmpfs in its mount namespace, and ends with it.
        var empty: [RootFileSystem.Step] = []
        for mount in container.volumeMounts where emptyDirectories[mount.name] == nil {
            guard case .emptyDir(_, let limit) = try volume(mount, container).source else { continue }
            try refuseSharing(mount)
            empty.append(
                .new(
                    type: "tmpfs", target: mount.mountPath,
                    options: ["mode=1777"] + (limit.map { ["size=\($0.bytes)"] } ?? []),
                    attributes: mount.readOnly ? [.noSetID, .noDevices, .readOnly] : [.noSetID, .noDevices]))
        }
        let place = root.steps.firstIndex(of: .volumes) ?? root.steps.endIndex
        root.steps.insert(contentsOf: empty, at: place)
        return root
    }

    /// Makes what `…OrCreate` paths lack, and checks what their types demand.
    public func prepareHostPaths() throws(PodLaunchError) {
        for volume in pod.spec.volumes {
            if case .hostPath(let path, let type) = volume.source { try prepare(path, type) }
        }
    }

    func volumes(of container: Container) throws(PodLaunchError) -> [HostVolume] {
        var volumes: [HostVolume] = []
        for mount in container.volumeMounts {
            switch try volume(mount, container).source {
            case .hostPath(let path, let type):
                try prepare(path, type)
                volumes.append(
                    HostVolume(
                        source: path, target: mount.mountPath, readOnly: mount.readOnly,
                        ownership: map == nil ? .plain : ownerships[path] ?? .idmapped))
            case .emptyDir:
                guard let directory = emptyDirectories[mount.name] else { continue }
                // Before, the child would have to find the way there, as ids that may not.
                guard map == nil || MountCall.canSetAttributes else {
                    throw refused(
                        "emptyDir volume '\(mount.name)' of a pod with hostUsers: false takes mount_setattr (Linux 5.12)"
                    )
                }
                volumes.append(
                    HostVolume(
                        source: directory, target: mount.mountPath, readOnly: mount.readOnly, ownership: .plain))
            case .unimplemented: continue
            }
        }
        return volumes
    }

    private func volume(_ mount: VolumeMount, _ container: Container) throws(PodLaunchError) -> Volume {
        guard let volume = pod.spec.volumes.first(where: { $0.name == mount.name }) else {
            throw refused("containers[\(container.name)].volumeMounts: there is no volume '\(mount.name)'")
        }
        return volume
    }

    private func refuseSharing(_ mount: VolumeMount) throws(PodLaunchError) {
        let all = pod.spec.initContainers + pod.spec.containers
        let users = all.filter { $0.volumeMounts.contains { $0.name == mount.name } }.map(\.name)
        guard users.count == 1 else {
            throw unimplemented(
                "emptyDir volume '\(mount.name)' is shared by \(users.joined(separator: ", ")): not implemented")
        }
    }

    /// Makes what a `…OrCreate` path lacks, and checks what the type demands.
    private func prepare(_ path: String, _ type: HostPathType) throws(PodLaunchError) {
        let kind = try kernel { () throws(KernelError) in
            if type == .directoryOrCreate { try makeDirectories(path) }
            if type == .fileOrCreate {
                _ = try Descriptor.open(FilePath(path), [.create, .writing, .noControllingTerminal], mode: 0o644)
            }
            return try Descriptor.open(FilePath(path), .path).status().mode & 0o170000
        }
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
            throw refused("hostPath \(path) is not of type \(type.rawValue)")
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
