// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import LinuxKernel
internal import NodeModel
internal import PodLaunching
internal import PodManifests
internal import SystemPackage
internal import ToolOutput

/// What decides a plan: the pods, and the node they are for. The same for every command that plans.
struct PlanOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("filename")], parsing: .upToNextOption,
        help: .init(
            "Pods, PodLists or Lists of Pods, as YAML or JSON; a directory stands for the *.yaml, *.yml and *.json in it, "
                + "'-' for standard input.", valueName: "file"),
        completion: .file())
    var files: [String] = []

    @Option(help: .init("Memory of the node (this machine's).", valueName: "quantity"), transform: OptionValue.bytes)
    var nodeMemory: ByteCount?

    @Option(help: .init("Cpu of the node (this machine's).", valueName: "quantity"), transform: OptionValue.milliCPU)
    var nodeCPU: Int64?

    @Option(
        help: .init("Set aside for the system: 1Gi, or memory=1Gi,cpu=500m.", valueName: "quantity"),
        transform: ReservedAmounts.init(parsing:))
    var systemReserved: ReservedAmounts?

    @Option(
        help: .init("Set aside for Kubernetes' own programs, likewise.", valueName: "quantity"),
        transform: ReservedAmounts.init(parsing:))
    var kubeReserved: ReservedAmounts?

    @Option(
        help: .init("A KubeletConfiguration; what the options say goes first.", valueName: "file"), completion: .file())
    var kubeletConfig: String?

    @Option(
        help: .init(
            "None or TieredReservation. Else what the kubelet's configuration says; where that says nothing, "
                + "TieredReservation: to protect is what this tool is for.", valueName: "policy"),
        transform: OptionValue.choice)
    var policy: MemoryReservationPolicy?

    @Option(
        help: .init(
            "Where throttling begins between request and limit, above 0 and at most 1 (0.9); 'none' for nowhere.",
            valueName: "factor"), transform: FactorOption.init(parsing:))
    var throttlingFactor: FactorOption?

    @Option(
        help: .init("Base page size of the node in bytes (this machine's).", valueName: "bytes"),
        transform: OptionValue.bytes)
    var pageSize: ByteCount?

    @Option(
        help: .init("Who makes the cgroups: cgroupfs or systemd.", valueName: "driver"), transform: OptionValue.choice)
    var driver: CgroupDriver?

    @Option(help: .init("The cgroup that holds all pods (kubepods).", valueName: "name"))
    var root: String?

    @Option(
        help: .init(
            "Room kept between memory.min and memory.max of what is Guaranteed, as an amount or a share of the limit: with "
                + "both equal, page cache alone gets a container killed.", valueName: "quantity|n%"),
        transform: MinHeadroom.init(option:))
    var minHeadroom: MinHeadroom?

    @Option(
        help: .init("Sizes of huge pages of the node, as 2Mi,1Gi, or 'none' (this machine's).", valueName: "sizes"),
        transform: HugePageSizes.init(parsing:))
    var hugePageSizes: HugePageSizes?

    @Option(
        help: .init(
            "'fixed', or 'kubelet-1.36.0' for what that release writes, where it falls short of what it describes.",
            valueName: "behaviour"), transform: OptionValue.choice)
    var behaviour: KubeletBehaviour = .fixed

    @Flag(help: "Print one JSON document.")
    var json = false

    func validate() throws {
        if let pageSize, pageSize.bytes.nonzeroBitCount != 1 {
            throw ValidationError("--page-size \(pageSize): a page size is a power of two")
        }
        if let root { _ = try Self.rootName(root, driver ?? .cgroupfs) }
    }

    /// The pods of all files, in their order.
    func pods() throws -> [Pod] {
        guard !files.isEmpty else { throw ToolFailure(.usage, "no pods: give them by -f FILE") }
        var pods: [Pod] = []
        var places: [String: String] = [:]
        var owners: [String: String] = [:]
        for file in try ManifestFile.all(files) {
            let manifest = try file.manifest()
            for (pod, place) in zip(manifest.pods, manifest.places) {
                if let first = places.updateValue(place, forKey: pod.description) {
                    throw ToolFailure(.failed, "\(place): the pod \(pod) is described twice; first at \(first)")
                }
                if let first = owners.updateValue(place, forKey: pod.uid) {
                    throw ToolFailure(
                        .failed, "\(place): the uid '\(pod.uid)' of \(pod) is that of the pod at \(first), too")
                }
            }
            pods += manifest.pods
        }
        return pods
    }

    /// The node: what the options say, else what the kubelet's configuration says, else this machine.
    func node() throws -> Node { try settings().node }

    /// The plan for the pods of the files, beside those whose sums are given.
    func plan(present: PodTotals = .init()) throws -> MemoryPlan { try plan(of: pods(), present: present) }

    /// The plan for some pods, beside those whose sums are given.
    func plan(of pods: [Pod], present: PodTotals = .init()) throws -> MemoryPlan {
        let (node, policy) = try settings()
        do { return try MemoryPlan(node: node, pods: pods, policy: policy, present: present) } catch {
            throw ToolFailure(.failed, "\(error)")
        }
    }

    /// The node, and the policy to plan with.
    func settings() throws -> (node: Node, policy: MemoryReservationPolicy) {
        var node = try Node.thisMachine(root: CgroupName(["kubepods"]))
        node.hugePageSizes = hugePageSizes?.sizes ?? Node.hugePageSizes(.probe())
        node.behaviour = behaviour
        node.minHeadroom = minHeadroom
        var policy = MemoryReservationPolicy.tieredReservation
        if let kubeletConfig {
            var configuration = try ManifestFile(path: kubeletConfig).kubeletConfiguration()
            if let driver { configuration.cgroupDriver = driver }
            policy = configuration.configure(&node, gate: true, policy: policy)
            // To ask for protection is to ask for the feature.
            if self.policy == .tieredReservation, !node.memoryQoS {
                node.memoryQoS = true
                node.throttlingFactor = configuration.memoryThrottlingFactor ?? .standard
            }
        }
        if let chosen = self.policy { policy = chosen }
        if let nodeMemory { node.capacity.memory = nodeMemory }
        if let nodeCPU { node.capacity.milliCPU = nodeCPU }
        systemReserved?.replace(&node.systemReserved)
        kubeReserved?.replace(&node.kubeReserved)
        if let throttlingFactor { node.throttlingFactor = throttlingFactor.factor }
        if let pageSize { node.pageSize = pageSize }
        let driver = self.driver ?? node.layout.driver
        node.layout = PodCgroupLayout(
            root: try root.map { try Self.rootName($0, driver) } ?? node.layout.root, driver: driver)
        return (node, policy)
    }

    static func rootName(_ text: String, _ driver: CgroupDriver) throws -> CgroupName {
        do {
            if driver == .systemd, text.hasSuffix(".slice") { return try CgroupName(systemd: text) }
            return try CgroupName(cgroupfs: text)
        } catch { throw ValidationError("--root \(text): \(error)") }
    }
}
