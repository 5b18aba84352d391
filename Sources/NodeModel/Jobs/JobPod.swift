// SPDX-License-Identifier: Apache-2.0

/// A pod of a Job, as far as the Job is concerned.
public struct JobPod: Hashable, Sendable {
    /// A container that ended.
    public struct Exit: Hashable, Sendable {
        /// The container.
        public var container: String
        /// Its exit code; 128 + n for signal n.
        public var code: Int32

        /// An exit.
        public init(container: String, code: Int32) {
            self.container = container
            self.code = code
        }
    }

    /// The name.
    public var name: String
    /// The uid.
    public var uid: String
    /// A number that no earlier pod of the Job had.
    public var serial: UInt64
    /// Its index, in an Indexed Job.
    public var index: Int32?
    /// How far it is.
    public var phase: PodPhase
    /// Whether it is ready.
    public var isReady: Bool
    /// Whether it is being stopped.
    public var isTerminating: Bool
    /// Whether the Job let go of it (``JobDecision/Deletion/isReleased``): however it ends, it does not count.
    public var isReleased: Bool
    /// How often containers of it were started again.
    public var restarts: Int32
    /// When it ended.
    public var finishedAt: Timestamp?
    /// The containers that ended.
    public var exits: [Exit]
    /// Conditions by type: `DisruptionTarget` is `True`.
    public var conditions: [String: String]

    /// A pod.
    public init(
        name: String, uid: String, serial: UInt64, index: Int32? = nil, phase: PodPhase = .pending,
        isReady: Bool = false,
        isTerminating: Bool = false, isReleased: Bool = false, restarts: Int32 = 0, finishedAt: Timestamp? = nil,
        exits: [Exit] = [], conditions: [String: String] = [:]
    ) {
        self.name = name
        self.uid = uid
        self.serial = serial
        self.index = index
        self.phase = phase
        self.isReady = isReady
        self.isTerminating = isTerminating
        self.isReleased = isReleased
        self.restarts = restarts
        self.finishedAt = finishedAt
        self.exits = exits
        self.conditions = conditions
    }

    /// Whether all its containers ended.
    public var hasEnded: Bool { phase == .succeeded || phase == .failed }

    /// Whether it neither ended nor is being stopped.
    public var isActive: Bool { !hasEnded && !isTerminating }
}

/// What is to be done for a Job now.
///
/// The status is to be written first: pods that ended may only be removed once the status that counts them is on disk.
/// Nothing is lost when a deletion or a creation does not happen: it is decided again.
public struct JobDecision: Hashable, Sendable {
    /// A pod to be made from the template.
    public struct Creation: Hashable, Sendable {
        /// Its name: the Job's, its index, its serial.
        public var name: String
        /// Its ``JobPod/serial``.
        public var serial: UInt64
        /// Its index, in an Indexed Job: `JOB_COMPLETION_INDEX` in each container, and the host name is the Job's name with
        /// it.
        public var index: Int32?

        /// A pod that was decided on before.
        public init(name: String, serial: UInt64, index: Int32?) {
            self.name = name
            self.serial = serial
            self.index = index
        }
    }
    /// A pod to be stopped.
    public struct Deletion: Hashable, Sendable {
        /// Its uid.
        public var uid: String
        /// Whether it does not count however it ends; to be written down before it is stopped (``JobPod/isReleased``).
        public var isReleased: Bool
    }
    /// Something to tell.
    public struct Event: Hashable, Sendable {
        /// Whether it is a warning.
        public var isWarning: Bool
        /// A word: `Suspended`.
        public var reason: String
        /// A sentence.
        public var message: String
    }

    /// The new status.
    public var status: JobStatus
    /// Pods to be made.
    public var create: [Creation] = []
    /// Pods to be stopped.
    public var delete: [Deletion] = []
    /// What is to be told.
    public var events: [Event] = []
    /// When to look again although nothing happens; nil for no need.
    public var again: Timestamp?
    /// Whether the Job ended long enough ago to be removed with its pods (`ttlSecondsAfterFinished`).
    public var isExpired = false

    /// Nothing but a status.
    public init(status: JobStatus) { self.status = status }
}
