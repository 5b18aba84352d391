// SPDX-License-Identifier: Apache-2.0

/// A container: a command and what surrounds it.
public struct Container: Sendable, Hashable {
    /// The name, unique in the pod.
    public var name: String
    /// Where the file system comes from; `host` is a read-only view of the host's.
    public var image: String
    /// The program and its first arguments; empty for the image's own.
    public var command: [String]
    /// More arguments.
    public var args: [String]
    /// Environment variables, in order.
    public var env: [EnvironmentVariable]
    /// The directory to start in; nil for the image's own.
    public var workingDir: String?
    /// Requests and limits.
    public var resources: ResourceRequirements
    /// Ids, capabilities and profiles.
    public var securityContext: SecurityContext
    /// What is mounted from the pod's volumes, in order.
    public var volumeMounts: [VolumeMount]
    /// For an init container, `always` makes it a sidecar that runs on beside the containers.
    public var restartPolicy: RestartPolicy?
    /// Asked until it succeeds, before the other two.
    public var startupProbe: Probe?
    /// The container is stopped when it fails.
    public var livenessProbe: Probe?
    /// The container is not ready while it fails.
    public var readinessProbe: Probe?

    /// A container.
    public init(
        name: String, image: String = "", command: [String] = [], args: [String] = [],
        env: [EnvironmentVariable] = [], workingDir: String? = nil, resources: ResourceRequirements = .init(),
        securityContext: SecurityContext = .init(), volumeMounts: [VolumeMount] = [],
        restartPolicy: RestartPolicy? = nil, startupProbe: Probe? = nil, livenessProbe: Probe? = nil,
        readinessProbe: Probe? = nil
    ) {
        self.name = name
        self.image = image
        self.command = command
        self.args = args
        self.env = env
        self.workingDir = workingDir
        self.resources = resources
        self.securityContext = securityContext
        self.volumeMounts = volumeMounts
        self.restartPolicy = restartPolicy
        self.startupProbe = startupProbe
        self.livenessProbe = livenessProbe
        self.readinessProbe = readinessProbe
    }

    /// As an init container: whether it runs on beside the containers.
    public var isSidecar: Bool { restartPolicy == .always }
}

/// An environment variable with a plain value.
public struct EnvironmentVariable: Sendable, Hashable {
    /// The name.
    public var name: String
    /// The value.
    public var value: String

    /// A variable.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

extension EnvironmentVariable: CustomStringConvertible {
    /// `NAME=value`.
    public var description: String { "\(name)=\(value)" }
}
