// SPDX-License-Identifier: Apache-2.0

public import NodeModel

/// What a kubelet's configuration file says about the control groups of pods. What it does not say is nil.
///
/// Source: kubernetes/kubelet, config/v1beta1/types.go, v0.36.0.
public struct KubeletConfiguration: Sendable, Hashable {
    /// Whether the feature gate `MemoryQoS` is on; off in Kubernetes 1.36 when not said.
    public var memoryQoS: Bool?
    /// `memoryThrottlingFactor`.
    public var memoryThrottlingFactor: ThrottlingFactor?
    /// `memoryReservationPolicy`.
    public var memoryReservationPolicy: MemoryReservationPolicy?
    /// `systemReserved`.
    public var systemReserved: NodeResources?
    /// `kubeReserved`.
    public var kubeReserved: NodeResources?
    /// `cgroupDriver`.
    public var cgroupDriver: CgroupDriver?
    /// The control group that holds all pods, by `cgroupRoot` and `cgroupsPerQOS`.
    public var root: CgroupName?
    /// `podPidsLimit`; nil for no limit, too.
    public var podPIDsLimit: UInt64?
    /// `cpuCFSQuota`.
    public var enforceCPULimits: Bool?
    /// `singleProcessOOMKill`.
    public var singleProcessOOMKill: Bool?
    /// `cpuCFSQuotaPeriod` in microseconds.
    public var cpuQuotaPeriod: UInt64?
    /// `qosReserved` for memory, in percent.
    public var qosReservedMemoryPercent: UInt8?
    /// `enforceNodeAllocatable`, with the control groups it needs.
    public var enforcement: NodeEnforcement?

    /// Reads the text of a file.
    /// - Parameters:
    ///   - text: what the file holds, YAML or JSON.
    ///   - file: how errors name it.
    /// - Throws: ``ManifestError`` for the first thing that is wrong, by file, line and field.
    public init(parsing text: String, file: String) throws(ManifestError) {
        let documents = try PodManifest.documents(text, file).filter { !$0.isNull }
        guard let document = documents.first, documents.count == 1 else {
            throw ManifestError(
                file: file, line: nil, field: "", reason: "must hold one document, but holds \(documents.count)")
        }
        let object = try document.object()
        let kind = try object.required("kind")
        guard try kind.string() == "KubeletConfiguration" else {
            throw kind.error("'\(try kind.string())' is not KubeletConfiguration")
        }
        let version = try object.required("apiVersion")
        guard try version.string() == "kubelet.config.k8s.io/v1beta1" else {
            throw version.error("'\(try version.string())' is not kubelet.config.k8s.io/v1beta1")
        }
        try object.checkSpelling(of: Self.fields)
        let gates = try object.object("featureGates")
        try gates?.checkSpelling(of: ["MemoryQoS"])
        memoryQoS = try gates?.bool("MemoryQoS")
        memoryReservationPolicy = try object["memoryReservationPolicy"]?.choice(of: MemoryReservationPolicy.self)
        cgroupDriver = try object["cgroupDriver"]?.choice(of: CgroupDriver.self)
        enforceCPULimits = try object.bool("cpuCFSQuota")
        singleProcessOOMKill = try object.bool("singleProcessOOMKill")
        systemReserved = try Self.reserved(object["systemReserved"])
        kubeReserved = try Self.reserved(object["kubeReserved"])
        if let limit = try object["podPidsLimit"]?.integer(in: -1...Int64.max), limit > 0 {
            podPIDsLimit = UInt64(limit)
        }
        if let field = object["memoryThrottlingFactor"] {
            do { memoryThrottlingFactor = try ThrottlingFactor(try field.number()) } catch let error as ManifestError {
                throw error
            } catch { throw field.error("\(error)") }
        }
        try readRoot(object)
        cpuQuotaPeriod = try object["cpuCFSQuotaPeriod"]?.cpuPeriod()
        qosReservedMemoryPercent = try object.object("qosReserved")?["memory"]?.percent()
        enforcement = try NodeEnforcement(object)
    }

    private static let fields = [
        "featureGates", "memoryThrottlingFactor", "memoryReservationPolicy", "systemReserved", "kubeReserved",
        "systemReservedCgroup", "kubeReservedCgroup", "enforceNodeAllocatable", "cgroupDriver", "cgroupRoot",
        "cgroupsPerQOS", "podPidsLimit", "cpuCFSQuota", "cpuCFSQuotaPeriod", "singleProcessOOMKill", "qosReserved",
    ]

    private mutating func readRoot(_ object: FieldObject) throws(ManifestError) {
        let root = object["cgroupRoot"]
        let perQoS = try object.bool("cgroupsPerQOS")
        guard root != nil || perQoS != nil else { return }
        do {
            let text = try root?.string() ?? "/"
            self.root = try PodCgroupLayout.nodeAllocatableRoot(cgroupRoot: text, cgroupsPerQoS: perQoS ?? true)
        } catch let error as ManifestError {
            throw error
        } catch {
            throw (root ?? object.field).error("\(error)")
        }
    }

    private static func reserved(_ field: Field?) throws(ManifestError) -> NodeResources? {
        guard let field else { return nil }
        let list = try ResourcesReader.list(field, known: ["cpu", "memory", "ephemeral-storage", "pid"])
        return NodeResources(
            memory: list.memory.map { _ in list.memoryBytes }, milliCPU: list.cpu.map { _ in list.milliCPU })
    }

    /// Takes over into a node what the file says; with the gate off, neither throttling nor a policy.
    /// - Parameters:
    ///   - node: the node.
    ///   - gate: whether the feature gate counts as on where the file does not name it; it is off in Kubernetes 1.36.
    ///   - policy: the policy where the file names neither it nor the gate; `None` in Kubernetes.
    /// - Returns: the policy to plan with.
    public func configure(
        _ node: inout Node, gate: Bool = false, policy: MemoryReservationPolicy = .none
    ) -> MemoryReservationPolicy {
        if let systemReserved { node.systemReserved = systemReserved }
        if let kubeReserved { node.kubeReserved = kubeReserved }
        if let podPIDsLimit { node.podPIDsLimit = podPIDsLimit }
        if let enforceCPULimits { node.enforceCPULimits = enforceCPULimits }
        if let singleProcessOOMKill { node.singleProcessOOMKill = singleProcessOOMKill }
        node.layout = PodCgroupLayout(root: root ?? node.layout.root, driver: cgroupDriver ?? node.layout.driver)
        if let cpuQuotaPeriod { node.quotaPeriod = cpuQuotaPeriod }
        if let qosReservedMemoryPercent { node.qosReservedMemoryPercent = qosReservedMemoryPercent }
        if let enforcement {
            node.enforcesAllocatable = enforcement.holdsPods
            node.reservedCgroups = enforcement.cgroups(driver: node.layout.driver)
        }
        node.memoryQoS = memoryQoS ?? gate
        guard node.memoryQoS else {
            node.throttlingFactor = nil
            return .none
        }
        node.throttlingFactor = memoryThrottlingFactor ?? .standard
        return memoryReservationPolicy ?? (memoryQoS == nil ? policy : .none)
    }
}
