// SPDX-License-Identifier: Apache-2.0

/// What a pod runs, and how it is isolated.
public struct PodSpec: Sendable, Hashable {
    /// The containers.
    public var containers: [Container]
    /// What runs before the containers, in order; with ``Container/restartPolicy`` `always`, also beside them.
    public var initContainers: [Container]
    /// Resources of the pod as a whole (KEP-2837).
    public var resources: ResourceRequirements?
    /// What the runtime itself needs for the pod.
    public var overhead: ResourceList
    /// The volumes the containers mount.
    public var volumes: [Volume]
    /// Ids and profiles for all containers.
    public var securityContext: PodSecurityContext
    /// Whether the pod is in the host's user namespace; `false` gives it its own (KEP-127).
    public var hostUsers: Bool
    /// Whether the pod is in the host's network namespace.
    public var hostNetwork: Bool
    /// Whether the pod is in the host's process id namespace.
    public var hostPID: Bool
    /// Whether the pod is in the host's IPC namespace.
    public var hostIPC: Bool
    /// Whether all containers share one process id namespace.
    public var shareProcessNamespace: Bool
    /// The host name inside; nil for the pod's name.
    public var hostname: String?
    /// What becomes of containers that end.
    public var restartPolicy: RestartPolicy
    /// Seconds between the request to stop and the kill.
    public var terminationGracePeriodSeconds: UInt32
    /// Fields that change how the pod is isolated or what it sees and that nothing here implements. Planning can go on;
    /// who starts the pod must refuse it and name them.
    public var unimplementedFields: [UnimplementedField]

    /// A spec with the defaults of the Kubernetes API.
    public init(
        containers: [Container], initContainers: [Container] = [], resources: ResourceRequirements? = nil,
        overhead: ResourceList = [:], volumes: [Volume] = [], securityContext: PodSecurityContext = .init(),
        hostUsers: Bool = true, hostNetwork: Bool = false, hostPID: Bool = false, hostIPC: Bool = false,
        shareProcessNamespace: Bool = false, hostname: String? = nil, restartPolicy: RestartPolicy = .always,
        terminationGracePeriodSeconds: UInt32 = 30, unimplementedFields: [UnimplementedField] = []
    ) {
        self.containers = containers
        self.initContainers = initContainers
        self.resources = resources
        self.overhead = overhead
        self.volumes = volumes
        self.securityContext = securityContext
        self.hostUsers = hostUsers
        self.hostNetwork = hostNetwork
        self.hostPID = hostPID
        self.hostIPC = hostIPC
        self.shareProcessNamespace = shareProcessNamespace
        self.hostname = hostname
        self.restartPolicy = restartPolicy
        self.terminationGracePeriodSeconds = terminationGracePeriodSeconds
        self.unimplementedFields = unimplementedFields
    }
}

/// A field of a manifest that is understood but not implemented.
public struct UnimplementedField: Sendable, Hashable {
    /// The field, such as `spec.securityContext.sysctls`.
    public var field: String
    /// The file and the line it is in, such as `pods.yaml:14`; empty when unknown.
    public var place: String

    /// A field, and where it is.
    public init(field: String, place: String = "") {
        self.field = field
        self.place = place
    }
}

extension UnimplementedField: CustomStringConvertible {
    /// `pods.yaml:14: spec.securityContext.sysctls is not implemented`.
    public var description: String { (place.isEmpty ? "" : place + ": ") + field + " is not implemented" }
}
