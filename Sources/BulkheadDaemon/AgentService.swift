// SPDX-License-Identifier: Apache-2.0

internal import NodeAgent
internal import NodeModel
internal import NodeServer
internal import ToolOutput

/// What the server serves: the agent, and what its runtime knows of the kernel.
struct AgentService: NodeService {
    let agent: NodeAgent
    let runtime: LinuxPodRuntime
    let settings: AgentSettings
    let server: ServerOptions

    var nodeName: String { settings.nodeName }
    var logDirectory: String? { "\(settings.runtime.stateFolder)/logs" }

    func pods() async -> [PodStatus] { await agent.statuses() }

    func checks() async -> [(name: String, failure: String?)] {
        [("ping", nil), ("log", nil), ("syncloop", await agent.syncProblem())]
    }

    func statistics() async -> NodeStatistics {
        await runtime.statistics(of: await agent.statuses(), nodeName: nodeName)
    }

    func samples() async -> [MetricSample] {
        let statuses = await agent.statuses()
        return await agent.samples() + protection(of: statuses)
            + (await runtime.statistics(of: statuses, nodeName: nodeName, withContainers: false)).samples
    }

    func log(_ request: LogRequest) async throws(NodeServiceError) -> AsyncThrowingStream<[UInt8], any Error> {
        let (status, _) = try await find(request.container)
        do { return try await runtime.log(of: request.container.container, in: status.pod, request.query) } catch {
            throw error.isPermanent ? .notFound("\(error)") : .failed("\(error)")
        }
    }

    /// What the pods that are here ask to have protected, as the kubelet's two gauges tell.
    private func protection(of statuses: [PodStatus]) -> [MetricSample] {
        let pods = statuses.filter { $0.phase == .running || $0.phase == .pending }.map(\.pod)
        let plan = try? MemoryPlan(node: settings.runtime.node, pods: pods, policy: settings.runtime.policy)
        guard let metrics = plan?.metrics else { return [] }
        return [
            MetricSample(
                name: "kubelet_memory_qos_node_memory_min_bytes", kind: .gauge,
                help: "Memory that Guaranteed pods ask for, which is never reclaimed (memory.min).",
                value: Double(metrics.guaranteed.bytes)),
            MetricSample(
                name: "kubelet_memory_qos_node_memory_low_bytes", kind: .gauge,
                help: "Memory that Burstable pods ask for, which is reclaimed last (memory.low).",
                value: Double(metrics.burstable.bytes)),
        ]
    }
}
