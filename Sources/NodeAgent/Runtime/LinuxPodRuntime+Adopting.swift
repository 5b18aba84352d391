// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
public import NodeModel

extension LinuxPodRuntime {
    /// Takes over a pod that runs.
    public func adopt(_ pod: Pod, attempts: [String: Int]) async throws(PodRuntimeError) -> [ContainerEnd] {
        let found = try await threads.run { [self] in try find(pod, attempts) }
        try await prepare(pod, sharing: found.running.values.first)
        for (container, process) in found.running where prepared[pod.uid]?.running[container] == nil {
            prepared[pod.uid]?.running[container] = process
            watch(process, container, ofPod: pod.uid)
        }
        return found.ended
    }

    private struct Found {
        var running: [String: ContainerProcess] = [:]
        var ended: [ContainerEnd] = []
    }

    /// Which containers run, and how the others ended. Blocks.
    private nonisolated func find(_ pod: Pod, _ attempts: [String: Int]) throws -> Found {
        var found = Found()
        for (container, attempt) in attempts.sorted(by: { $0.key < $1.key }) {
            let running = try cgroups.withContainer(container, ofPod: pod.uid) { try $0.containerInit() }
            let outcome = try folder.outcome(pod.uid, container, attempt)
            if let (pid, process) = running ?? nil {
                found.running[container] = ContainerProcess(
                    attempt: attempt, pid: pid, process: process, outcome: outcome)
            } else if let code = ContainerProcess.code(in: outcome) {
                found.ended.append(ContainerEnd(uid: pod.uid, container: container, attempt: attempt, code: code))
            }
        }
        return found
    }
}
