// SPDX-License-Identifier: Apache-2.0

internal import BulkheadRun
internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

/// A pod's cgroups and their values, as the plan for this machine has them, cut to what this host can set.
struct PodLimits {
    /// Where cgroup v2 is mounted.
    let mount: FilePath
    /// Cgroups shared with other pods, parents first, as paths beneath the root.
    let groups: [String]
    /// The pod's cgroup, then its containers'.
    let own: [String]
    let controllers: Set<Controller>
    let qosClass: QoSClass
    private let planned: [String: [PlannedFile]]
    private let containers: [String: String]

    init(_ pod: Pod, host: CgroupHost, bestEffort: Bool) throws {
        guard let mount = host.root else {
            throw ToolFailure(.impossible, "no cgroup of its own: \(host.absence ?? "cgroup v2 is not mounted")")
        }
        self.mount = mount
        let node = try Node.thisMachine(root: CgroupName(["bulkhead"]))
        let plan = try MemoryPlan(node: node, pods: [pod], policy: .tieredReservation)
        for warning in plan.warnings { Output.complain("warning: \(warning.text)") }
        guard let ofPod = plan[.pod(uid: pod.uid)], let name = plan.pods.first else {
            throw ToolFailure(.failed, "\(pod) has ended: its status says so")
        }
        qosClass = name.qosClass
        var groups: [String] = []
        var above = ofPod.path.parent
        while let path = above, !path.isRoot {
            groups.insert(Self.beneathRoot(path), at: 0)
            above = path.parent
        }
        self.groups = groups
        var own = [Self.beneathRoot(ofPod.path)]
        var planned = [own[0]: ofPod.files]
        var containers: [String: String] = [:]
        for container in pod.spec.initContainers + pod.spec.containers {
            guard let cgroup = plan[.container(podUID: pod.uid, name: container.name)] else { continue }
            let path = Self.beneathRoot(cgroup.path)
            own.append(path)
            planned[path] = cgroup.files
            containers[container.name] = path
        }
        self.own = own
        self.containers = containers

        let wanted = Set(planned.values.joined().compactMap { CgroupFile(named: $0.name).controller })
        let missing = try controllersToDoWithout(wanted, toSet: "values", beneath: mount, bestEffort: bestEffort)
        controllers = wanted.subtracting(missing)
        self.planned = planned.mapValues { files in
            files.filter { file in
                CgroupFile(named: file.name).controller.map { !missing.contains($0) } ?? true
            }
        }
    }

    private static func beneathRoot(_ path: CgroupPath) -> String { path.components.joined(separator: "/") }

    /// What is written to one of the pod's own cgroups.
    func files(of path: String) -> [PlannedFile] { planned[path] ?? [] }

    /// The cgroup of a container.
    func path(ofContainer name: String) -> String? { containers[name] }

    /// What the pod claims of its ancestors.
    var protection: (min: ByteCount, low: ByteCount) {
        func value(_ name: String) -> ByteCount {
            let text = own.first.flatMap { planned[$0]?.first { $0.name == name }?.value }
            return text.flatMap { try? ByteCount(parsing: $0) } ?? .zero
        }
        return (value("memory.min"), value("memory.low"))
    }
}
