// SPDX-License-Identifier: Apache-2.0

/// The quality of service class of a pod, which decides its place in the tree and the kind of its protection.
public enum QoSClass: String, Sendable, Hashable, CaseIterable, Codable {
    /// Every container has cpu and memory limits, and asks for all of them.
    case guaranteed = "Guaranteed"
    /// Something is asked for or limited.
    case burstable = "Burstable"
    /// Nothing is asked for or limited.
    case bestEffort = "BestEffort"

    /// The class by what a pod asks for.
    ///
    /// Only cpu and memory above zero count. The sums are compared, not each container; init containers count as
    /// containers do. When the pod as a whole has resources, these decide alone.
    /// Source: Kubernetes, pkg/apis/core/v1/helper/qos.
    /// - Parameters:
    ///   - spec: what the pod asks for.
    ///   - podLevelResources: whether resources of the pod as a whole are looked at (KEP-2837).
    public init(of spec: PodSpec, podLevelResources: Bool = true) {
        let sums: QoSResources
        if podLevelResources, let resources = spec.resources, resources.isSetForPod {
            sums = QoSResources(podLevel: resources)
        } else {
            sums = QoSResources(containers: spec.containers + spec.initContainers)
        }
        self = sums.class
    }
}

extension QoSClass: CustomStringConvertible {
    /// The Kubernetes spelling.
    public var description: String { rawValue }
}

extension ResourceRequirements {
    /// Whether anything is named that can be set for a pod as a whole.
    public var isSetForPod: Bool {
        (Array(requests.amounts.keys) + Array(limits.amounts.keys)).contains(where: ResourceList.isSupportedForPods)
    }
}

/// The sums the class of a pod is decided by: cpu and memory above zero only.
public struct QoSResources: Sendable, Hashable {
    /// What is asked for.
    public private(set) var requests: ResourceList = [:]
    /// What is limited.
    public private(set) var limits: ResourceList = [:]
    /// Whether both cpu and memory are limited, in every container.
    public private(set) var hasAllLimits = true

    /// The resources of the pod as a whole.
    public init(podLevel resources: ResourceRequirements) { add(resources) }

    /// The sums over containers.
    public init(containers: [Container]) {
        for container in containers { add(container.resources) }
    }

    /// The class these sums stand for.
    public var `class`: QoSClass {
        if requests.isEmpty, limits.isEmpty { return .bestEffort }
        let matches = requests.amounts.allSatisfy { limits[$0.key] == $0.value }
        if hasAllLimits, matches, requests.amounts.count == limits.amounts.count { return .guaranteed }
        return .burstable
    }

    private mutating func add(_ resources: ResourceRequirements) {
        requests += Self.counted(resources.requests)
        let limited = Self.counted(resources.limits)
        limits += limited
        if limited.amounts.count < 2 { hasAllLimits = false }
    }

    private static func counted(_ list: ResourceList) -> ResourceList {
        ResourceList(list.amounts.filter { ($0.key == "cpu" || $0.key == "memory") && $0.value > .zero })
    }
}
