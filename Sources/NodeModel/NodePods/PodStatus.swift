// SPDX-License-Identifier: Apache-2.0

/// What is known of a pod on the node at one moment: what an agent shows and measures.
public struct PodStatus: Hashable, Sendable {
    /// A container's part.
    public struct Container: Hashable, Sendable {
        /// The name.
        public var name: String
        /// Where it is.
        public var state: ContainerLife.State
        /// How often it was started again.
        public var restartCount: Int
        /// Whether its readiness probe, if it has one, was answered well.
        public var isReady: Bool
        /// Whether it has started: its startup probe, if it has one, was answered well.
        public var hasStarted: Bool
        /// The process on the host that its control group began with; nil when nothing runs.
        public var pid: Int32?
        /// Why it waits or could not be started, in a sentence.
        public var reason: String?

        /// A container that was not started yet.
        public init(name: String) {
            self.name = name
            state = .waiting
            restartCount = 0
            isReady = false
            hasStarted = false
        }
    }

    /// The pod as its manifest describes it.
    public var pod: Pod
    /// How far it is.
    public var phase: PodPhase
    /// Whether all containers are ready.
    public var isReady = false
    /// Since when it is on the node.
    public var startTime: Timestamp?
    /// Its init containers, in order.
    public var initContainers: [Container]
    /// Its containers, in order.
    public var containers: [Container]
    /// The map of its user namespace; nil with the host's.
    public var userNamespace: IDMap?
    /// Its control group, beneath the root of the hierarchy; nil before it has one.
    public var cgroup: CgroupPath?
    /// Why it is not begun or not removed, in a sentence.
    public var reason: String?

    /// A pod of which nothing was started yet.
    public init(_ pod: Pod) {
        self.pod = pod
        phase = .pending
        initContainers = pod.spec.initContainers.map { Container(name: $0.name) }
        containers = pod.spec.containers.map { Container(name: $0.name) }
    }
}
