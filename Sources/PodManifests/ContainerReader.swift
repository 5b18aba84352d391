// SPDX-License-Identifier: Apache-2.0

import NodeModel

enum ContainerReader {
    private static let fields = [
        "name", "image", "command", "args", "env", "workingDir", "resources", "securityContext", "volumeMounts",
        "restartPolicy", "startupProbe", "livenessProbe", "readinessProbe", "ports",
    ]

    static func container(
        _ field: Field, volumes: [Volume], isInit: Bool, _ unimplemented: inout UnimplementedFields
    ) throws(ManifestError) -> Container {
        let object = try field.object()
        try object.checkSpelling(of: fields)
        let name = try object.required("name")
        try DNSName.check(try name.string(), name, isLabel: true)
        unimplemented.note(object, UnimplementedFields.container)

        var resources = ResourceRequirements()
        if let field = object["resources"] {
            unimplemented.note(try field.object(), UnimplementedFields.resources)
            resources = try ResourcesReader.requirements(field)
        }
        let restartPolicy = try object["restartPolicy"]?.choice(of: RestartPolicy.self)
        func probe(_ kind: ProbeKind) throws(ManifestError) -> Probe? {
            try ProbeReader.probe(kind, of: object, isSidecar: restartPolicy == .always, isInit: isInit)
        }
        return Container(
            name: try name.string(), image: try object.string("image") ?? "", command: try object.strings("command"),
            args: try object.strings("args"), env: try environment(object, &unimplemented),
            workingDir: try object.string("workingDir"), resources: resources,
            securityContext: try securityContext(object, &unimplemented),
            volumeMounts: try mounts(object, volumes, &unimplemented),
            restartPolicy: restartPolicy, startupProbe: try probe(.startup), livenessProbe: try probe(.liveness),
            readinessProbe: try probe(.readiness))
    }

    private static func environment(
        _ object: FieldObject, _ unimplemented: inout UnimplementedFields
    ) throws(ManifestError) -> [EnvironmentVariable] {
        var variables: [EnvironmentVariable] = []
        for item in try object.items("env") {
            let variable = try item.object()
            let name = try variable.required("name")
            let text = try name.string()
            if text.isEmpty || text.utf8.contains(where: { $0 == UInt8(ascii: "=") || $0 == 0 }) {
                throw name.error("'\(text)' is not a name for an environment variable")
            }
            unimplemented.note(variable, UnimplementedFields.environment)
            variables.append(EnvironmentVariable(name: text, value: try variable.string("value") ?? ""))
        }
        return variables
    }

    private static func mounts(
        _ object: FieldObject, _ volumes: [Volume], _ unimplemented: inout UnimplementedFields
    ) throws(ManifestError) -> [VolumeMount] {
        var mounts: [VolumeMount] = []
        for item in try object.items("volumeMounts") {
            let mount = try VolumeReader.mount(item, volumes: volumes)
            if mounts.contains(where: { $0.mountPath == mount.mountPath }) {
                throw try item.object().required("mountPath").error("'\(mount.mountPath)' is mounted on twice")
            }
            unimplemented.note(try item.object(), UnimplementedFields.volumeMount)
            mounts.append(mount)
        }
        return mounts
    }

    private static func securityContext(
        _ object: FieldObject, _ unimplemented: inout UnimplementedFields
    ) throws(ManifestError) -> SecurityContext {
        guard let context = try object.object("securityContext") else { return SecurityContext() }
        unimplemented.note(context, UnimplementedFields.securityContext)
        let capabilities = try context.object("capabilities")
        let privileged = try context.bool("privileged") ?? false
        let escalation = try context.bool("allowPrivilegeEscalation")
        if privileged, escalation == false {
            throw try context.required("allowPrivilegeEscalation").error("cannot be false while privileged is true")
        }
        return SecurityContext(
            capabilities: CapabilityChanges(
                add: try capabilities?.strings("add") ?? [], drop: try capabilities?.strings("drop") ?? []),
            runAsUser: try context.id("runAsUser"), runAsGroup: try context.id("runAsGroup"),
            runAsNonRoot: try context.bool("runAsNonRoot"),
            readOnlyRootFilesystem: try context.bool("readOnlyRootFilesystem") ?? false, privileged: privileged,
            allowPrivilegeEscalation: escalation, seccompProfile: try seccompProfile(context))
    }

    /// The system call filter of a container or of a pod.
    static func seccompProfile(_ context: FieldObject) throws(ManifestError) -> SeccompProfile? {
        guard let profile = try context.object("seccompProfile") else { return nil }
        let type = try profile.required("type")
        switch try type.string() {
        case "Unconfined": return .unconfined
        case "RuntimeDefault": return .runtimeDefault
        case "Localhost": return .localhost(try profile.required("localhostProfile").string())
        default:
            throw type.error("'\(try type.string())' is not one of Unconfined, RuntimeDefault, Localhost")
        }
    }
}
