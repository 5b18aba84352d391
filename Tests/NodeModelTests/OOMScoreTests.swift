// SPDX-License-Identifier: Apache-2.0

internal import NodeModel
internal import Testing

@Suite("Who is killed first when memory runs out")
struct OOMScoreTests {
    private func score(
        _ requests: ResourceList, limits: ResourceList = [:], of capacity: ByteCount? = .bytes(17_179_860_387)
    ) -> Int {
        let container = Container(
            name: "c", resources: ResourceRequirements(requests: requests, limits: limits))
        let pod = Pod(name: "p", uid: "u", spec: PodSpec(containers: [container]))
        return pod.oomScoreAdjustment(of: container, capacity: capacity)
    }

    @Test("Guaranteed last, BestEffort first, Burstable by what it asks for")
    func classes() throws {
        let all: ResourceList = ["cpu": try Quantity(parsing: "1"), "memory": try Quantity(parsing: "1Gi")]
        #expect(score(all, limits: all) == -997)
        #expect(score([:]) == 1000)
        #expect(score(["memory": try Quantity(parsing: "500Mi")]) == 970)
        #expect(score(["memory": try Quantity(parsing: "1")]) == 999)
        #expect(score(["cpu": try Quantity(parsing: "1")]) == 999)
        #expect(score(["memory": try Quantity(parsing: "16383Mi")]) == 3)
        #expect(score(["memory": try Quantity(parsing: "64Ei")]) == 3)
        #expect(score(["memory": try Quantity(parsing: "1Gi")], of: nil) == 999)
        #expect(score(["memory": try Quantity(parsing: "1Gi")], of: .zero) == 999)
    }

    @Test("A sidecar is not killed before what it serves")
    func sidecar() throws {
        let asking = { (memory: String) throws in
            ResourceRequirements(requests: ["memory": try Quantity(parsing: memory)])
        }
        let sidecar = Container(name: "s", resources: try asking("16Mi"), restartPolicy: .always)
        let pod = Pod(
            name: "p", uid: "u",
            spec: PodSpec(
                containers: [
                    Container(name: "a", resources: try asking("512Mi")),
                    Container(name: "b", resources: try asking("256Mi")),
                ], initContainers: [sidecar]))
        #expect(pod.oomScoreAdjustment(of: sidecar, capacity: .gibibytes(1)) == 750)
        #expect(pod.oomScoreAdjustment(of: pod.spec.containers[0], capacity: .gibibytes(1)) == 500)
    }
}
