// SPDX-License-Identifier: Apache-2.0

/// How far a Job is.
///
/// Kubernetes counts ended pods in two steps, with a finalizer on each pod (`uncountedTerminatedPods`). Here the counters
/// and the uids of the pods that are in them are one value: written to disk as one, no pod is counted twice, nor lost, at
/// whatever instant its writer is killed. A pod that ended may be removed once its uid is in ``counted``.
public struct JobStatus: Hashable, Sendable, Codable {
    /// Pods that neither ended nor are being stopped.
    public var active: Int32
    /// Active pods that are ready.
    public var ready: Int32
    /// Pods that are being stopped.
    public var terminating: Int32
    /// Pods that succeeded; of an Indexed Job, indexes.
    public var succeeded: Int32
    /// Pods that failed.
    public var failed: Int32
    /// When it began, or was resumed.
    public var startTime: Timestamp?
    /// When it completed.
    public var completionTime: Timestamp?
    /// What is to be said of it.
    public var conditions: [JobCondition]
    /// The indexes that are done, of an Indexed Job.
    public var completedIndexes: CompletionIndexes
    /// Pods that ended, are still there, and are in the counters.
    public var counted: Set<String>
    /// Failures since the last success, which put off the next pod.
    public var consecutiveFailures: Int32
    /// When the last of them was.
    public var lastFailureTime: Timestamp?
    /// The highest ``JobPod/serial`` that was given.
    public var lastSerial: UInt64

    /// A Job that nobody looked at yet.
    public init() {
        (active, ready, terminating, succeeded, failed) = (0, 0, 0, 0, 0)
        conditions = []
        completedIndexes = CompletionIndexes()
        counted = []
        consecutiveFailures = 0
        lastSerial = 0
    }

    /// The condition of a type, when it is true.
    public func isTrue(_ type: JobCondition.Kind) -> JobCondition? {
        conditions.first { $0.type == type && $0.status }
    }

    /// How it ended; nil as long as it has not.
    public var finished: JobCondition? { isTrue(.complete) ?? isTrue(.failed) }

    /// Sets a condition. One that is not there is not set to false: from nothing to false is no change.
    /// - Returns: whether anything changed.
    @discardableResult mutating func set(_ condition: JobCondition) -> Bool {
        guard let index = conditions.firstIndex(where: { $0.type == condition.type }) else {
            if condition.status { conditions.append(condition) }
            return condition.status
        }
        if conditions[index].isSame(as: condition) { return false }
        conditions[index] = condition
        return true
    }
}

/// Something to be said of a Job.
public struct JobCondition: Hashable, Sendable {
    /// What.
    public enum Kind: String, Hashable, Sendable, CaseIterable, Codable {
        /// It has no pods because it is suspended.
        case suspended = "Suspended"
        /// It is done.
        case complete = "Complete"
        /// It failed.
        case failed = "Failed"
        /// It is about to fail; pods are being stopped.
        case failureTarget = "FailureTarget"
        /// It is about to be done; pods are being stopped.
        case successCriteriaMet = "SuccessCriteriaMet"
    }

    /// What.
    public var type: Kind
    /// Whether it is so, or was.
    public var status: Bool
    /// Why, as a word.
    public var reason: String
    /// Why, as a sentence.
    public var message: String
    /// Since when.
    public var lastTransitionTime: Timestamp

    /// A condition.
    public init(_ type: Kind, status: Bool = true, reason: String = "", message: String = "", since: Timestamp) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        lastTransitionTime = since
    }

    fileprivate func isSame(as other: JobCondition) -> Bool {
        status == other.status && reason == other.reason && message == other.message
    }
}
