// SPDX-License-Identifier: Apache-2.0

/// What is written down on a control group about who did what to it, so that foreign edits are told from ours and
/// everything taken can be given back: the value of an extended attribute.
///
/// It is written before the values are, so after a crash each value is either the one before or ours.
public struct CgroupRecord: Sendable, Hashable {
    /// A value that we have taken over.
    public struct Taken: Sendable, Hashable {
        /// What it was before.
        public var before: String
        /// What we made of it.
        public var ours: String
        /// What we had made of it earlier, and what is there still when we are cut off before the write; nil the first
        /// time.
        public var earlier: String?

        /// A value taken over.
        public init(before: String, ours: String, earlier: String? = nil) {
            self.before = before
            self.ours = ours
            self.earlier = earlier
        }

        /// Whether we have left such a value there, and nobody else.
        func knows(_ found: String) -> Bool { found == ours || found == earlier || found == before }
    }

    /// What the control group is for.
    public enum Role: Sendable, Hashable {
        /// Holds all pods, and the books about them.
        case allPods(PodLedger)
        /// Holds the pods of a class.
        case pods
        /// A pod, and what it claims.
        case pod(PodClaim)
        /// A container, and the memory it requests.
        case container(request: ByteCount)
        /// Holds a tree of somebody's own. What of its protections is set by name; the others follow from what is below.
        case tree(isSettled: Bool, named: [ControlKnob])
        /// Belongs to such a tree.
        case member(named: [ControlKnob])

        /// Whether the last change of the tree, whose root this is, was completed; nil when it is no root.
        package var isSettled: Bool? {
            switch self {
            case .allPods(let ledger): ledger.isSettled
            case .tree(let isSettled, _): isSettled
            default: nil
            }
        }

        /// The same with the last change completed or under way.
        package func settled(_ isSettled: Bool) -> Role {
            switch self {
            case .allPods(var ledger):
                ledger.isSettled = isSettled
                return .allPods(ledger)
            case .tree(_, let named): return .tree(isSettled: isSettled, named: named)
            default: return self
            }
        }

        /// The protections that are set by name.
        var named: [ControlKnob] {
            switch self {
            case .tree(_, let named), .member(let named): named
            default: []
            }
        }
    }

    /// Whether we made the control group.
    public var isMade = false
    /// What it is for; nil when it only stands above what we manage.
    public var role: Role?
    /// The values that are ours.
    public var values: [ControlKnob: Taken] = [:]
    /// The controllers that we enabled for the children.
    public var enabled: [String] = []

    /// Control groups elsewhere that are changed together with the pods: those of reserved parts of the node.
    public var elsewhere: [CgroupPath] = []

    /// The roots of trees of pods below, on the control groups above them: what was taken here is given back with the
    /// last. It is noted before a root is made.
    public var trees: [CgroupPath] = []

    /// An empty record.
    public init() {}

    /// The name of the extended attribute for an ordinary user. On cgroupfs since Linux 5.7.
    public static let attribute = "user.bulkhead"
    /// Its name where CAP_SYS_ADMIN is held: the owner of a delegated control group can write the other one, and could
    /// make a privileged caller believe anything.
    public static let trustedAttribute = "trusted.bulkhead"
}

/// What a pod claims of its ancestors, and who it is.
public struct PodClaim: Sendable, Hashable {
    /// The namespace.
    public var namespace: String
    /// The name.
    public var name: String
    /// The class, which decides which protection the request becomes.
    public var qosClass: QoSClass
    /// The memory that is protected under the policy.
    public var request: ByteCount
    /// The requested cpu.
    public var milliCPU: Int64

    /// A claim.
    public init(namespace: String, name: String, qosClass: QoSClass, request: ByteCount, milliCPU: Int64) {
        self.namespace = namespace
        self.name = name
        self.qosClass = qosClass
        self.request = request
        self.milliCPU = milliCPU
    }

    /// The sums with this pod alone.
    public var totals: PodTotals { PodTotals(pod: qosClass, request: request, milliCPU: milliCPU) }
}

/// The books about all pods of a node: with them, one more pod costs as much on a node of ten pods as on one of ten
/// thousand, for nobody has to look at the others.
public struct PodLedger: Sendable, Hashable {
    /// What is known of one shared control group: what its children are that no record tells of, and how many in all.
    public struct Shared: Sendable, Hashable {
        /// Control groups directly below. The directory's link count tells it too: a difference means that somebody
        /// else made or removed one.
        public var children: UInt64
        /// `memory.min` of the children that are not ours, together.
        public var foreignMin: ByteCount
        /// `memory.low` of them.
        public var foreignLow: ByteCount

        /// What is known.
        public init(children: UInt64 = 0, foreignMin: ByteCount = .zero, foreignLow: ByteCount = .zero) {
            self.children = children
            self.foreignMin = foreignMin
            self.foreignLow = foreignLow
        }
    }

    /// The policy under which the values were written.
    public var policy: MemoryReservationPolicy
    /// Whose behaviour they follow.
    public var behaviour: KubeletBehaviour
    /// Whether the last change was completed. If not, the tree is looked through before the next one.
    public var isSettled: Bool
    /// The sums over our pods.
    public var totals: PodTotals
    /// What is known of the root of all pods and of the two classes below it, in this order.
    public var shared: [Shared]

    /// Books.
    public init(
        policy: MemoryReservationPolicy, behaviour: KubeletBehaviour = .fixed, isSettled: Bool = false,
        totals: PodTotals = .init(), shared: [Shared] = []
    ) {
        self.policy = policy
        self.behaviour = behaviour
        self.isSettled = isSettled
        self.totals = totals
        self.shared = shared
    }
}
