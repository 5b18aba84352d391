// SPDX-License-Identifier: Apache-2.0

/// A Job: pods that run until enough of them succeeded. Kubernetes' batch/v1.
public struct Job: Hashable, Sendable {
    /// The namespace, `default` unless said otherwise.
    public var namespace: String
    /// The name, unique in the namespace.
    public var name: String
    /// The uid, which it keeps over all changes.
    public var uid: String
    /// What it asks for.
    public var spec: JobSpec
    /// How far it is.
    public var status: JobStatus

    /// A Job.
    public init(
        namespace: String = "default", name: String, uid: String, spec: JobSpec, status: JobStatus = JobStatus()
    ) {
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.spec = spec
        self.status = status
    }

    /// The name with its namespace.
    public var objectName: ObjectName { ObjectName(namespace: namespace, name: name) }
}

extension Job: CustomStringConvertible {
    /// `namespace/name`.
    public var description: String { "\(namespace)/\(name)" }
}

/// What a Job asks for.
public struct JobSpec: Hashable, Sendable {
    /// How many pods run at a time at most.
    public var parallelism: Int32
    /// How many have to succeed; nil for "one success is the end of all".
    public var completions: Int32?
    /// Whether successes are counted, or indexes done.
    public var completionMode: JobCompletionMode
    /// How many pods may fail.
    public var backoffLimit: Int32
    /// How long it may be active in one go; nil for no limit.
    public var activeDeadlineSeconds: Int64?
    /// How long it is kept when it is finished; nil for ever.
    public var ttlSecondsAfterFinished: Int32?
    /// Whether it has no pods for now.
    public var suspend: Bool
    /// What a failed pod means, by exit code or condition; nil for one failure more.
    public var podFailurePolicy: PodFailurePolicy?
    /// When a pod that is being stopped is replaced.
    public var podReplacementPolicy: PodReplacementPolicy
    /// What its pods are.
    public var template: PodTemplate
    /// Fields that must not change and that nothing here implements, as they stand.
    public var otherFields: ManifestValue
    /// Fields that nothing here implements: who runs the Job must refuse it and name them.
    public var unimplementedFields: [UnimplementedField]

    /// A Job with the defaults of the Kubernetes API.
    ///
    /// Who says neither `parallelism` nor `completions` gets one of each. A failure policy replaces only pods that ended.
    public init(
        parallelism: Int32? = nil, completions: Int32? = nil, completionMode: JobCompletionMode = .nonIndexed,
        backoffLimit: Int32 = 6, activeDeadlineSeconds: Int64? = nil, ttlSecondsAfterFinished: Int32? = nil,
        suspend: Bool = false, podFailurePolicy: PodFailurePolicy? = nil,
        podReplacementPolicy: PodReplacementPolicy? = nil, template: PodTemplate,
        otherFields: ManifestValue = .nothing, unimplementedFields: [UnimplementedField] = []
    ) {
        self.parallelism = parallelism ?? 1
        self.completions = parallelism == nil && completions == nil ? 1 : completions
        self.completionMode = completionMode
        self.backoffLimit = backoffLimit
        self.activeDeadlineSeconds = activeDeadlineSeconds
        self.ttlSecondsAfterFinished = ttlSecondsAfterFinished
        self.suspend = suspend
        self.podFailurePolicy = podFailurePolicy
        self.podReplacementPolicy = podReplacementPolicy ?? (podFailurePolicy == nil ? .terminatingOrFailed : .failed)
        self.template = template
        self.otherFields = otherFields
        self.unimplementedFields = unimplementedFields
    }
}

/// How the pods of a Job count.
public enum JobCompletionMode: String, Hashable, Sendable, CaseIterable {
    /// Every success counts, one is like another.
    case nonIndexed = "NonIndexed"
    /// Each pod has an index, and each index has to succeed once.
    case indexed = "Indexed"
}

/// When a pod that is being stopped is replaced.
public enum PodReplacementPolicy: String, Hashable, Sendable, CaseIterable {
    /// At once.
    case terminatingOrFailed = "TerminatingOrFailed"
    /// When it has ended.
    case failed = "Failed"
}

/// What the pods of a Job are.
public struct PodTemplate: Hashable, Sendable {
    /// The labels of the pods.
    public var labels: [String: String]
    /// The annotations of the pods.
    public var annotations: [String: String]
    /// What they run.
    public var spec: PodSpec
    /// All of it as it stands in the manifest, for what has no place in the values above; nothing for a template that was
    /// made in code.
    public var fields: ManifestValue

    /// A template.
    public init(
        labels: [String: String] = [:], annotations: [String: String] = [:], spec: PodSpec,
        fields: ManifestValue = .nothing
    ) {
        self.labels = labels
        self.annotations = annotations
        self.spec = spec
        self.fields = fields
    }
}
