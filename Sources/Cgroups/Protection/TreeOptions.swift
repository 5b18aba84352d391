// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel

/// How a tree is to be changed.
public struct TreeOptions: Sendable, Hashable {
    /// Go on although something cannot hold; the outcome tells.
    public var force = false
    /// Raise control groups above the root of the tree, which are not ours, where they lack the protection.
    public var raisesAncestors = false
    /// Look through all that is there instead of trusting the books.
    public var rescans = false
    /// How long another writer is waited for.
    public var lockTimeout: Duration = .seconds(60)
    /// Memory of the machine that no protection may claim; nil for what is reserved, and no less than a 64th.
    public var reserve: ByteCount?

    /// The defaults.
    public init() {}
}

/// What a change of a tree has done, or would do.
public struct TreeOutcome: Sendable, Hashable {
    /// The steps, and the values of ours that somebody else has changed.
    public var plan: TreePlan
    /// What does not hold, and was gone on with.
    public var violations: [TreeViolation]
}

/// What giving back has left.
public struct TreeRelease: Sendable, Hashable {
    /// The steps that were done.
    public var plan: TreePlan
    /// Cgroups that we made and that stay, for somebody uses them, and controllers that others need by now.
    public var kept: [TreeFailure.Stuck] = []
}

/// Why a change of a tree was not made.
public enum TreeError: Error, Sendable, Hashable {
    /// The kernel refused something before the first write.
    case kernel(KernelError)
    /// A place is not below the root of the tree, is named twice, or belongs to another tree.
    case misplaced(CgroupPath)
    /// What the change would leave behind cannot hold.
    case refused([TreeViolation])
    /// A write failed.
    case failed(TreeFailure)
}

extension TreeError: CustomStringConvertible {
    /// What is the matter, one line each.
    public var description: String {
        switch self {
        case .kernel(let error): "\(error)"
        case .misplaced(let path): "\(path) is not of this tree, or named twice, or managed as part of another tree"
        case .refused(let violations): violations.map { "\($0)" }.joined(separator: "\n")
        case .failed(let failure): "\(failure)"
        }
    }
}

/// Calls what throws the kernel's errors where those of a tree are thrown.
func asked<Result: ~Copyable>(_ body: () throws(KernelError) -> Result) throws(TreeError) -> Result {
    do { return try body() } catch { throw .kernel(error) }
}
