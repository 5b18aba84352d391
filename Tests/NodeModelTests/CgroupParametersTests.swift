// SPDX-License-Identifier: Apache-2.0

import NodeModel
import TestSupport
import Testing

// The fields are named as in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Table: Decodable {
    struct PodRow: Decodable {
        struct Expected: Decodable {
            let cpu_shares: UInt64
            let cpu_quota: Int64?
            let cpu_period: UInt64?
            let memory: UInt64?
        }
        let test: String
        let containers: [VectorResources]
        let init_containers: [VectorResources]
        let pod_level: VectorResources?
        let pod_level_resources_gate: Bool
        let enforce_cpu_limits: Bool
        let quota_period_us: UInt64
        let expected: Expected
    }
    struct ContainerRow: Decodable {
        struct Expected: Decodable {
            let cpu_period: UInt64
            let cpu_quota: Int64
            let cpu_shares: UInt64
            let memory_limit: UInt64
            let unified: [String: String]
        }
        let test: String
        let cpu_request: String?
        let cpu_limit: String?
        let memory_limit: String
        let single_process_oom_kill: Bool
        let expected: Expected
    }
    struct OOM: Decodable {
        struct Expected: Decodable {
            let cpu_shares: UInt64
            let memory_limit: UInt64?
            let oom_score_adj: Int
        }
        let test: String
        let memory_capacity: UInt64
        let requests: [String: String]
        let limits: [String: String]
        let expected: Expected
    }
    let pod: [PodRow]
    let container: [ContainerRow]
    let oom_score_adj: [OOM]
}

@Suite struct CgroupParametersTests {
    private let table: Table

    init() throws { table = try vectors("pod_cgroup_config.json") }

    @Test func `The parameters of every pod in the table are the kubelet's`() throws {
        for row in table.pod {
            let parameters = PodCgroupParameters(
                of: try pod(row.containers, initContainers: row.init_containers, podLevel: row.pod_level),
                enforceCPULimits: row.enforce_cpu_limits, quotaPeriod: row.quota_period_us,
                podLevelResources: row.pod_level_resources_gate)
            #expect(parameters.cpuShares.count == row.expected.cpu_shares, "\(row.test)")
            let quota = row.expected.cpu_quota.map {
                CPUQuota(microseconds: $0, period: row.expected.cpu_period ?? 0)
            }
            #expect(parameters.cpuQuota == quota, "\(row.test)")
            #expect(parameters.memoryLimit?.bytes == row.expected.memory, "\(row.test)")
        }
    }

    @Test func `The parameters of every container in the table are the kubelet's`() throws {
        for row in table.container {
            var resources = ResourceRequirements(limits: ["memory": try Quantity(parsing: row.memory_limit)])
            resources.requests["cpu"] = try row.cpu_request.map { try Quantity(parsing: $0) }
            resources.limits["cpu"] = try row.cpu_limit.map { try Quantity(parsing: $0) }
            let parameters = ContainerCgroupParameters(
                of: resources, singleProcessOOMKill: row.single_process_oom_kill)
            #expect(parameters.cpuShares.count == row.expected.cpu_shares, "\(row.test)")
            #expect((parameters.cpuQuota?.microseconds ?? 0) == row.expected.cpu_quota, "\(row.test)")
            #expect((parameters.cpuQuota ?? .unlimited()).period == row.expected.cpu_period, "\(row.test)")
            #expect((parameters.memoryLimit?.bytes ?? 0) == row.expected.memory_limit, "\(row.test)")
            let group = row.expected.unified["memory.oom.group"] == "1"
            #expect(parameters.killsWhole == group, "\(row.test)")
        }
    }

    @Test func `The out-of-memory killer spares containers by class and share`() throws {
        for row in table.oom_score_adj {
            let resources = VectorResources(requests: row.requests, limits: row.limits)
            let qosClass = try pod([resources]).qosClass
            let score = qosClass.oomScoreAdjustment(
                request: try resources.model().requests.memoryBytes, capacity: ByteCount(row.memory_capacity))
            #expect(score == row.expected.oom_score_adj, "\(row.test)")
            let parameters = ContainerCgroupParameters(of: try resources.model())
            #expect(parameters.cpuShares.count == row.expected.cpu_shares, "\(row.test)")
            #expect(parameters.memoryLimit?.bytes == row.expected.memory_limit, "\(row.test)")
        }
        #expect(QoSClass.burstable.oomScoreAdjustment(request: .gibibytes(9), capacity: .gibibytes(8)) == 3)
        #expect(QoSClass.burstable.oomScoreAdjustment(request: .zero, capacity: .gibibytes(8)) == 999)
    }

    /// Source: kuberuntime_container_linux.go, getCPULimit and getMemoryLimit; Kubernetes PR 131089 for huge pages.
    @Test func `A limit that a container does not declare is that of its pod`() {
        let podLimits: ResourceList = [
            "memory": Quantity(4096), "cpu": Quantity(2), "hugepages-2Mi": Quantity(4 << 20),
            "hugepages-1Gi": Quantity(1 << 30),
        ]
        let silent = ContainerCgroupParameters(of: .init(), podLimits: podLimits)
        #expect(silent.memoryLimit == ByteCount(4096))
        #expect(silent.cpuQuota == CPUQuota(microseconds: 200_000))
        #expect(silent.cpuShares.count == 2048)
        #expect(silent.hugePages == [.mebibytes(2): .mebibytes(4), .gibibytes(1): .gibibytes(1)])
        let own = ResourceRequirements(
            requests: ["cpu": Quantity(milli: 100)],
            limits: ["cpu": Quantity(1), "memory": Quantity(8192), "hugepages-2Mi": Quantity(2 << 20)])
        let speaking = ContainerCgroupParameters(of: own, podLimits: podLimits)
        #expect(speaking.memoryLimit == ByteCount(8192))
        #expect(speaking.cpuQuota == CPUQuota(microseconds: 100_000))
        #expect(speaking.cpuShares.count == 102)
        #expect(speaking.hugePages == [.mebibytes(2): .mebibytes(2), .gibibytes(1): .gibibytes(1)])
        #expect(ContainerCgroupParameters(of: .init(), podLimits: podLimits, enforceCPULimits: false).cpuQuota == nil)
    }
}
