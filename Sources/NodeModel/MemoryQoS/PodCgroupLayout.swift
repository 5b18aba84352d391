// SPDX-License-Identifier: Apache-2.0

/// Which program makes the containers' control groups, and so how their scopes are named under systemd.
public enum ContainerRuntime: String, Sendable, Hashable, CaseIterable {
    /// `bulkhead-<name>.scope`
    case bulkhead
    /// `cri-containerd-<id>.scope`
    case containerd
    /// `crio-<id>.scope`
    case crio = "cri-o"

    /// The last name of a container's control group: the id itself with the cgroupfs driver.
    public func leaf(id: String, driver: CgroupDriver) -> String {
        switch (driver, self) {
        case (.cgroupfs, _): id
        case (.systemd, .bulkhead): "bulkhead-\(id).scope"
        case (.systemd, .containerd): "cri-containerd-\(id).scope"
        case (.systemd, .crio): "crio-\(id).scope"
        }
    }
}

/// Where the control groups of pods are: Guaranteed pods directly below the root of all pods, the others below the
/// control group of their class.
///
/// Source: Kubernetes, pkg/kubelet/cm/pod_container_manager_linux.go.
public struct PodCgroupLayout: Sendable, Hashable {
    /// The control group that holds all pods.
    public let root: CgroupName
    /// Who creates the control groups.
    public let driver: CgroupDriver

    /// A layout below the control group that holds all pods, `kubepods` unless said otherwise.
    public init(root: CgroupName? = nil, driver: CgroupDriver = .cgroupfs) {
        self.root = root ?? .kubepods
        self.driver = driver
    }

    /// The control group that holds all pods: `kubepods` below the given root, or the root itself when the node does
    /// not sort pods by class.
    /// - Throws: ``CgroupNameError`` when the root has a name no driver can spell.
    public static func nodeAllocatableRoot(
        cgroupRoot: String, cgroupsPerQoS: Bool
    ) throws(CgroupNameError) -> CgroupName {
        let root = try CgroupName(cgroupfs: cgroupRoot)
        return cgroupsPerQoS ? try root.appending("kubepods") : root
    }

    /// The control group that holds the pods of a class.
    /// - Throws: ``CgroupNameError`` when the spelled name is longer than the kernel takes.
    public func name(of class: QoSClass) throws(CgroupNameError) -> CgroupName {
        switch `class` {
        case .guaranteed: root
        case .burstable: try root.appending("burstable")
        case .bestEffort: try root.appending("besteffort")
        }
    }

    /// The control group of a pod.
    /// - Throws: ``CgroupNameError`` when the uid cannot be part of a name.
    public func name(ofPod uid: String, class: QoSClass) throws(CgroupNameError) -> CgroupName {
        try name(of: `class`).appending(Self.podComponent(uid: uid))
    }

    /// The last component of a pod's control group: `pod` and the uid.
    public static func podComponent(uid: String) -> String { "pod" + uid }

    /// The uid of the pod whose control group this is; nil when it is no pod's.
    ///
    /// It is a pod's when it sits directly in one of the three places for pods and is named `pod` and a uid that does
    /// not hold `pod` again.
    public func podUID(of name: CgroupName) -> String? {
        guard let parent = name.parent, let leaf = name.components.last else { return nil }
        let above = parent.components
        guard
            above == root.components || above == root.components + ["burstable"]
                || above == root.components + ["besteffort"]
        else { return nil }
        guard leaf.hasPrefix("pod") else { return nil }
        let uid = leaf.dropFirst("pod".count)
        return Self.holdsPod(uid) ? nil : String(uid)
    }

    private static func holdsPod(_ uid: Substring) -> Bool {
        var rest = uid
        while !rest.isEmpty {
            if rest.hasPrefix("pod") { return true }
            rest.removeFirst()
        }
        return false
    }
}
