// SPDX-License-Identifier: Apache-2.0

internal import NodeModel

/// A pod as the Kubernetes API has it.
struct PodObject: Codable {
    struct Metadata: Codable {
        var name: String
        var namespace: String
        var uid: String
        var creationTimestamp: String?
    }

    var metadata: Metadata
    var spec: PodSpecObject
    var status: PodStatusObject

    init(_ status: PodStatus, node: String) {
        let pod = status.pod
        metadata = Metadata(
            name: pod.name, namespace: pod.namespace, uid: pod.uid, creationTimestamp: status.startTime?.wholeSeconds)
        spec = PodSpecObject(pod.spec, node: node)
        self.status = PodStatusObject(status)
    }
}

/// What a pod runs.
struct PodSpecObject: Codable {
    struct Resources: Codable {
        var requests: [String: String]?
        var limits: [String: String]?

        init?(_ resources: ResourceRequirements?) {
            guard let resources, !resources.requests.isEmpty || !resources.limits.isEmpty else { return nil }
            requests = Self.texts(resources.requests)
            limits = Self.texts(resources.limits)
        }
        private static func texts(_ list: ResourceList) -> [String: String]? {
            list.isEmpty ? nil : list.amounts.mapValues(\.description)
        }
    }
    struct Variable: Codable {
        var name: String
        var value: String
    }
    struct Mount: Codable {
        var name: String
        var mountPath: String
        var subPath: String?
        var readOnly: Bool?
    }
    struct Container: Codable {
        var name: String
        var image: String
        var command: [String]?
        var args: [String]?
        var workingDir: String?
        var env: [Variable]?
        var resources: Resources?
        var volumeMounts: [Mount]?
        var restartPolicy: String?

        init(_ container: NodeModel.Container) {
            name = container.name
            image = container.image
            command = container.command.isEmpty ? nil : container.command
            args = container.args.isEmpty ? nil : container.args
            workingDir = container.workingDir
            env = container.env.isEmpty ? nil : container.env.map { Variable(name: $0.name, value: $0.value) }
            resources = Resources(container.resources)
            let mounts = container.volumeMounts.map {
                Mount(
                    name: $0.name, mountPath: $0.mountPath, subPath: $0.subPath.isEmpty ? nil : $0.subPath,
                    readOnly: $0.readOnly ? true : nil)
            }
            volumeMounts = mounts.isEmpty ? nil : mounts
            restartPolicy = container.restartPolicy?.rawValue
        }
    }

    var initContainers: [Container]?
    var containers: [Container]
    var resources: Resources?
    var restartPolicy: String
    var terminationGracePeriodSeconds: UInt32
    var nodeName: String
    var hostNetwork: Bool?
    var hostPID: Bool?
    var hostIPC: Bool?
    var hostUsers: Bool
    var hostname: String?

    init(_ spec: PodSpec, node: String) {
        initContainers = spec.initContainers.isEmpty ? nil : spec.initContainers.map(Container.init)
        containers = spec.containers.map(Container.init)
        resources = Resources(spec.resources)
        restartPolicy = spec.restartPolicy.rawValue
        terminationGracePeriodSeconds = spec.terminationGracePeriodSeconds
        nodeName = node
        hostNetwork = spec.hostNetwork ? true : nil
        hostPID = spec.hostPID ? true : nil
        hostIPC = spec.hostIPC ? true : nil
        hostUsers = spec.hostUsers
        hostname = spec.hostname
    }
}

extension Timestamp {
    /// As metav1.Time has it: in whole seconds.
    var wholeSeconds: String { Timestamp(seconds: sinceEpoch.components.seconds).description }
}
