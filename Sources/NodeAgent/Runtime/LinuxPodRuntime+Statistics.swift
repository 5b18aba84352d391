// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
public import NodeModel
internal import SystemPackage

extension LinuxPodRuntime {
    /// What the node and these pods use now. What is gone meanwhile is left out; what the host does not count is nil.
    /// - Parameters:
    ///   - pods: the pods.
    ///   - nodeName: the node's name.
    ///   - withContainers: whether each container's use is wanted, too, and not only that of all in a pod.
    public func statistics(
        of pods: [PodStatus], nodeName: String, withContainers: Bool = true
    ) async -> NodeStatistics {
        let read = try? await threads.run { [cgroups] in
            var statistics = NodeStatistics(nodeName: nodeName, node: cgroups.machineUsage())
            statistics.memoryCapacityBytes = machineMemory()
            statistics.startTime = Self.startTime
            statistics.pods = pods.compactMap { cgroups.usage(of: $0, withContainers) }
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
    fileprivate func usage(of status: PodStatus, _ withContainers: Bool) -> NodeStatistics.OfPod? {
        let pod = status.pod
        return try? withPod(pod) { cgroup in
            var found = NodeStatistics.OfPod(
                namespace: pod.namespace, name: pod.name, uid: pod.uid, startTime: status.startTime,
                usage: try NodeStatistics.Usage(of: cgroup, at: .wallClock))
            guard withContainers else { return found }
            for container in status.initContainers + status.containers where container.pid != nil {
                // What has ended meanwhile uses nothing.
                guard let usage = try? usage(of: container.name, in: cgroup) else { continue }
                let startTime: Timestamp? = if case .running(let since) = container.state { since } else { nil }
                found.containers.append(.init(name: container.name, startTime: startTime, usage: usage))
            }
            return found
        }
    }

    private func usage(
        of container: String, in pod: borrowing Cgroup
    ) throws(KernelError) -> NodeStatistics.Usage {
        let cgroup = try pod.openChild(leaf(container))
        return try NodeStatistics.Usage(of: cgroup, at: .wallClock)
    }
}
