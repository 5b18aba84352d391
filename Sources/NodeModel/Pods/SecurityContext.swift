// SPDX-License-Identifier: Apache-2.0

/// Ids and profiles for all containers of a pod. Ids are those inside the pod's user namespace.
public struct PodSecurityContext: Sendable, Hashable {
    /// The user to run as; nil for the image's own.
    public var runAsUser: UInt32?
    /// The group to run as; nil for the image's own.
    public var runAsGroup: UInt32?
    /// Whether user 0 is refused.
    public var runAsNonRoot: Bool
    /// The group that owns volumes which support it, and a further group of every process.
    public var fsGroup: UInt32?
    /// Further groups of every process.
    public var supplementalGroups: [UInt32]
    /// The system call filter; nil when not said.
    public var seccompProfile: SeccompProfile?

    /// A context; nil and empty mean "not said".
    public init(
        runAsUser: UInt32? = nil, runAsGroup: UInt32? = nil, runAsNonRoot: Bool = false, fsGroup: UInt32? = nil,
        supplementalGroups: [UInt32] = [], seccompProfile: SeccompProfile? = nil
    ) {
        self.runAsUser = runAsUser
        self.runAsGroup = runAsGroup
        self.runAsNonRoot = runAsNonRoot
        self.fsGroup = fsGroup
        self.supplementalGroups = supplementalGroups
        self.seccompProfile = seccompProfile
    }
}

/// Ids, capabilities and profiles of one container; what is nil is taken from the pod.
public struct SecurityContext: Sendable, Hashable {
    /// Capabilities added to and dropped from the default set.
    public var capabilities: CapabilityChanges
    /// The user to run as.
    public var runAsUser: UInt32?
    /// The group to run as.
    public var runAsGroup: UInt32?
    /// Whether user 0 is refused.
    public var runAsNonRoot: Bool?
    /// Whether the container's own file system is read-only.
    public var readOnlyRootFilesystem: Bool
    /// Whether the container gets all capabilities and devices and no filter.
    public var privileged: Bool
    /// Whether a process may gain more rights than its parent; nil when not said (the API takes it as true).
    public var allowPrivilegeEscalation: Bool?
    /// The system call filter.
    public var seccompProfile: SeccompProfile?

    /// A context; nil and empty mean "not said".
    public init(
        capabilities: CapabilityChanges = .init(), runAsUser: UInt32? = nil, runAsGroup: UInt32? = nil,
        runAsNonRoot: Bool? = nil, readOnlyRootFilesystem: Bool = false, privileged: Bool = false,
        allowPrivilegeEscalation: Bool? = nil, seccompProfile: SeccompProfile? = nil
    ) {
        self.capabilities = capabilities
        self.runAsUser = runAsUser
        self.runAsGroup = runAsGroup
        self.runAsNonRoot = runAsNonRoot
        self.readOnlyRootFilesystem = readOnlyRootFilesystem
        self.privileged = privileged
        self.allowPrivilegeEscalation = allowPrivilegeEscalation
        self.seccompProfile = seccompProfile
    }
}

/// Capabilities added to and dropped from the default set, as the manifest spells them: `NET_ADMIN`, or `ALL`.
public struct CapabilityChanges: Sendable, Hashable {
    /// Added.
    public var add: [String]
    /// Dropped.
    public var drop: [String]

    /// These changes.
    public init(add: [String] = [], drop: [String] = []) {
        self.add = add
        self.drop = drop
    }
}

/// Which system call filter a container has.
public enum SeccompProfile: Sendable, Hashable {
    /// None.
    case unconfined
    /// The runtime's own.
    case runtimeDefault
    /// A file below the node's directory of profiles.
    case localhost(String)
}
