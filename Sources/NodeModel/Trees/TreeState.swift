// SPDX-License-Identifier: Apache-2.0

/// What is in a tree of control groups, as far as a change looks at it.
public struct TreeState: Sendable, Hashable {
    /// One control group that exists.
    public struct Node: Sendable, Hashable {
        /// The values of the settings that the change is about; a setting the kernel does not have is absent.
        public var values: [ControlKnob: String]
        /// Our record on it; nil where there is none.
        public var record: CgroupRecord?
        /// The controllers that its children have.
        public var enabled: Set<String>
        /// What the children claim that the change does not touch.
        public var otherClaims: [ControlKnob: ByteCount]
        /// The memory in use, where a limit is to be lowered.
        public var usage: ByteCount?

        /// A control group.
        public init(
            values: [ControlKnob: String] = [:], record: CgroupRecord? = nil, enabled: Set<String> = [],
            otherClaims: [ControlKnob: ByteCount] = [:], usage: ByteCount? = nil
        ) {
            self.values = values
            self.record = record
            self.enabled = enabled
            self.otherClaims = otherClaims
            self.usage = usage
        }
    }

    /// The control groups that exist, by place. One that is not here is made.
    public var nodes: [CgroupPath: Node]
    /// The base page size, to which the kernel rounds.
    public var pageSize: ByteCount

    /// A state.
    public init(nodes: [CgroupPath: Node] = [:], pageSize: ByteCount = ByteCount(4096)) {
        self.nodes = nodes
        self.pageSize = pageSize
    }

    /// The value of a setting; that of a new control group where there is none yet, or the controller is not enabled.
    func value(_ knob: ControlKnob, at path: CgroupPath) -> String? {
        nodes[path]?.values[knob] ?? knob.initialValue
    }

    /// Whether the books of the tree that a control group is in say that its last change was completed.
    func isSettled(_ path: CgroupPath) -> Bool {
        var place: CgroupPath? = path
        while let root = place {
            if let isSettled = nodes[root]?.record?.role?.isSettled { return isSettled }
            place = root.parent
        }
        return false
    }
}

extension TreeState {
    /// A target with the values of before for what was ours and is no longer wanted.
    func completed(_ target: TreeTarget) -> TreeTarget {
        guard target.isWhole, let record = nodes[target.path]?.record else { return target }
        let known = Set(target.values.map(\.knob))
        let left = record.values.filter { !known.contains($0.key) }.sorted { $0.key < $1.key }
        return left.isEmpty ? target : target.adding(left.map { ($0.key, $0.value.before) })
    }
}

/// What is to be in one control group after a change.
public struct TreeTarget: Sendable, Hashable {
    /// Where it is.
    public let path: CgroupPath
    /// The values, in the order of the plan.
    public let values: [(knob: ControlKnob, value: String)]
    /// What the record says that it is for; nil leaves that as it is.
    public let role: CgroupRecord.Role?
    /// Whether this is all: what we wrote once and what is not among the values is then given back.
    public let isWhole: Bool
    /// Whether others have to have made it.
    public let mustExist: Bool
    /// The root of the tree of pods that it stands above, which is then noted on it.
    public let tree: CgroupPath?

    /// What is to be in a control group; files as a plan has them.
    public init(
        path: CgroupPath, files: [PlannedFile], role: CgroupRecord.Role?, isWhole: Bool = true, mustExist: Bool = false,
        tree: CgroupPath? = nil
    ) {
        self.path = path
        values = files.map(ControlKnob.split)
        self.role = role
        self.isWhole = isWhole
        self.mustExist = mustExist
        self.tree = tree
    }

    /// One control group of a tree of one's own, without values yet.
    public init(_ path: CgroupPath) { self.init(path: path, files: [], role: nil) }

    private init(_ target: TreeTarget, role: CgroupRecord.Role?, adding values: [(knob: ControlKnob, value: String)]) {
        path = target.path
        self.values = target.values + values
        self.role = role
        isWhole = target.isWhole
        mustExist = target.mustExist
        tree = target.tree
    }

    /// The same with more values.
    package func adding(_ values: [(knob: ControlKnob, value: String)]) -> TreeTarget {
        TreeTarget(self, role: role, adding: values)
    }

    /// The same for something.
    func with(_ role: CgroupRecord.Role) -> TreeTarget { TreeTarget(self, role: role, adding: []) }

    /// The value of a setting; nil when it is left alone.
    public func value(_ knob: ControlKnob) -> String? { values.first { $0.knob == knob }?.value }

    /// Compares all of it.
    public static func == (one: TreeTarget, other: TreeTarget) -> Bool {
        one.path == other.path && one.role == other.role && one.isWhole == other.isWhole
            && one.mustExist == other.mustExist && one.tree == other.tree
            && one.values.map(\.knob) == other.values.map(\.knob)
            && one.values.map(\.value) == other.values.map(\.value)
    }

    /// Hashes the place.
    public func hash(into hasher: inout Hasher) { hasher.combine(path) }
}
