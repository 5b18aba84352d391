// SPDX-License-Identifier: Apache-2.0

import NodeModel
import PodManifests
import Testing

private let head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"

private func configuration(_ text: String) throws -> KubeletConfiguration {
    try KubeletConfiguration(parsing: head + text, file: "kubelet.yaml")
}

@Suite struct KubeletConfigurationTests {
    @Test func `What the file says is taken over into the node`() throws {
        let read = try configuration(
            """
            featureGates: {MemoryQoS: true, Other: false}
            memoryThrottlingFactor: 0.8
            memoryReservationPolicy: TieredReservation
            systemReserved: {memory: 512Mi, cpu: 500m}
            kubeReserved: {memory: 1Gi}
            cgroupDriver: systemd
            cgroupRoot: /custom
            podPidsLimit: 1024
            cpuCFSQuota: false
            singleProcessOOMKill: true
            """)
        var node = Node(capacity: NodeResources(memory: .gibibytes(4), milliCPU: 4000))
        #expect(read.configure(&node) == .tieredReservation)
        #expect(node.allocatable == NodeResources(memory: .mebibytes(2560), milliCPU: 3500))
        #expect(node.throttlingFactor?.value == 0.8)
        #expect(node.layout == PodCgroupLayout(root: try CgroupName(["custom", "kubepods"]), driver: .systemd))
        #expect(node.podPIDsLimit == 1024)
        #expect(!node.enforceCPULimits && node.singleProcessOOMKill)
    }

    @Test func `What is enforced names the control groups, as the driver spells them`() throws {
        let text = """
            enforceNodeAllocatable: [pods, kube-reserved, system-reserved-compressible]
            kubeReservedCgroup: /a/kube
            systemReservedCgroup: /system.slice
            qosReserved: {memory: 50%}
            cpuCFSQuotaPeriod: 10ms
            """
        var read = try configuration(text)
        var node = Node()
        _ = read.configure(&node)
        #expect(node.enforcesAllocatable)
        #expect(
            node.reservedCgroups == [
                ReservedCgroup(.system, path: try CgroupPath(parsing: "/system.slice"), isCompressibleOnly: true),
                ReservedCgroup(.kubernetes, path: try CgroupPath(parsing: "/a/kube")),
            ])
        #expect(node.qosReservedMemoryPercent == 50)
        #expect(node.quotaPeriod == 10_000)
        read.cgroupDriver = .systemd
        _ = read.configure(&node)
        #expect(node.reservedCgroups.map(\.path.description) == ["/system.slice", "/a.slice/a-kube.slice"])
        _ = try configuration("enforceNodeAllocatable: [none]").configure(&node)
        #expect(!node.enforcesAllocatable && node.reservedCgroups.isEmpty)
    }

    @Test func `A gate that the file does not name is what the caller says`() throws {
        for (text, gate, policy) in [
            ("", true, MemoryReservationPolicy.tieredReservation), ("", false, .none),
            ("memoryReservationPolicy: None", true, .none), ("featureGates: {MemoryQoS: false}", true, .none),
            ("featureGates: {MemoryQoS: true}", false, .none),
        ] {
            var node = Node()
            let chosen = try configuration(text).configure(&node, gate: gate, policy: .tieredReservation)
            #expect(chosen == policy, "\(text)")
            #expect(node.memoryQoS == (text.isEmpty ? gate : !text.contains("false")), "\(text)")
        }
    }

    @Test func `With the gate off nothing is protected or throttled`() throws {
        for text in ["", "featureGates: {MemoryQoS: false}\nmemoryReservationPolicy: None\n"] {
            var node = Node()
            #expect(try configuration(text).configure(&node) == .none)
            #expect(node.throttlingFactor == nil)
        }
    }

    @Test func `With the gate on alone requests are throttled but not protected`() throws {
        var node = Node()
        #expect(try configuration("featureGates: {MemoryQoS: true}\npodPidsLimit: -1\n").configure(&node) == .none)
        #expect(node.throttlingFactor == .standard)
        #expect(node.podPIDsLimit == nil)
        #expect(node.layout == PodCgroupLayout())
    }

    @Test(arguments: [
        ("memoryThrottlingFactor: 1.5", "kubelet.yaml:3: memoryThrottlingFactor: the throttling factor 1.5"),
        ("memoryThrottlingFactor: .nan", "kubelet.yaml:3: memoryThrottlingFactor: must be a number, not '.nan'"),
        (
            "memoryReservationPolicy: HardReservation",
            "kubelet.yaml:3: memoryReservationPolicy: 'HardReservation' is not one of None, TieredReservation"
        ),
        ("MemoryReservationPolicy: None", "kubelet.yaml:3: MemoryReservationPolicy: is no field of Kubernetes;"),
        ("featureGates: {MemoryQOS: true}", "kubelet.yaml:3: featureGates.MemoryQOS: is no field of Kubernetes;"),
        ("kubeReserved: {mem: 1Gi}", "kubelet.yaml:3: kubeReserved.mem: 'mem' is no resource: those are cpu,"),
        ("cgroupDriver: cgroups", "kubelet.yaml:3: cgroupDriver: 'cgroups' is not one of cgroupfs, systemd"),
        ("cgroupRoot: /a_b", "kubelet.yaml:3: cgroupRoot: the control group name 'a_b' holds '_'"),
        ("systemReserved: {memory: much}", "kubelet.yaml:3: systemReserved.memory: 'much' is not a quantity"),
        (
            "enforceNodeAllocatable: [all]",
            "kubelet.yaml:3: enforceNodeAllocatable[0]: 'all' is not one of kube-reserved,"
        ),
        ("enforceNodeAllocatable: [none, pods]", "kubelet.yaml:3: enforceNodeAllocatable: cannot hold anything beside"),
        ("enforceNodeAllocatable: [kube-reserved]", "kubelet.yaml:1: kubeReservedCgroup: is missing"),
        (
            "enforceNodeAllocatable: [kube-reserved]\nkubeReservedCgroup: /",
            "kubelet.yaml:4: kubeReservedCgroup: is the root of all"
        ),
        ("cpuCFSQuotaPeriod: 2s", "kubelet.yaml:3: cpuCFSQuotaPeriod: '2s' is not between 1ms and 1s"),
        ("cpuCFSQuotaPeriod: soon", "kubelet.yaml:3: cpuCFSQuotaPeriod: 'soon' is not a duration"),
        ("qosReserved: {memory: 101%}", "kubelet.yaml:3: qosReserved.memory: '101%' is not a share"),
        ("---\na: b", "kubelet.yaml: must hold one document, but holds 2"),
    ])
    func `What is wrong is said by file, line and field`(text: String, message: String) throws {
        let error = try #require(throws: ManifestError.self) { try configuration(text) }
        #expect(error.description.hasPrefix(message), "\(error)")
    }
}
