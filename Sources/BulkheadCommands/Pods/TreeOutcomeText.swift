// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import NodeModel
internal import SystemPackage
internal import ToolOutput

extension ToolFailure {
    /// What a change of a tree could not do.
    init(_ error: PodTreeError) {
        switch error {
        case .refused(let violations):
            let lines = violations.map { "\($0.id): \($0)" }.joined(separator: "\nbulkhead: ")
            self.init(.failed, "refused, and nothing was changed (--force goes on):\nbulkhead: \(lines)")
        case .kernel(let error) where [.permissionDenied, .notPermitted, .readOnlyFileSystem].contains(error.errno):
            self.init(.impossible, "\(error)")
        default: self.init(.failed, "\(error)")
        }
    }
}

extension PodTreeOutcome {
    /// The document of `--json`: that of `plan`, and the steps.
    func json(dryRun: Bool) -> JSON {
        guard case .object(var members) = memoryPlan.json else { return .null }
        members.removeAll { $0.name == "warnings" }
        members.append(.init("warnings", .array(warnings.map { ["id": .string($0.id), "text": .string($0.text)] })))
        members.append(.init("dryRun", .bool(dryRun)))
        members.append(.init("steps", plan.json))
        return .object(members)
    }

    /// Every step, or how many there are.
    func text(dryRun: Bool, verbose: Bool) -> String {
        let pods = memoryPlan.pods.count
        var lines = dryRun || verbose ? plan.visibleSteps.map { "\($0)".printable } : []
        let what = plan.summary
        lines.append(
            "\(pods) \(pods == 1 ? "pod" : "pods"): \(dryRun && what != "nothing to do" ? "would be " : "")\(what)")
        return lines.joined(separator: "\n")
    }
}

extension TreePlan {
    /// How many steps of which kind: `4 cgroups made, 12 values written`.
    var summary: String {
        var made = 0
        var removed = 0
        var written = 0
        var switched = 0
        for step in visibleSteps {
            switch step {
            case .make: made += 1
            case .remove: removed += 1
            case .write: written += 1
            case .enable, .disable: switched += 1
            case .record: break
            }
        }
        let parts = [(made, "cgroup", "made"), (removed, "cgroup", "removed"), (written, "value", "written")]
            .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s") \($0.2)" }
        // Of a change that makes cgroups it goes without saying.
        if parts.isEmpty, switched > 0 { return "controllers switched" }
        return parts.isEmpty ? "nothing to do" : parts.joined(separator: ", ")
    }

    /// An array of steps.
    var json: JSON {
        .array(
            visibleSteps.map { step in
                let path = JSON.string("\(step.path)")
                return switch step {
                case .make: ["step": "make", "path": path]
                case .remove: ["step": "remove", "path": path]
                case .enable(let names, _): ["step": "enable", "path": path, "controllers": .strings(names)]
                case .disable(let names, _): ["step": "disable", "path": path, "controllers": .strings(names)]
                case .record: ["step": "record", "path": path]
                case .write(let knob, let value, let old, _):
                    [
                        "step": "write", "path": path, "file": .string(knob.file), "value": .string(knob.text(value)),
                        "was": .string(old),
                    ]
                }
            })
    }
}
