// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import Logging
public import NodeModel

extension LinuxPodRuntime {
    /// Takes over a pod that runs.
    public func adopt(_ pod: Pod, attempts: [String: Int]) async throws(PodRuntimeError) -> [ContainerEnd] {
        let found = try await threads.run { [self] in try find(pod, attempts) }
        if let first = found.running.values.first { try await takeOver(pod, first) }
        for (container, process) in found.running where prepared[pod.uid]?.running[container] == nil {
            prepared[pod.uid]?.running[container] = process
            watch(process, container, ofPod: pod.uid)
        }
        // Without their init, processes are on their way out: nothing would ever tell that they are gone.
        for container in found.ended.keys { try await kill(container, ofPod: pod.uid) }
        return try await threads.run { [folder] in
            try found.ended.sorted { $0.key < $1.key }.map { container, attempt in
                let code = ContainerProcess.code(in: try folder.outcome(pod.uid, container, attempt))
                return ContainerEnd(uid: pod.uid, container: container, attempt: attempt, code: code ?? 137)
            }
        }
    }

    /// What runs is taken over as it is, whatever the host would say to a pod that begins.
    private func takeOver(_ pod: Pod, _ process: ContainerProcess) async throws(PodRuntimeError) {
        let (plan, namespaces) = try await threads.run { [self] in
            let plan = try planned(pod)
            return (plan, PodNamespaces(try process.sharedNamespaces(of: plan)))
        }
        if prepared[pod.uid] == nil { prepared[pod.uid] = Prepared(plan: plan, namespaces: namespaces) }
        do { try await treeThread.run { [cgroups] in try cgroups.make(pod) } } catch {
            logger.warning(
                "a pod that runs keeps the values that its control groups have",
                metadata: ["pod": "\(pod)", "cause": "\(error)"])
        }
    }

    private struct Found {
        var running: [String: ContainerProcess] = [:]
        /// Those that ran and have no init any more, by their attempts.
        var ended: [String: Int] = [:]
    }

    /// Which containers run, and which did. Blocks.
    private nonisolated func find(_ pod: Pod, _ attempts: [String: Int]) throws -> Found {
        var found = Found()
        // What somebody else made is not taken over.
        guard try folder.has(pod.uid) else { return found }
        for (container, attempt) in attempts {
            let seen = try cgroups.withContainer(container, ofPod: pod.uid) { cgroup in
                (running: try cgroup.containerInit(), hasRun: try PodCgroups.look(at: cgroup).hasRun)
            }
            let outcome = try folder.outcome(pod.uid, container, attempt)
            // Without a file for its outcome it was not begun, and the control group is that of the attempt before.
            let isBegun = outcome != nil
            if let (pid, process) = seen?.running {
                found.running[container] = ContainerProcess(
                    attempt: attempt, pid: pid, process: process, outcome: outcome)
            } else if isBegun, seen?.hasRun == true || ContainerProcess.code(in: outcome) != nil {
                found.ended[container] = attempt
            }
        }
        return found
    }
}
