// SPDX-License-Identifier: Apache-2.0

public import NodeModel

// What others may know of a node.
extension NodeAgent {
    /// All pods of the node, by namespace and name: those that are there, and those that have to wait.
    public func statuses() async -> [PodStatus] {
        var statuses = waiting.map { pod, reason in
            var status = PodStatus(pod)
            status.reason = reason
            return status
        }
        for worker in workers.values {
            if let status = await worker.status() { statuses.append(status) }
        }
        return statuses.sorted {
            ($0.pod.namespace, $0.pod.name, $0.pod.uid) < ($1.pod.namespace, $1.pod.name, $1.pod.uid)
        }
    }

    /// All Jobs of the node as they were accepted, with their status.
    public func jobs() async -> [Job] { await store?.allJobs.map(\.parsed) ?? [] }

    /// What keeps the node from being as its manifests say: broken files, refused changes by field, damaged records, and
    /// what failed in the last look.
    public func problems() -> [NodeProblem] { damages + found }

    /// Numbers for monitoring: how often a controller was held back by a cache that was too old, how far the caches are, pods
    /// by phase.
    public func samples() async -> [MetricSample] {
        guard let store, let jobLoop else { return [] }
        var phases: [PodPhase: Int64] = [:]
        for pod in await store.allPods {
            phases[pod.life?.phase ?? (pod.stored.record == nil ? .pending : .unknown), default: 0] += 1
        }
        phases[.pending, default: 0] += Int64(waiting.count)
        return [jobLoop.metric, store.pods.metric, store.jobs.metric]
            + counters.samples
            + [
                MetricSample(
                    name: "kubelet_running_pods", kind: .gauge, help: "Pods of which a container runs.",
                    value: Double(phases[.running] ?? 0))
            ]
            + PodPhase.allCases.map { phase in
                MetricSample(
                    name: "bulkhead_pods", kind: .gauge, help: "Pods on the node by phase.",
                    labels: [MetricSample.Label(name: "phase", value: phase.rawValue)],
                    value: Double(phases[phase] ?? 0))
            }
            + [
                MetricSample(
                    name: "bulkhead_manifest_problems", kind: .gauge,
                    help: "What keeps the node from being as its manifests say.", value: Double(problems().count))
            ]
    }

    /// Why the loop that keeps the node in order is not well; nil when it is. A look is due at least at each rescan.
    public func syncProblem() -> String? {
        guard let last = lastSync ?? startedAt else { return "the agent has not started" }
        let age = clock.now - last
        let limit = max(.seconds(300), configuration.rescanInterval * 2)
        return age <= limit ? nil : "the last look at the node was finished \(age.components.seconds) s ago"
    }

    /// Whether the loop that keeps the node in order is well, for `/healthz/syncloop`.
    public var isInSync: Bool { lastSync != nil && syncProblem() == nil }
}
