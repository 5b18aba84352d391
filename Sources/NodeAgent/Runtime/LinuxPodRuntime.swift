// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Launching
internal import LinuxKernel
internal import Logging
public import NodeModel
internal import PodLaunching
internal import SystemPackage
internal import UserNamespaces

/// The runtime of pods on this host: control groups, namespaces, ID maps and launches, as `bulkhead run -f` has them, but
/// for pods that outlive who started them.
///
/// A container's init is told where to write how its command ended, and its output goes straight to a file: an agent can end
/// at any instant, and the next one knows the exit codes and finds the logs whole. All that is remembered is in the
/// kernel and in the state folder.
public actor LinuxPodRuntime: PodRuntime {
    /// The namespaces that the containers of a pod share: they last as long as this, or as a process in them.
    final class PodNamespaces: Sendable {
        let shared: SharedNamespaces
        /// The network namespace; nil when it is the host's.
        var network: SharedDescriptor? { shared.joins.first { $0.kind == .network }?.namespace }
        init(_ shared: consuming SharedNamespaces) { self.shared = shared }
    }

    /// What is known of a pod that is prepared.
    struct Prepared: Sendable {
        var plan: PodLaunch
        var namespaces: PodNamespaces
        var running: [String: ContainerProcess] = [:]
    }

    let configuration: PodRuntimeConfiguration
    let folder: RuntimeFolder
    let cgroups: PodCgroups
    let ids: PodIDStore
    let logger = Logger(label: "bulkheadd.runtime")
    /// For what takes as long as it takes: starts, kills, files.
    let threads = WorkThreads(count: 4)
    /// For commands on their way into a container: what happens in there can hold them up for as long as it likes. As many as
    /// all pods together may have, so that none waits for another pod's.
    let joinThreads = WorkThreads(count: .max)
    /// For clients that read logs: however many they are, pods go on.
    let logThreads = WorkThreads(count: 2)
    /// Changes of the tree of control groups lock it, so that they follow each other in any case.
    let treeThread = WorkThreads(count: 1)
    var prepared: [String: Prepared] = [:]
    /// How many commands are on their way into a pod.
    var joining: [String: Int] = [:]
    /// Pods of others, by uid, that were told of.
    private var foreign: Set<String> = []

    /// The ends of containers as they happen.
    public nonisolated let ends: AsyncStream<ContainerEnd>
    let endings: AsyncStream<ContainerEnd>.Continuation

    /// A runtime on this host. Takes root, and blocks while it looks at the host: begin with it.
    public init(_ configuration: PodRuntimeConfiguration) throws(PodRuntimeError) {
        self.configuration = configuration
        (ends, endings) = AsyncStream.makeStream(of: ContainerEnd.self)
        do {
            guard effectiveUserID == 0 else {
                throw PodRuntimeError(
                    "pods need ranges of ids and cgroups, which only root may take", isPermanent: true)
            }
            cgroups = try PodCgroups(configuration)
            folder = try RuntimeFolder(configuration.stateFolder)
            let range = try configuration.idRange ?? PodIDRangeSource.find().range
            let locks = CgroupHost.probe().root?.appending("cgroup.subtree_control")
            ids = try PodIDStore(
                at: FilePath(folder.path), rules: PodIDRanges(range: range, maxPods: Int(configuration.maxPods)),
                claims: locks)
        } catch {
            throw PodRuntimeError(of: error)
        }
        if let absence = cgroups.absence {
            logger.warning("pods go without the protection of memory: the memory controller is \(absence)")
        }
        attendLogs()
    }

    /// What the kernel shows of this runtime's pods; and pods of which only files are left, such as a range of ids, which are
    /// to be removed. Control groups of pods that were not made with its folder are somebody else's, and left alone.
    public func sightings(besides: Set<String>) async throws(PodRuntimeError) -> [PodSighting] {
        let (seen, left) = try await threads.run { [cgroups, folder] in
            (try cgroups.sightings(besides: besides), Set(try folder.pods()).subtracting(besides))
        }
        for uid in seen.map(\.uid) where !left.contains(uid) && foreign.insert(uid).inserted {
            logger.warning(
                "beneath the agent's root is a pod that it did not make; it is left alone", metadata: ["uid": "\(uid)"])
        }
        let known = Set(seen.map(\.uid))
        return seen.filter { left.contains($0.uid) }
            + left.sorted().filter { !known.contains($0) }.map { PodSighting(uid: $0) }
    }

    /// Makes ready what the containers share.
    public func prepare(_ pod: Pod) async throws(PodRuntimeError) {
        let plan = try await threads.run { [self] in
            try claim(pod)
            let refusing = PodLaunch(pod: pod, map: nil, images: configuration.images)
            try refusing.refuseUnimplemented()
            try refusing.prepareHostPaths()
            return try planned(pod)
        }
        try await treeThread.run { [cgroups] in try cgroups.make(pod) }
        if prepared[pod.uid] != nil {
            prepared[pod.uid]?.plan = plan
            return
        }
        let namespaces = try await threads.run { try PodNamespaces(.made(for: plan)) }
        // Of two that were at it, one is kept.
        if prepared[pod.uid] == nil { prepared[pod.uid] = Prepared(plan: plan, namespaces: namespaces) }
    }

    /// Sees to it that what is made of a pod is known to be this runtime's. Blocks.
    private nonisolated func claim(_ pod: Pod) throws {
        if try folder.has(pod.uid) { return }
        if let place = try cgroups.place(of: pod.uid) {
            throw PodRuntimeError(
                "\(pod): somebody else has made the control group \(place); is another agent at work beneath the same "
                    + "root?",
                isPermanent: true)
        }
        try folder.claim(pod.uid)
    }

    /// The pod in terms of this host: its range of ids, its folders. Blocks.
    nonisolated func planned(_ pod: Pod) throws -> PodLaunch {
        let map = pod.spec.hostUsers ? nil : try ids.map(of: pod.uid)
        var plan = PodLaunch(pod: pod, map: map, images: configuration.images)
        plan.limits = configuration.limits
        let group = pod.spec.securityContext.fsGroup
        for volume in pod.spec.volumes {
            guard case .emptyDir(let inMemory, let limit) = volume.source else { continue }
            plan.emptyDirectories[volume.name] = try folder.volume(
                pod.uid, volume.name, owner: plan.outside(uid: 0), group: group.map { plan.outside(gid: $0) },
                inMemory: inMemory, limit: limit)
        }
        return plan
    }

    /// What is known of a running pod.
    public func describe(_ status: inout PodStatus) async {
        guard let prepared = prepared[status.pod.uid] else { return }
        status.cgroup = try? cgroups.path(of: status.pod)
        status.userNamespace = prepared.plan.map
        for index in status.containers.indices {
            status.containers[index].pid = prepared.running[status.containers[index].name]?.pid
        }
        for index in status.initContainers.indices {
            status.initContainers[index].pid = prepared.running[status.initContainers[index].name]?.pid
        }
    }
}

