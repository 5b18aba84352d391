// SPDX-License-Identifier: Apache-2.0

public import LinuxKernel
public import NodeModel
internal import SystemPackage

/// A change that stopped at a step, and what became of the steps before it.
public struct TreeFailure: Error, Sendable, Hashable {
    /// The step that failed.
    public let step: TreeStep
    /// Why.
    public let error: KernelError
    /// How many steps had been done, and were taken back.
    public let undone: Int
    /// Steps that could not be taken back, and why.
    public let stuck: [Stuck]

    /// A step that could not be taken back.
    public struct Stuck: Sendable, Hashable {
        /// What was tried.
        public let step: TreeStep
        /// Why it did not work.
        public let error: KernelError
    }
}

extension TreeFailure: CustomStringConvertible {
    /// The failure, and what is left of the change.
    public var description: String {
        var text = "\(error); "
        text += undone == 0 ? "nothing had been changed before" : "the \(undone) steps before it were taken back"
        for left in stuck { text += "; not taken back: \(left.step): \(left.error)" }
        return text
    }
}

/// How far a change has come.
public struct TreeProgress: Sendable, Hashable {
    /// Steps that are done.
    public let done: Int
    /// Steps in all.
    public let all: Int
}

extension TreeBackend where Self: ~Copyable {
    /// Does the steps in their order. At the first that fails, those before it are taken back in reverse order.
    /// What `progress` throws before a step stops it in the same way.
    borrowing func apply(
        _ plan: TreePlan, progress: (TreeProgress) throws(KernelError) -> Void = { _ in }
    ) throws(TreeFailure) {
        for (index, step) in plan.steps.enumerated() {
            do throws(KernelError) {
                try progress(TreeProgress(done: index, all: plan.steps.count))
                try perform(step)
            } catch {
                var stuck: [TreeFailure.Stuck] = []
                // What was written may have taken effect although the call failed: it is taken back, too.
                var undo = plan.steps[..<index].reversed().map(\.reversed)
                if case .write = step { undo.insert(step.reversed, at: 0) }
                var high: [TreeStep] = []
                for back in undo {
                    // What is below could not be lowered: what covers it stays.
                    if let below = high.first(where: { back.uncovers($0) }) {
                        let why = stuck.first { $0.step == below }?.error ?? error
                        stuck.append(.init(step: back, error: why))
                        continue
                    }
                    do { try perform(back) } catch {
                        if error.meansCgroupIsGone || error.errno == .noSuchFileOrDirectory { continue }
                        high.append(back)
                        if back != step.reversed { stuck.append(.init(step: back, error: error)) }
                    }
                }
                throw TreeFailure(step: step, error: error, undone: index, stuck: stuck)
            }
        }
    }
}

extension TreeStep {
    /// Whether this lowers a protection above one that another step was to lower, and did not.
    fileprivate func uncovers(_ other: TreeStep) -> Bool {
        guard case .write(let knob, _, _, let path) = self, case .write(let below, _, _, let place) = other else {
            return false
        }
        return knob == below && knob.kind == .protection && path != place && path.contains(place)
    }
}
