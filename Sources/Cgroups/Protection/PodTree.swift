// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel

/// The cgroups of a node's pods, and the one way to change them: several writers take turns, at every instant each
/// parent's protection covers its children's, and a change is done whole or taken back.
///
/// ```swift
/// let tree = try PodTree(layout: node.layout)
/// let outcome = try tree.apply(pods, on: node, policy: .tieredReservation)
/// try tree.delete(["6fbb…"])
/// try tree.release()
/// ```
///
/// What is written, and what was there before, is written down on each cgroup, in an extended attribute
/// (`trusted.bulkhead`; without CAP_SYS_ADMIN `user.bulkhead`). On the root of all pods
/// are the sums over all pods, so one more pod costs its own files and those of its ancestors, however many there are.
public struct PodTree: ~Copyable, Sendable {
    let live: LiveTree
    let layout: PodCgroupLayout
    /// The root of all pods, then the cgroups of the classes.
    let shared: [CgroupPath]

    /// The tree at the places of a layout, beneath the root of the mounted hierarchy.
    /// - Throws: ``PodTreeError`` when cgroup v2 is not mounted, or a place cannot be one.
    public init(layout: PodCgroupLayout, pageSize: ByteCount? = nil) throws(PodTreeError) {
        let mount: Cgroup
        do { mount = try Cgroup.root() } catch { throw .kernel(error) }
        try self.init(layout: layout, pageSize: pageSize, mount: mount)
    }

    init(layout: PodCgroupLayout, pageSize: ByteCount?, mount: consuming Cgroup) throws(PodTreeError) {
        live = LiveTree(mount: mount, pageSize: pageSize ?? ByteCount(ProcessCall.pageSize))
        self.layout = layout
        do {
            let names = [layout.root, try layout.name(of: .burstable), try layout.name(of: .bestEffort)]
            var paths: [CgroupPath] = []
            for name in names { paths.append(try name.path(driver: layout.driver)) }
            shared = paths
        } catch { throw .planning(.name(pod: "the root of all pods", error)) }
    }

    /// The root of all pods.
    var root: CgroupPath { shared[0] }

    /// Where a pod of a class is.
    func path(of uid: String, _ qosClass: QoSClass) throws(PodTreeError) -> CgroupPath {
        do { return try layout.name(ofPod: uid, class: qosClass).path(driver: layout.driver) } catch {
            throw .planning(.name(pod: uid, error))
        }
    }

    /// Whether a cgroup directly below a shared one is a class's, and so no pod's.
    func isShared(_ path: CgroupPath) -> Bool { shared.contains(path) }
}

/// What a change has done, or would do.
public struct PodTreeOutcome: Sendable, Hashable {
    /// The steps.
    public var plan: TreePlan
    /// What is asked for, from the root of all pods down to each container.
    public var memoryPlan: MemoryPlan
    /// What may not be meant: of the plan, of values changed by others, of violations gone on with.
    public var warnings: [PlanWarning]
}

/// Why a change was not made.
public enum PodTreeError: Error, Sendable, Hashable {
    /// The kernel refused something before the first write.
    case kernel(KernelError)
    /// No plan can be made of the pods.
    case planning(MemoryPlanError)
    /// What the change would leave behind cannot hold.
    case refused([TreeViolation])
    /// The place is that of a ``CgroupTree``.
    case misplaced(CgroupPath)
    /// A pod is there under another class.
    case otherClass(uid: String, CgroupPath)
    /// A write failed.
    case failed(TreeFailure)
}

extension PodTreeError: CustomStringConvertible {
    /// What is the matter, one line each.
    public var description: String {
        switch self {
        case .kernel(let error): "\(error)"
        case .planning(let error): "\(error)"
        case .refused(let violations): violations.map { "\($0)" }.joined(separator: "\n")
        case .misplaced(let path): "\(path) is managed as another tree, which does not hold pods"
        case .otherClass(let uid, let path):
            "the pod \(uid) is there in another class, at \(path): a pod's class does not change; delete it first"
        case .failed(let failure): "\(failure)"
        }
    }
}

/// Calls what throws the kernel's errors where those of a tree are thrown.
func kernel<Result: ~Copyable>(_ body: () throws(KernelError) -> Result) throws(PodTreeError) -> Result {
    do { return try body() } catch { throw .kernel(error) }
}