extension PodLaunch {
    /// The id on the host that an id inside is; the same without a user namespace.
    func outside(uid: UInt32) -> UInt32 { map.map { $0.outside(uid: uid) ?? $0.outside(uid: 0) ?? 65_534 } ?? uid }
    func outside(gid: UInt32) -> UInt32 { map.map { $0.outside(gid: gid) ?? $0.outside(gid: 0) ?? 65_534 } ?? gid }
}

extension SharedNamespaces {
    /// New ones for a pod.
    static func made(for plan: PodLaunch) throws(LaunchError) -> SharedNamespaces {
        try SharedNamespaces(user: plan.map, kinds: plan.sharedKinds, hostName: plan.hostName)
    }
}

extension ContainerProcess {
    /// All that a command has to join to be inside.
    func allNamespaces(of plan: PodLaunch) throws(KernelError) -> [JoinedNamespace] {
        let own: NamespaceKinds = [.mount, .pid, .cgroup]
        var kinds = plan.sharedKinds.union(own)
        if plan.map != nil { kinds.insert(.user) }
        var joins: [JoinedNamespace] = []
        for kind in NamespaceKind.allCases where kinds.contains(kind.flag) { joins.append(try namespace(kind)) }
        return joins
    }

    /// Those of a pod that it is in.
    func sharedNamespaces(of plan: PodLaunch) throws(KernelError) -> SharedNamespaces {
        var joins: [JoinedNamespace] = []
        if plan.map != nil { joins.append(try namespace(.user)) }
        for kind in NamespaceKind.allCases where plan.sharedKinds.contains(kind.flag) {
            joins.append(try namespace(kind))
        }
        return SharedNamespaces(joins, map: plan.map)
    }
}
