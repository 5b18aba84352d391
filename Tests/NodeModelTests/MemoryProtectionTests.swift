// SPDX-License-Identifier: Apache-2.0

import NodeModel
import TestSupport
import Testing

// The fields are named as in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Table: Decodable {
    struct PodRow: Decodable {
        let test: String
        let policy: String
        let containers: [VectorResources]
        let expected_pod_unified: [String: String]
    }
    struct Request: Decodable {
        let cpu_milli: Int64
        let memory: Int64
    }
    struct ClassRow: Decodable {
        let test: String
        let policy: String
        let pods: [[VectorResources]]?
        let pod_level: [String: VectorResources]?
        let dra_memory_per_pod: [String: String]?
        let qos_reserved_memory_percent: UInt8?
        let node_allocatable_memory: UInt64?
        let guaranteed_requests: [Request]?
        let burstable_requests: [Request]?
        let best_effort_pods: Int?
        let expected: [String: NumberOrText]
    }
    struct EndToEnd: Decodable {
        let test: String
        let policy: String
        let request: String
        let limit: String
        let cpu: String?
        let expected: [String: NumberOrText]
    }
    let pod_level: [PodRow]
    let qos_level: [ClassRow]
    let e2e: [EndToEnd]
}

@Suite struct MemoryProtectionTests {
    private let table: Table

    init() throws { table = try vectors("memory_protection.json") }

    @Test func `A pod has exactly the protection of the table`() throws {
        for row in table.pod_level {
            let policy = try #require(MemoryReservationPolicy(rawValue: row.policy))
            let plan = try MemoryPlan(node: Node(), pods: [pod(row.containers)], policy: policy)
            let files = try #require(plan[.pod(uid: "uid")]).files
            let protection = files.filter { $0.name == "memory.min" || $0.name == "memory.low" }
            let texts = Dictionary(protection.map { ($0.name, $0.value) }) { $1 }
            #expect(texts == row.expected_pod_unified, "\(row.test)")
        }
    }

    @Test func `The root and the classes have the sums of the table`() throws {
        for row in table.qos_level {
            let node = Node(
                capacity: NodeResources(memory: row.node_allocatable_memory.map { ByteCount($0) }),
                qosReservedMemoryPercent: row.qos_reserved_memory_percent)
            let policy = try #require(MemoryReservationPolicy(rawValue: row.policy))
            let plan = try MemoryPlan(node: node, pods: try pods(of: row), policy: policy)
            try expect(plan, row.expected, row.test)
        }
    }

    @Test func `Pods and containers have what a node under test had`() throws {
        for row in table.e2e {
            let steps = row.policy.split(separator: " then ")
            let cpu = row.cpu?.split(separator: "/").map(String.init) ?? []
            let resources = VectorResources(
                requests: ["memory": row.request].merging(cpu.first.map { ["cpu": $0] } ?? [:]) { $1 },
                limits: ["memory": row.limit].merging(cpu.last.map { ["cpu": $0] } ?? [:]) { $1 })
            // "Gate off" leaves what the last policy wrote.
            let policy = steps.compactMap { MemoryReservationPolicy(rawValue: String($0)) }.last
            let plan = try MemoryPlan(node: Node(), pods: [pod([resources])], policy: try #require(policy))
            try expect(plan, row.expected, row.test)
        }
    }

    private func pods(of row: Table.ClassRow) throws -> [Pod] {
        var pods: [Pod] = []
        for (index, containers) in (row.pods ?? []).enumerated() {
            var one = try pod(containers, podLevel: row.pod_level?["\(index)"], uid: "\(index)")
            if let memory = row.dra_memory_per_pod?["\(index)"] {
                one.dynamicAllocations = try resourceList(["memory": memory])
            }
            pods.append(one)
        }
        func asking(_ request: Table.Request, limited: Bool) throws -> Pod {
            let amounts = ["cpu": "\(request.cpu_milli)m", "memory": "\(request.memory)"]
            let resources = VectorResources(requests: amounts, limits: limited ? amounts : nil)
            return try pod([resources], uid: "\(limited)-\(request.cpu_milli)-\(request.memory)")
        }
        for request in row.guaranteed_requests ?? [] { pods.append(try asking(request, limited: true)) }
        for request in row.burstable_requests ?? [] { pods.append(try asking(request, limited: false)) }
        for index in 0..<(row.best_effort_pods ?? 0) { pods.append(try pod([VectorResources()], uid: "be\(index)")) }
        return pods
    }

    /// Compares values named `root.memory.min`, `container.memory.high`, or like a metric.
    private func expect(_ plan: MemoryPlan, _ expected: [String: NumberOrText], _ test: String) throws {
        for (key, value) in expected where key != "within_seconds" {
            if let gauge = plan.metrics.gauges.first(where: { $0.name == key }) {
                #expect("\(gauge.value)" == value.description, "\(test): \(key)")
                continue
            }
            let parts = key.split(separator: ".", maxSplits: 1).map(String.init)
            let roles: [String: CgroupRole] = [
                "root": .allPods, "burstable": .pods(.burstable), "besteffort": .pods(.bestEffort),
                "pod": .pod(uid: "uid"), "container": .container(podUID: "uid", name: "c0"),
            ]
            let cgroup = try #require(roles[parts[0]].flatMap { plan[$0] })
            if parts[1] == "cpu_shares" {
                let weight = CPUShares(try #require(UInt64(value.description))).linearWeight
                #expect(cgroup["cpu.weight"] == "\(weight)", "\(test): \(key)")
            } else {
                // A file that is not written keeps the kernel's default.
                let kernelDefault = parts[1] == "memory.high" || parts[1] == "memory.max" ? "max" : "0"
                #expect((cgroup[parts[1]] ?? kernelDefault) == value.description, "\(test): \(key)")
            }
        }
    }
}
