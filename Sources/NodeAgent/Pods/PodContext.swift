// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NodeModel
internal import Synchronization

/// What all pods of an agent have in common.
struct PodContext: Sendable {
    let runtime: any PodRuntime
    let store: NodeStore
    let clock: any NodeClock
    let backoff: CrashLoopBackoff
    /// How many pods are begun at a time.
    let permits: Permits
    let counters: PodCounters
    let logger: Logger
}

/// What is counted from the start of the agent on.
final class PodCounters: Sendable {
    struct Counts {
        var userNamespaced: Int64 = 0
        var userNamespacedErrors: Int64 = 0
    }
    private let counts = Mutex(Counts())

    /// A pod was made ready, or could not be.
    func prepared(_ pod: Pod, failed: Bool) {
        if pod.spec.hostUsers { return }
        counts.withLock { counts in
            counts.userNamespaced += 1
            if failed { counts.userNamespacedErrors += 1 }
        }
    }

    /// The numbers, by the names that Kubernetes has for them.
    var samples: [MetricSample] {
        let counts = counts.withLock { $0 }
        return [
            MetricSample(
                name: "kubelet_started_user_namespaced_pods_total", kind: .counter,
                help: "Pods with a user namespace of their own that were tried to start.",
                value: Double(counts.userNamespaced)),
            MetricSample(
                name: "kubelet_started_user_namespaced_pods_errors_total", kind: .counter,
                help: "Pods with a user namespace of their own that could not be started.",
                value: Double(counts.userNamespacedErrors)),
        ]
    }
}

/// The wait after something failed: a second, then twice as long each time, at most a minute; five minutes where trying
/// again is of no use before the host changes.
struct RetryDelay: Hashable, Sendable {
    private(set) var failures = 0

    mutating func next(isPermanent: Bool = false) -> Duration {
        failures += 1
        if isPermanent { return .seconds(300) }
        return .seconds(min(60, 1 << min(failures - 1, 6)))
    }

    mutating func reset() { failures = 0 }
}
