// SPDX-License-Identifier: Apache-2.0

import NodeModel

/// Reads a pod's `spec`, and notes what in it changes the isolation and is not implemented.
struct SpecReader {
    let object: FieldObject
    private var unimplemented = UnimplementedFields()

    init(_ object: FieldObject) { self.object = object }

    private static let fields = [
        "containers", "initContainers", "resources", "overhead", "volumes", "securityContext", "hostUsers",
        "hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostname", "restartPolicy",
        "terminationGracePeriodSeconds",
    ]

    consuming func spec() throws(ManifestError) -> PodSpec {
        try object.checkSpelling(of: Self.fields)
        unimplemented.note(object, UnimplementedFields.spec)
        let volumes = try volumes()
        let containers = try self.containers("containers", volumes: volumes)
        guard !containers.isEmpty else { throw try object.required("containers").error("must not be empty") }
        let initContainers = try self.containers("initContainers", volumes: volumes)
        try checkUniqueNames()

        var spec = PodSpec(
            containers: containers, initContainers: initContainers,
            resources: try object["resources"].map { field throws(ManifestError) in
                try ResourcesReader.requirements(field)
            },
            overhead: try ResourcesReader.list(object["overhead"]), volumes: volumes,
            securityContext: try securityContext(), hostUsers: try object.bool("hostUsers") ?? true,
            hostNetwork: try object.bool("hostNetwork") ?? false, hostPID: try object.bool("hostPID") ?? false,
            hostIPC: try object.bool("hostIPC") ?? false,
            shareProcessNamespace: try object.bool("shareProcessNamespace") ?? false,
            hostname: try object.string("hostname"),
            restartPolicy: try object["restartPolicy"]?.choice(of: RestartPolicy.self) ?? .always)
        if let seconds = try object["terminationGracePeriodSeconds"]?.integer(in: 0...Int64(UInt32.max)) {
            spec.terminationGracePeriodSeconds = UInt32(seconds)
        }
        try checkNamespaces(spec)
        spec.unimplementedFields = unimplemented.fields
        return spec.withDefaultRequests()
    }

    private mutating func containers(
        _ name: String, volumes: [Volume]
    ) throws(ManifestError) -> [Container] {
        var containers: [Container] = []
        for field in try object.items(name) {
            containers.append(
                try ContainerReader.container(
                    field, volumes: volumes, isInit: name == "initContainers", &unimplemented))
        }
        return containers
    }

    private func checkUniqueNames() throws(ManifestError) {
        var seen: Set<String> = []
        for field in try object.items("initContainers") + object.items("containers") {
            let name = try field.object().required("name")
            guard seen.insert(try name.string()).inserted else {
                throw name.error("'\(try name.string())' is the name of another container of this pod")
            }
        }
    }

    /// A pod with user ids of its own cannot be in namespaces the host's user namespace owns (KEP-127).
    private func checkNamespaces(_ spec: PodSpec) throws(ManifestError) {
        if spec.hostUsers { return }
        for (name, isHost) in [
            ("hostNetwork", spec.hostNetwork), ("hostPID", spec.hostPID), ("hostIPC", spec.hostIPC),
        ] where isHost {
            throw try object.required(name).error("cannot be true while hostUsers is false")
        }
    }

    private mutating func securityContext() throws(ManifestError) -> PodSecurityContext {
        guard let context = try object.object("securityContext") else { return PodSecurityContext() }
        unimplemented.note(context, UnimplementedFields.podSecurityContext)
        var groups: [UInt32] = []
        for group in try context.items("supplementalGroups") {
            groups.append(UInt32(try group.integer(in: 0...0x7fff_ffff)))
        }
        return PodSecurityContext(
            runAsUser: try context.id("runAsUser"), runAsGroup: try context.id("runAsGroup"),
            runAsNonRoot: try context.bool("runAsNonRoot") ?? false, fsGroup: try context.id("fsGroup"),
            supplementalGroups: groups, seccompProfile: try ContainerReader.seccompProfile(context))
    }

    private mutating func volumes() throws(ManifestError) -> [Volume] {
        var volumes: [Volume] = []
        for field in try object.items("volumes") {
            let volume = try VolumeReader.volume(field)
            if volumes.contains(where: { $0.name == volume.name }) {
                throw field.error("'\(volume.name)' is the name of another volume of this pod")
            }
            if case .unimplemented(let kind) = volume.source {
                unimplemented.fields.append(
                    UnimplementedField(field: "\(field.path).\(kind)", place: field.place))
            }
            volumes.append(volume)
        }
        return volumes
    }
}
