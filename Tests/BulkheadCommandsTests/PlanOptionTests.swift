// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import NodeModel
import Testing

@testable import BulkheadCommands
@testable import BulkheadRun
@testable import ToolOutput

@Suite struct PlanOptionTests {
    private func options(_ arguments: String...) throws -> PlanOptions {
        try #require(try BulkheadCommand.parseAsRoot(["plan"] + arguments) as? PlanCommand).options
    }

    /// Files in a new directory, which is removed afterwards.
    private func withFiles<Result>(_ files: [String: String], _ body: (String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("plan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
        return try body(folder.path)
    }

    private func manifest(_ name: String) -> String {
        "apiVersion: v1\nkind: Pod\nmetadata: {name: \(name)}\nspec: {containers: [{name: c, resources: "
            + "{requests: {memory: 128Mi}, limits: {memory: 256Mi}}}]}\n"
    }

    @Test func `The node is what the options say`() throws {
        let (node, policy) = try options(
            "--node-memory", "64Gi", "--node-cpu", "16", "--system-reserved", "1Gi", "--kube-reserved",
            "memory=512Mi,cpu=500m,pid=100", "--throttling-factor", "0.8", "--page-size", "16384", "--driver",
            "systemd",
            "--root", "custom/kubepods", "--min-headroom", "5%", "--huge-page-sizes", "2Mi,1Gi", "--behaviour",
            "kubelet-1.36.0"
        ).settings()
        #expect(node.capacity == NodeResources(memory: .gibibytes(64), milliCPU: 16_000))
        #expect(node.systemReserved == NodeResources(memory: .gibibytes(1)))
        #expect(node.kubeReserved == NodeResources(memory: .mebibytes(512), milliCPU: 500))
        #expect(node.throttlingFactor?.value == 0.8)
        #expect(node.pageSize == ByteCount(16384))
        #expect(node.layout == PodCgroupLayout(root: try CgroupName(["custom", "kubepods"]), driver: .systemd))
        #expect(node.minHeadroom == .percent(5))
        #expect(node.hugePageSizes == [.mebibytes(2), .gibibytes(1)])
        #expect(node.behaviour == .kubelet136)
        #expect(policy == .tieredReservation)
    }

    @Test func `What is not said is this machine's`() throws {
        let node = try options().node()
        #expect((node.capacity.memory ?? .zero) > .mebibytes(64))
        #expect((node.capacity.milliCPU ?? 0) >= 1000)
        #expect(node.kernel != nil)
        #expect(try options("--throttling-factor", "none").node().throttlingFactor == nil)
        #expect(try options("--huge-page-sizes", "none").node().hugePageSizes.isEmpty)
        let root = try options("--driver", "systemd", "--root", "/a.slice/a-kubepods.slice").node().layout.root
        #expect(root == (try CgroupName(["a", "kubepods"])))
    }

    @Test func `Options go before the kubelet's configuration, and that before the defaults`() throws {
        let head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
        let files = [
            "on": head
                + "featureGates: {MemoryQoS: true}\nsystemReserved: {memory: 1Gi, cpu: 1}\ncgroupDriver: systemd\n",
            "off": head + "featureGates: {MemoryQoS: false}\nmemoryThrottlingFactor: 0.7\n",
            "silent": head + "kubeReserved: {memory: 1Gi}\n",
            "tiered": head + "featureGates: {MemoryQoS: true}\nmemoryReservationPolicy: TieredReservation\n",
        ]
        try withFiles(files) { folder in
            func settings(_ file: String, _ more: String...) throws -> (node: Node, policy: MemoryReservationPolicy) {
                let arguments = ["plan", "--kubelet-config", folder + "/" + file] + more
                return try #require(try BulkheadCommand.parseAsRoot(arguments) as? PlanCommand).options.settings()
            }
            #expect(try settings("on").policy == .none)
            #expect(try settings("on").node.layout.driver == .systemd)
            #expect(try settings("tiered").policy == .tieredReservation)
            #expect(try settings("tiered", "--policy", "None").policy == .none)
            #expect(try settings("silent").policy == .tieredReservation)
            #expect(try settings("off").policy == .none)
            #expect(try !settings("off").node.memoryQoS)
            let forced = try settings("off", "--policy", "TieredReservation")
            #expect(forced.node.memoryQoS && forced.policy == .tieredReservation)
            #expect(forced.node.throttlingFactor?.value == 0.7)
            let both = try settings("on", "--system-reserved", "2Gi", "--driver", "cgroupfs").node
            #expect(both.systemReserved == NodeResources(memory: .gibibytes(2), milliCPU: 1000))
            #expect(both.layout.driver == .cgroupfs)
        }
    }

    @Test func `A directory stands for its manifests by name`() throws {
        let files = ["b.yml": manifest("b"), "a.yaml": manifest("a"), ".c.yaml": "[", "notes.txt": "[", "d.json": "{}"]
        try withFiles(files) { folder in
            let failure = #expect(throws: ToolFailure.self) { try options("-f", folder).pods() }
            #expect(failure?.message == "\(folder)/d.json:1: kind: is missing")
            try FileManager.default.removeItem(atPath: folder + "/d.json")
            #expect(try options("-f", folder).pods().map(\.name) == ["a", "b"])
            let twice = #expect(throws: ToolFailure.self) {
                try options("-f", folder, "-f", folder + "/a.yaml").pods()
            }
            #expect(
                twice?.message
                    == "\(folder)/a.yaml:1: the pod default/a is described twice; first at \(folder)/a.yaml:1")
        }
        try withFiles([:]) { folder in
            let failure = #expect(throws: ToolFailure.self) { try options("-f", folder).pods() }
            #expect(failure?.exit == .failed)
        }
        #expect(try options("-f", "a", "b", "--json", "-f", "-").files == ["a", "b", "-"])
        #expect(throws: ToolFailure(.usage, "no pods: give them by -f FILE")) { try options().pods() }
    }

