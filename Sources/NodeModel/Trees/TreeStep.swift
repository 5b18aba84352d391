// SPDX-License-Identifier: Apache-2.0

/// One step of a change: each is one act of the kernel, and each can be taken back.
public enum TreeStep: Sendable, Hashable {
    /// Makes an empty control group.
    case make(CgroupPath)
    /// Removes a control group without processes and children.
    case remove(CgroupPath)
    /// Gives controllers to the children (`cgroup.subtree_control`), all in one write.
    case enable([String], CgroupPath)
    /// Takes controllers from the children.
    case disable([String], CgroupPath)
    /// Writes down what is ours; nil removes the record.
    case record(CgroupRecord?, replacing: CgroupRecord?, CgroupPath)
    /// Writes a value.
    case write(ControlKnob, String, replacing: String, CgroupPath)

    /// The step that takes this one back.
    public var reversed: TreeStep {
        switch self {
        case .make(let path): .remove(path)
        case .remove(let path): .make(path)
        case .enable(let controllers, let path): .disable(controllers, path)
        case .disable(let controllers, let path): .enable(controllers, path)
        case .record(let new, let old, let path): .record(old, replacing: new, path)
        case .write(let knob, let new, let old, let path): .write(knob, old, replacing: new, path)
        }
    }

    /// The control group.
    public var path: CgroupPath {
        switch self {
        case .make(let path), .remove(let path), .enable(_, let path), .disable(_, let path), .record(_, _, let path),
            .write(_, _, _, let path):
            path
        }
    }

    /// Whether it changes what is asked of the kernel, and not only what is written down about it.
    public var isVisible: Bool {
        if case .record = self { return false }
        return true
    }
}

extension TreeStep: CustomStringConvertible {
    /// `memory.low <- 402653184 in /kubepods/burstable (was 0)`.
    public var description: String {
        switch self {
        case .make(let path): "make \(path)"
        case .remove(let path): "remove \(path)"
        case .enable(let names, let path):
            "cgroup.subtree_control <- \(names.map { "+" + $0 }.joined(separator: " ")) in \(path)"
        case .disable(let names, let path):
            "cgroup.subtree_control <- \(names.map { "-" + $0 }.joined(separator: " ")) in \(path)"
        case .record(let record, _, let path):
            record == nil ? "forget what is ours in \(path)" : "record what is ours in \(path)"
        case .write(let knob, let value, let old, let path):
            "\(knob.file) <- \(knob.text(value)) in \(path) (was \(old))"
        }
    }
}

/// A change of a tree as the list of its steps. Done in this order, a parent's protection covers its children's after
/// every single one, and so it does while the steps are taken back from any point.
public struct TreePlan: Sendable, Hashable {
    /// The steps.
    public internal(set) var steps: [TreeStep]
    /// Values that were ours and that somebody else has changed since.
    public internal(set) var foreignEdits: [ForeignEdit]

    /// A change of these steps.
    public init(steps: [TreeStep] = [], foreignEdits: [ForeignEdit] = []) {
        self.steps = steps
        self.foreignEdits = foreignEdits
    }

    /// The steps that take this change back.
    public var reversed: TreePlan { TreePlan(steps: steps.reversed().map(\.reversed)) }

    /// The steps that the kernel sees; the others only keep the books.
    public var visibleSteps: [TreeStep] { steps.filter(\.isVisible) }

    /// Whether nothing is left to do.
    public var isEmpty: Bool { visibleSteps.isEmpty }
}

extension TreePlan: CustomStringConvertible {
    /// One visible step a line.
    public var description: String { visibleSteps.map(\.description).joined(separator: "\n") }
}

/// A value that was ours and that somebody else has changed.
public struct ForeignEdit: Sendable, Hashable, CustomStringConvertible {
    /// The control group.
    public let path: CgroupPath
    /// The setting.
    public let knob: ControlKnob
    /// What we had written.
    public let ours: String
    /// What is there.
    public let found: String

    /// Names both values.
    public var description: String { "\(knob) in \(path) is \(found), and was \(ours) when we left it" }
}

extension TreePlan {
    /// Adds a step at the end.
    public mutating func append(_ step: TreeStep) { steps.append(step) }
}
