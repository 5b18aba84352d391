// SPDX-License-Identifier: Apache-2.0

import NodeModel
import TestSupport
import Testing

// The fields are named as in the file.
// swift-format-ignore: AlwaysUseLowerCamelCase
private struct Table: Decodable {
    struct Part: Decodable {
        let resources: [String: String]
        let restart_policy: String?
    }
    struct Row: Decodable {
        let test: String
        let kind: String
        let containers: [Part]
        let init_containers: [Part]
        let overhead: [String: String]?
        let exclude_overhead: Bool
        let pod_level: [String: String]?
        let skip_pod_level: Bool
        let expected: [String: String]
    }
    let rows: [Row]
}

@Suite struct PodResourcesTests {
    @Test func `Requests and limits of every pod in the table add up as in Kubernetes`() throws {
        let table = try vectors("pod_requests.json", as: Table.self)
        for row in table.rows {
            let isRequest = row.kind == "requests"
            func resources(_ texts: [String: String]) throws -> ResourceRequirements {
                let list = try resourceList(texts)
                return isRequest ? ResourceRequirements(requests: list) : ResourceRequirements(limits: list)
            }
            func container(_ part: Table.Part) throws -> Container {
                let policy = part.restart_policy.flatMap(RestartPolicy.init(rawValue:))
                return Container(name: "c", resources: try resources(part.resources), restartPolicy: policy)
            }
            let spec = PodSpec(
                containers: try row.containers.map(container), initContainers: try row.init_containers.map(container),
                resources: try row.pod_level.map(resources), overhead: try resourceList(row.overhead))
            let overhead = !row.exclude_overhead
            let podLevel = !row.skip_pod_level
            let total =
                isRequest
                ? spec.totalRequests(overhead: overhead, podLevel: podLevel)
                : spec.totalLimits(overhead: overhead, podLevel: podLevel)
            #expect(total == (try resourceList(row.expected)), "\(row.test)")
        }
    }

    @Test func `A limit without a request is asked for in full`() throws {
        let cpu = Quantity(milli: 100)
        let resources = ResourceRequirements(
            requests: ["memory": .zero], limits: ["memory": Quantity(1024), "cpu": cpu])
        let filled = PodSpec(containers: [Container(name: "a", resources: resources)]).withDefaultRequests()
        #expect(filled.containers[0].resources.requests == ["memory": .zero, "cpu": cpu])
    }

    @Test func `What a pod as a whole does not ask for is what its containers ask for, or else its limit`() throws {
        let own = ResourceRequirements(requests: ["cpu": Quantity(milli: 50)])
        let spec = PodSpec(
            containers: [Container(name: "a", resources: own), Container(name: "b", resources: own)],
            resources: ResourceRequirements(limits: ["cpu": Quantity(1), "memory": Quantity(4096)])
        ).withDefaultRequests()
        #expect(spec.resources?.requests == ["cpu": Quantity(milli: 100), "memory": Quantity(4096)])
    }

    @Test func `Two spellings of a huge page size add up`() throws {
        struct Rows: Decodable {
            struct Row: Decodable {
                let test: String
                let requests: [String: String]
                let expected: [String: UInt64]
            }
            let hugepages: [Row]
        }
        for row in try vectors("pod_cgroup_config.json", as: Rows.self).hugepages {
            let sums = try resourceList(row.requests).hugePages
            let texts = Dictionary(sums.map { ($0.key.description, $0.value.bytes) }) { $1 }
            #expect(texts == row.expected, "\(row.test)")
        }
    }
}
