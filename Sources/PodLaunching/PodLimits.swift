// SPDX-License-Identifier: Apache-2.0

public import Cgroups
internal import LinuxKernel
public import NodeModel
public import SystemPackage

/// A pod's cgroups and their values, as a node's plan has them, cut to what this host can set.
public struct PodLimits: Sendable {
    /// Cgroups shared with other pods, parents first, as paths beneath the root of the hierarchy.
    public let groups: [String]
    /// The pod's cgroup, then its containers'.
    public let own: [String]
    /// The controllers that set the values.
    public let controllers: Set<Controller>
    /// Those that values would need and that this host does not have: the reason for each.
    public let missing: [Controller: String]
    /// The pod's class.
    public let qosClass: QoSClass
    /// What the plan does that may not be meant.
    public let warnings: [PlanWarning]
    private let planned: [String: [PlannedFile]]
    private let containers: [String: String]

    /// What a pod gets on a node by a policy, where cgroup v2 is mounted at a place.
    public init(
        _ pod: Pod, on node: Node, policy: MemoryReservationPolicy, beneath mount: FilePath
    ) throws(PodLaunchError) {
        let plan: MemoryPlan
        do { plan = try MemoryPlan(node: node, pods: [pod], policy: policy) } catch { throw .planning(error) }
        warnings = plan.warnings
        guard let ofPod = plan[.pod(uid: pod.uid)], let name = plan.pods.first else {
            throw .refused(pod: "\(pod)", "has ended: its status says so")
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
        let missing: [Controller: String]
        do { missing = wanted.isEmpty ? [:] : try Cgroup.open(mount).missingControllers(wanted) } catch {
            throw .kernel(error)
        }
        self.missing = missing
        controllers = wanted.subtracting(missing.keys)
        self.planned = planned.mapValues { files in
            files.filter { file in
                CgroupFile(named: file.name).controller.map { missing[$0] == nil } ?? true
            }
        }
    }

    private static func beneathRoot(_ path: CgroupPath) -> String { path.components.joined(separator: "/") }

    /// What is written to one of the pod's own cgroups.
    public func files(of path: String) -> [PlannedFile] { planned[path] ?? [] }

    /// The cgroup of a container.
    public func path(ofContainer name: String) -> String? { containers[name] }

    /// What the pod claims of its ancestors.
    public var protection: (min: ByteCount, low: ByteCount) {
        func value(_ name: String) -> ByteCount {
            let text = own.first.flatMap { planned[$0]?.first { $0.name == name }?.value }
            return text.flatMap { try? ByteCount(parsing: $0) } ?? .zero
        }
        return (value("memory.min"), value("memory.low"))
    }
}
