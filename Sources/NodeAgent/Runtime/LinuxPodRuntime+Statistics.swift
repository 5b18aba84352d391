// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
public import NodeModel
internal import SystemPackage

extension LinuxPodRuntime {
    /// What the node and these pods use now. What is gone meanwhile is left out; what the host does not count is nil.
    public func statistics(of pods: [PodStatus], nodeName: String) async -> NodeStatistics {
        let read = try? await threads.run { [cgroups] in
            var statistics = NodeStatistics(nodeName: nodeName, node: cgroups.machineUsage())
            statistics.memoryCapacityBytes = machineMemory()
            statistics.startTime = Self.startTime
            statistics.pods = pods.compactMap { cgroups.usage(of: $0) }
            return statistics
        }
        return read ?? NodeStatistics(nodeName: nodeName, node: .init(at: .wallClock))
    }

    /// When the machine was started (`/proc/stat`, `btime`).
    private static var startTime: Timestamp? {
        guard let text = try? readKernelFile("/proc/stat") else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Int64($0.dropFirst("btime ".count)) }.map { Timestamp(seconds: $0) }
    }
}

extension PodCgroups {
    /// What the machine uses.
    fileprivate func machineUsage() -> NodeStatistics.Usage { withRoot { .init(ofMachineBelow: $0, at: .wallClock) } }

    /// What a pod uses; nil when it is gone.
    fileprivate func usage(of status: PodStatus) -> NodeStatistics.OfPod? {
        let pod = status.pod
        let used = try? withPod(pod.uid) { try NodeStatistics.Usage(of: $0, at: .wallClock) }
        guard let usage = used ?? nil else { return nil }
        var found = NodeStatistics.OfPod(
            namespace: pod.namespace, name: pod.name, uid: pod.uid, startTime: status.startTime, usage: usage)
        for container in status.initContainers + status.containers where container.pid != nil {
            let used = try? withContainer(container.name, ofPod: pod.uid) {
                try NodeStatistics.Usage(of: $0, at: .wallClock)
            }
            guard let usage = used ?? nil else { continue }
            let startTime: Timestamp? = if case .running(let since) = container.state { since } else { nil }
            found.containers.append(.init(name: container.name, startTime: startTime, usage: usage))
        }
        return found
    }
}
