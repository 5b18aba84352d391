// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// What does to the kernel what an agent decides: the real one (``LinuxPodRuntime``), or a test's.
///
/// Every operation can be done again after a kill at any instant: what is done already is no failure. Nothing of a pod is
/// remembered but in the kernel and in the runtime's own folder.
public protocol PodRuntime: Sendable {
    /// What the kernel shows of the agent's pods. Those that somebody else made beneath the same root are none of them.
    /// - Parameter known: pods, by uid, of which nobody wants to know anything.
    func sightings(besides known: Set<String>) async throws(PodRuntimeError) -> [PodSighting]

    /// Takes over a pod that runs: watches its containers, so that ``ends`` tells of them, and knows its range of ids and its
    /// namespaces again. To be called for each pod that is carried on, before anything else is done with it.
    /// - Returns: how containers that ran and do not any more ended, 137 where nobody knows. Of those that are not in it and
    ///   were seen with a process, the end is told by ``ends``.
    func adopt(_ pod: Pod, attempts: [String: Int]) async throws(PodRuntimeError) -> [ContainerEnd]

    /// Makes ready what the containers share: a range of ids, control groups with their values and all that follows above,
    /// namespaces, the folders of volumes.
    func prepare(_ pod: Pod) async throws(PodRuntimeError)

    /// Makes the container's control group anew and starts it there.
    func start(_ container: String, of pod: Pod, attempt: Int) async throws(PodRuntimeError)

    /// Sends the signal to stop. That nothing runs is no failure.
    func signal(_ container: String, ofPod uid: String) async throws(PodRuntimeError)

    /// Kills all that is in the container's control group, and waits until it is empty.
    func kill(_ container: String, ofPod uid: String) async throws(PodRuntimeError)

    /// Gives back what a pod has that ended by itself: control groups, claims of protection, its range of ids, namespaces,
    /// volumes that end with it. Its logs stay until it is removed.
    func release(_ uid: String) async throws(PodRuntimeError)

    /// Kills what is left of a pod, whether it was begun by this agent or not, and removes control groups, claims of
    /// protection, its range of ids, namespaces, volumes that end with it, logs.
    func remove(_ uid: String) async throws(PodRuntimeError)

    /// Asks a probe; nil when it could not be asked.
    func ask(_ probe: Probe, of container: String, in pod: Pod) async -> Bool?

    /// The ends of containers as they happen, once each, also of adopted ones. One consumer.
    var ends: AsyncStream<ContainerEnd> { get }

    /// What is known of a running pod: its map, its control group, the processes its containers began with.
    func describe(_ status: inout PodStatus) async
}

extension PodRuntime {
    /// What the kernel shows of all of the agent's pods.
    public func sightings() async throws(PodRuntimeError) -> [PodSighting] { try await sightings(besides: []) }
}

/// The end of a container.
public struct ContainerEnd: Hashable, Sendable {
    /// The pod.
    public var uid: String
    /// The container.
    public var container: String
    /// Which of its starts.
    public var attempt: Int
    /// The exit code: 128 + n for signal n; 137 where it is not known.
    public var code: Int32

    /// An end.
    public init(uid: String, container: String, attempt: Int, code: Int32) {
        self.uid = uid
        self.container = container
        self.attempt = attempt
        self.code = code
    }
}

/// Why something could not be done for a pod.
public struct PodRuntimeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What, and the cause, in a sentence.
    public let description: String
    /// Whether it would fail again without a change of the manifest or of the host.
    public let isPermanent: Bool
    /// Whether it is the container's command that failed, and not the host: it counts as an end of the container.
    public let isOfCommand: Bool

    /// A failure.
    public init(_ description: String, isPermanent: Bool = false, isOfCommand: Bool = false) {
        self.description = description
        self.isPermanent = isPermanent
        self.isOfCommand = isOfCommand
    }
}
