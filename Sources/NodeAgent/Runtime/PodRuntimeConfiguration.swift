// SPDX-License-Identifier: Apache-2.0

public import Launching
public import NodeModel

/// What a ``LinuxPodRuntime`` has to know of its node.
public struct PodRuntimeConfiguration: Sendable {
    /// The machine, and where the control groups of its pods are.
    public var node: Node
    /// How requests are turned into protection.
    public var policy: MemoryReservationPolicy
    /// Directories of images by name; `host` is a read-only view of this host.
    public var images: [String: String]
    /// A folder of the agent's own, which outlives it: ranges of ids, volumes, outcomes, logs.
    public var stateFolder: String
    /// Whether to go on without what this host cannot give: controllers of cgroup v2.
    public var bestEffort = false
    /// The ids for pods with a user namespace of their own; nil for those that a kubelet would take.
    public var idRange: IDRange?
    /// The most pods that have ids at a time.
    public var maxPods: UInt32 = 110
    /// Resource limits of containers; what is not named is the agent's own.
    public var limits: [ResourceLimit] = []
    /// How much of a log is kept; the beginning goes first. Only on a file system that gives back the room within a file, which
    /// those on disks and tmpfs do.
    public var logLimit = ByteCount.mebibytes(10)
    /// How long processes may take to end after SIGKILL.
    public var killTimeout: Duration = .seconds(30)

    /// The pods of a node, with all that an agent keeps in a folder.
    public init(
        node: Node, policy: MemoryReservationPolicy = .tieredReservation, images: [String: String] = [:],
        stateFolder: String
    ) {
        self.node = node
        self.policy = policy
        self.images = images
        self.stateFolder = stateFolder
    }
}
