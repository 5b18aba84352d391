// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import PodLaunching
internal import SystemPackage

/// The control groups of the node's pods. Where the memory controller is in version 2 of the hierarchy, changes go through
/// ``PodTree``; else the control groups have those values that this host can set. Every call blocks.
final class PodCgroups: Sendable {
    let node: Node
    /// Why the memory controller is out of reach; nil where it is not.
    let absence: String?
    private let policy: MemoryReservationPolicy
    private let root: Cgroup
    private let tree: PodTree?
    /// The root of all pods, then those of the classes.
    private let shared: [CgroupPath]

    init(_ configuration: PodRuntimeConfiguration) throws {
        let host = CgroupHost.probe()
        guard let mount = host.root else {
            throw PodRuntimeError(
                "pods have no control groups: \(host.absence ?? "cgroup v2 is not mounted")", isPermanent: true)
        }
        let absence = host.unavailability(of: "memory")
        if let absence, !configuration.bestEffort {
            throw PodRuntimeError("the memory controller is \(absence)", isPermanent: true)
        }
        self.absence = absence
        node = configuration.node
        policy = configuration.policy
        root = try Cgroup.open(mount)
        let layout = node.layout
        shared = try [layout.root, layout.name(of: .burstable), layout.name(of: .bestEffort)].map {
            try $0.path(driver: layout.driver)
        }
        tree = absence == nil ? try PodTree(layout: layout, pageSize: node.pageSize) : nil
    }

    // MARK: - Places

    /// The control group of a pod, where its class puts it.
    func path(of pod: Pod) throws -> CgroupPath {
        try node.layout.name(ofPod: pod.uid, class: pod.qosClass).path(driver: node.layout.driver)
    }

    /// Where a pod's control group is, whatever its class; nil when there is none.
    func place(of uid: String) throws -> CgroupPath? {
        for qosClass in QoSClass.allCases {
            let path = try node.layout.name(ofPod: uid, class: qosClass).path(driver: node.layout.driver)
            if try isThere(path) { return path }
        }
        return nil
    }

    private func isThere(_ path: CgroupPath) throws(KernelError) -> Bool {
        do throws(KernelError) {
            _ = try root.open(path)
            return true
        } catch {
            if error.errno == .noSuchFileOrDirectory { return false }
            throw error
        }
    }

    func leaf(_ container: String) -> String {
        node.runtime.leaf(id: container, driver: node.layout.driver)
    }

    /// The name of the container whose control group is called so.
    private func container(_ leaf: String) -> String {
        let empty = self.leaf("")
        guard let dot = empty.firstIndex(of: "."), leaf.hasPrefix(empty[..<dot]), leaf.hasSuffix(empty[dot...]) else {
            return leaf
        }
        return String(leaf.dropFirst(empty[..<dot].count).dropLast(empty[dot...].count))
    }

    /// The control group of a container that is there; calls with nothing when it is not.
    func withContainer<Answer>(
        _ container: String, ofPod uid: String, _ body: (borrowing Cgroup) throws -> Answer
    ) throws -> Answer? {
        try place(of: uid).flatMap { try with($0.appending(leaf(container)), body) }
    }

    /// The same for a pod, wherever it is.
    func withPod<Answer>(_ uid: String, _ body: (borrowing Cgroup) throws -> Answer) throws -> Answer? {
        try place(of: uid).flatMap { try with($0, body) }
    }

    /// The same for a pod that is where its class puts it.
    func withPod<Answer>(_ pod: Pod, _ body: (borrowing Cgroup) throws -> Answer) throws -> Answer? {
        try with(path(of: pod), body)
    }

    private func with<Answer>(_ path: CgroupPath, _ body: (borrowing Cgroup) throws -> Answer) throws -> Answer? {
        do { return try body(root.open(path)) } catch let error as KernelError {
            guard error.meansCgroupIsGone || error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
    }

    /// The root of the hierarchy.
    func withRoot<Answer>(_ body: (borrowing Cgroup) -> Answer) -> Answer { body(root) }

    // MARK: - Looking

    /// What is there of pods, but for some.
    func sightings(besides: Set<String>) throws -> [PodSighting] {
        var sightings: [PodSighting] = []
        for parent in shared {
            guard try isThere(parent) else { continue }
            for name in try root.open(parent).children().sorted() {
                guard let path = try? parent.appending(name), let uid = node.layout.podUID(of: path),
                    !besides.contains(uid)
                else { continue }
                var sighting = PodSighting(uid: uid)
                do throws(KernelError) {
                    let pod = try root.open(path)
                    for leaf in try pod.children() {
                        sighting.containers[container(leaf)] = try Self.look(at: try pod.openChild(leaf))
                    }
                    sightings.append(sighting)
                } catch {
                    // Removed meanwhile: it is not there.
                    guard error.meansCgroupIsGone || error.errno == .noSuchFileOrDirectory else { throw error }
                }
            }
        }
        return sightings
    }

    /// What is there of a container.
    static func look(at cgroup: borrowing Cgroup) throws(KernelError) -> PodSighting.Container {
        PodSighting.Container(
            isPopulated: try cgroup.read(.events)?.populated ?? false,
            // A process that was born in it has used the processor, if only to end.
            hasRun: (try cgroup.read(.cpuStatistics)?.usage ?? 0) > 0)
    }

    // MARK: - Changing

    /// Makes the control groups of a pod and its containers, with their values, and what follows above.
    func make(_ pod: Pod) throws {
        switch tree {
        case .some(let tree):
            // A root that is not at the top is beneath cgroups that somebody gave the agent, as a unit's.
            var options = TreeOptions()
            options.raisesAncestors = node.layout.root.components.count > 1
            _ = try tree.apply([pod], on: node, policy: policy, options: options)
        case .none: try makePlain(pod)
        }
    }

    private func makePlain(_ pod: Pod) throws {
        let limits = try PodLimits(pod, on: node, policy: policy, beneath: root.path)
        for path in limits.groups + limits.own {
            let names = path.split(separator: "/").map(String.init)
            _ = try root.createTree(CgroupPath(components: names), enabling: limits.controllers)
        }
        for path in limits.own { try root.openChild(path).write(limits.files(of: path)) }
    }

    /// Sees to it that the container's control group is there and never had a process. What was in it must have ended.
    func renew(_ container: String, of pod: Pod) throws {
        let path = try path(of: pod)
        let leaf = leaf(container)
        if try isThere(path) {
            let cgroup = try root.open(path)
            if try cgroup.child(leaf) != nil {
                if try !Self.look(at: cgroup.openChild(leaf)).hasRun { return }
                try cgroup.removeChild(leaf, timeout: .seconds(1))
            }
        }
        try make(pod)
    }

    /// Kills what is in a control group; whether it is empty now.
    static func kill(_ cgroup: borrowing Cgroup) throws(KernelError) -> Bool {
        do throws(KernelError) {
            if try cgroup.read(.events)?.populated != true { return true }
            try cgroup.kill()
            // Mostly that is soon; the rest is waited for by a task.
            return try cgroup.waitUntilEmpty(timeout: .milliseconds(10))
        } catch {
            if error.meansCgroupIsGone { return true }
            throw error
        }
    }

    /// Removes what is left of a pod, in which no process is any more, and what it claimed above.
    func remove(_ uid: String) throws {
        guard let path = try place(of: uid), let parent = path.parent, let name = path.name else { return }
        switch tree {
        case .some(let tree): _ = try tree.delete([uid])
        case .none: try root.open(parent).removeChild(name, timeout: .seconds(10))
        }
    }
}
