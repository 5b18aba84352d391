// SPDX-License-Identifier: Apache-2.0

/// A pod: containers that share a place on a node.
public struct Pod: Sendable, Hashable {
    /// The namespace, `default` unless said otherwise.
    public var namespace: String
    /// The name, unique in the namespace.
    public var name: String
    /// The uid, unique on the node over time; names the pod's control group.
    public var uid: String
    /// What to run, and how.
    public var spec: PodSpec
    /// The class the API server recorded; it goes before what the resources say.
    public var recordedQoSClass: QoSClass?
    /// The phase the API server recorded.
    public var phase: PodPhase?
    /// What dynamic resource allocation granted on top of the requests (newer than Kubernetes 1.36).
    public var dynamicAllocations: ResourceList

    /// A pod.
    public init(
        namespace: String = "default", name: String, uid: String, spec: PodSpec, recordedQoSClass: QoSClass? = nil,
        phase: PodPhase? = nil, dynamicAllocations: ResourceList = [:]
    ) {
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.spec = spec
        self.recordedQoSClass = recordedQoSClass
        self.phase = phase
        self.dynamicAllocations = dynamicAllocations
    }

    /// The recorded class, or the one the resources stand for.
    public var qosClass: QoSClass { recordedQoSClass ?? QoSClass(of: spec) }

    /// Whether the pod takes part in sums: it has not ended.
    public var isActive: Bool { phase != .succeeded && phase != .failed }
}

extension Pod: CustomStringConvertible {
    /// `namespace/name`.
    public var description: String { "\(namespace)/\(name)" }
}

/// How far a pod is, as the API server records it.
public enum PodPhase: String, Sendable, Hashable, CaseIterable {
    /// Accepted, not yet running.
    case pending = "Pending"
    /// At least one container runs.
    case running = "Running"
    /// All containers ended well.
    case succeeded = "Succeeded"
    /// All containers ended, one of them badly.
    case failed = "Failed"
    /// The node cannot be asked.
    case unknown = "Unknown"
}

/// What becomes of containers that end.
public enum RestartPolicy: String, Sendable, Hashable, CaseIterable {
    /// They are started again.
    case always = "Always"
    /// They are started again unless they ended with 0.
    case onFailure = "OnFailure"
    /// They stay ended.
    case never = "Never"
}
