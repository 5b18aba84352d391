// SPDX-License-Identifier: Apache-2.0

import NodeModel
import TestSupport
import Testing

// The fields are named as in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Table: Decodable {
    struct Compute: Decodable {
        let test: String
        let containers: [VectorResources]
        let init_containers: [VectorResources]
        let pod_level: VectorResources?
        let pod_level_resources_gate: Bool
        let expected: String
    }
    struct PodLevel: Decodable {
        let test: String
        let requests: [String: String]
        let limits: [String: String]
        let expected_has_all_limits: Bool
    }
    struct Containers: Decodable {
        let test: String
        let containers: [VectorResources]
        let init_containers: [VectorResources]
        let expected_requests: [String: String]
        let expected_limits: [String: String]
        let expected_has_all_limits: Bool
    }
    let compute: [Compute]
    let collect_pod_level: [PodLevel]
    let collect_container_level: [Containers]
}

@Suite struct QoSClassTests {
    private let table: Table

    init() throws { table = try vectors("qos_class.json") }

    @Test func `The class of every pod in the table is Kubernetes'`() throws {
        for row in table.compute {
            let spec = try pod(row.containers, initContainers: row.init_containers, podLevel: row.pod_level).spec
            let computed = QoSClass(of: spec, podLevelResources: row.pod_level_resources_gate)
            #expect(computed.rawValue == row.expected, "\(row.test)")
        }
    }

    @Test func `Resources of a pod as a whole are complete with both limits`() throws {
        for row in table.collect_pod_level {
            let resources = ResourceRequirements(
                requests: try resourceList(row.requests), limits: try resourceList(row.limits))
            let sums = QoSResources(podLevel: resources)
            #expect(sums.hasAllLimits == row.expected_has_all_limits, "\(row.test)")
            #expect(sums.requests == resources.requests, "\(row.test)")
            #expect(sums.limits == resources.limits, "\(row.test)")
        }
    }

    @Test func `Containers and init containers add up`() throws {
        for row in table.collect_container_level {
            let spec = try pod(row.containers, initContainers: row.init_containers).spec
            let sums = QoSResources(containers: spec.containers + spec.initContainers)
            #expect(sums.requests == (try resourceList(row.expected_requests)), "\(row.test)")
            #expect(sums.limits == (try resourceList(row.expected_limits)), "\(row.test)")
            #expect(sums.hasAllLimits == row.expected_has_all_limits, "\(row.test)")
        }
    }

    @Test func `A recorded class goes before the computed one`() throws {
        var recorded = try pod([VectorResources()])
        #expect(recorded.qosClass == .bestEffort)
        recorded.recordedQoSClass = .guaranteed
        #expect(recorded.qosClass == .guaranteed)
    }
}
