// SPDX-License-Identifier: Apache-2.0

/// A pod as one version of its manifest describes it.
public struct PodVersion: Hashable, Sendable, Codable {
    /// The namespace.
    public var namespace: String
    /// The name. Of two pods of one name, only one is on the node at a time.
    public var name: String
    /// The uid, which names its control groups.
    public var uid: String
    /// A digest of all that its manifest says: another one is another pod, in the place of the old one.
    public var digest: String

    /// A pod.
    public init(namespace: String = "default", name: String, uid: String, digest: String) {
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.digest = digest
    }

    /// The name with its namespace.
    public var objectName: ObjectName { ObjectName(namespace: namespace, name: name) }
}

/// What an agent has written down of a pod. Each change is written before what it announces is done, so that whoever comes
/// after a kill at any instant knows at least as much as has happened.
public struct PodRecord: Hashable, Sendable, Codable {
    /// How far it is.
    public enum Stage: String, Hashable, Sendable, Codable {
        /// Its containers are started, and started again.
        case running
        /// It is to end.
        case stopping
        /// It ended by itself, and nothing of it is started any more.
        case ended
    }

    /// Which pod.
    public var version: PodVersion
    /// How far it is.
    public var stage: Stage = .running
    /// How long its containers have when they are stopped.
    public var gracePeriodSeconds: UInt32
    /// When everything that still runs is killed; nil unless it is stopping.
    public var killTime: Timestamp?
    /// Its containers that were started, by name.
    public var containers: [String: ContainerRecord] = [:]

    /// A pod of which nothing was started yet.
    public init(_ version: PodVersion, gracePeriodSeconds: UInt32 = 30) {
        self.version = version
        self.gracePeriodSeconds = gracePeriodSeconds
    }

    /// The same where nothing is later than a time. A machine without a clock of its own may be years back when it starts, and
    /// whatever waited for what was written down would wait for years.
    public func notAfter(_ now: Timestamp) -> PodRecord {
        var record = self
        record.killTime = killTime.map { min($0, now + .seconds(Int64(gracePeriodSeconds))) }
        record.containers = containers.mapValues { container in
            var container = container
            container.begunAt = min(container.begunAt, now)
            if let time = container.exit?.time { container.exit?.time = min(time, now) }
            return container
        }
        return record
    }

    /// The same after the machine was started again: whatever ran was killed. In a pod that goes on, what its init containers
    /// made ready is gone (namespaces, volumes in memory), so they run once more, and then the others.
    /// - Parameters:
    ///   - spec: what the pod is; nil when nobody knows any more.
    ///   - now: the time.
    public func afterReboot(of spec: PodSpec?, at now: Timestamp) -> PodRecord {
        var record = self
        for (name, container) in containers where container.exit == nil {
            record.containers[name]?.exit = ContainerRecord.Exit(code: 137, time: now)
        }
        guard stage == .running, let spec else { return record }
        if ManagedPod(recovering: record, spec: spec, sighting: nil, at: now).life.hasEnded { return record }
        let isInitial = Set(spec.initContainers.map(\.name))
        for (name, container) in record.containers {
            // What has succeeded for good is not done again.
            if !isInitial.contains(name), container.exit?.code == 0, spec.restartPolicy != .always { continue }
            record.containers[name]?.attempt += 1
            record.containers[name]?.exit = nil
            record.containers[name]?.hasStarted = false
        }
        return record
    }
}

/// What an agent has written down of a container.
public struct ContainerRecord: Hashable, Sendable, Codable {
    /// How a container ended.
    public struct Exit: Hashable, Sendable, Codable {
        /// The exit code; 128 + n for signal n.
        public var code: Int32
        /// When.
        public var time: Timestamp

        /// An end.
        public init(code: Int32, time: Timestamp) {
            self.code = code
            self.time = time
        }
    }

    /// The number of the start that was begun last; 1 for the first.
    public var attempt: Int
    /// When it was begun.
    public var begunAt: Timestamp
    /// Whether its startup probe succeeded.
    public var hasStarted = false
    /// How that attempt ended; nil as long as nobody has seen it.
    public var exit: Exit?
    /// The wait before the next one.
    public var backoff: CrashLoopBackoff

    /// A start that is begun.
    public init(attempt: Int, begunAt: Timestamp, backoff: CrashLoopBackoff) {
        self.attempt = attempt
        self.begunAt = begunAt
        self.backoff = backoff
    }
}

/// What the kernel shows of a pod: its control groups.
public struct PodSighting: Hashable, Sendable {
    /// A container's control group. It is made anew for each attempt, and a process is born in it or not at all.
    public struct Container: Hashable, Sendable {
        /// Whether a process is in it.
        public var isPopulated: Bool
        /// Whether a process ever was: it used the processor.
        public var hasRun: Bool

        /// A control group.
        public init(isPopulated: Bool, hasRun: Bool) {
            self.isPopulated = isPopulated
            self.hasRun = hasRun
        }
    }

    /// The uid in the name of the pod's control group.
    public var uid: String
    /// The containers that have one, by name.
    public var containers: [String: Container]

    /// A pod's control group.
    public init(uid: String, containers: [String: Container] = [:]) {
        self.uid = uid
        self.containers = containers
    }

    /// Whether a process is in any of them.
    public var isPopulated: Bool { containers.values.contains { $0.isPopulated } }
}