    @Test(arguments: [
        (["--node-memory", "5x"], "'5x' is not a quantity"), (["--node-cpu=-1"], "'-1' is below zero"),
        (["--policy", "tiered"], "'tiered' is not one of None, TieredReservation"),
        (["--driver", "cgroup"], "'cgroup' is not one of cgroupfs, systemd"),
        (["--throttling-factor", "0"], "is not above 0 and at most 1"),
        (["--throttling-factor", "nan"], "is not above 0 and at most 1"),
        (["--kube-reserved", "memory"], "'memory' is not a quantity"),
        (["--kube-reserved", "disk=1"], "'disk' is not one of memory, cpu"),
        (["--page-size", "5000"], "a page size is a power of two"), (["--root", "a_b"], "holds '_'"),
        (["--min-headroom", "101%"], "is not a share from 0% to 100%"),
        (["--huge-page-sizes", "3Mi"], "'3Mi' is not a power of two"),
        (["--behaviour", "1.36"], "'1.36' is not one of fixed, kubelet-1.36.0"),
        (["--metrics", "--json"], "two formats"),
    ])
    func `A wrong option is wrong usage that names the value`(arguments: [String], message: String) throws {
        let error = try #require(throws: (any Error).self) { try BulkheadCommand.parseAsRoot(["plan"] + arguments) }
        #expect(BulkheadCommand.exitCode(for: error) == .validationFailure)
        #expect(BulkheadCommand.fullMessage(for: error).contains(message))
    }

    @Test func `The document and the table hold the plan`() throws {
        try withFiles(["pod.yaml": manifest("db")]) { folder in
            let plan = try options(
                "-f", folder + "/pod.yaml", "--node-memory", "8Gi", "--node-cpu", "4", "--huge-page-sizes", "none"
            ).plan()
            let document = try JSONSerialization.jsonObject(with: Data(plan.json.description.utf8)) as? [String: Any]
            let encoded = try JSONSerialization.jsonObject(with: JSONEncoder().encode(plan)) as? [String: Any]
            #expect(document as NSDictionary? == encoded as NSDictionary?)
            #expect(document?.keys.sorted() == ["cgroups", "metrics", "pods", "warnings"])
            let lines = plan.table(Style(isColoured: false)).split(separator: "\n").map(String.init)
            #expect(lines.count == 7)
            #expect(lines[3].split(separator: " ").prefix(5).dropFirst() == ["-", "128Mi", "-", "256Mi"])
            #expect(lines[4].split(separator: " ").prefix(5) == ["c", "0", "128Mi", "~243.1Mi", "256Mi"])
            #expect(lines[6].hasPrefix("1 pod (0 Guaranteed, 1 Burstable, 0 BestEffort)"))
        }
    }

    @Test func `Sizes are shown in the unit that keeps them short`() {
        let texts = ["0", "1023", "1024", "1536", "268435456", "max", "18446744073709551615", nil]
        let shown = ["0", "1023", "1Ki", "~1.5Ki", "256Mi", "max", "~15.9Ei", "-"]
        #expect(texts.map(MemoryPlan.readable) == shown)
    }

    @Test func `Of warnings that are alike the first few are said`() throws {
        let resources = ResourceRequirements(requests: ["memory": Quantity(100)])
        let pods = (0..<9).map { index in
            Pod(
                name: "p\(index)", uid: "\(index)",
                spec: PodSpec(containers: [Container(name: "c", resources: resources)]))
        }
        let node = Node(capacity: NodeResources(memory: ByteCount(50)))
        let plan = try MemoryPlan(node: node, pods: pods, policy: .tieredReservation)
        let lines = plan.warnings.warningLines(ofEachKind: 3)
        #expect(plan.warnings.count == 19)
        #expect(lines.count == 5)
        #expect(lines.last == "15 more of the kind below-one-page; --json has all of them")
    }
}
