// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// Where in the cgroup tree a run has its place, and which of its limits hold there.
struct RunPlace {
    /// The limits that this host can set.
    let limits: RunCgroup
    /// Where cgroup v2 is mounted; nil when the run has no cgroup of its own.
    let mount: FilePath?

    /// Refuses what this host cannot give, or with `bestEffort` says so and goes on without.
    init(_ wanted: RunCgroup, cgroups root: FilePath?, bestEffort: Bool) throws {
        guard let root, effectiveUserID == 0 else {
            let reason =
                CgroupHost.probe().absence
                ?? "an ordinary user has no cgroup to make others in; run it as root"
            // A user's run without limits works without a cgroup of its own; nothing was promised that is not kept.
            let isPromised = !wanted.controllers.isEmpty || wanted.name != nil || effectiveUserID == 0
            if isPromised {
                guard bestEffort else { throw ToolFailure(.impossible, "no cgroup of its own: \(reason)") }
                Output.complain("going on without a cgroup: \(reason)")
            }
            mount = nil
            limits = wanted.without(wanted.controllers)
            return
        }
        mount = root
        limits = wanted.without(
            try controllersToDoWithout(wanted.controllers, toSet: "limits", beneath: root, bestEffort: bestEffort))
    }

    /// The path in the cgroup tree.
    func path(of name: String) -> String? { mount == nil ? nil : "/\(limits.group)/\(name)" }
}

/// Which of the controllers this host cannot give; each is told, and without `bestEffort` refused.
func controllersToDoWithout(
    _ wanted: Set<Controller>, toSet what: String, beneath root: FilePath, bestEffort: Bool
) throws -> Set<Controller> {
    if wanted.isEmpty { return [] }
    let missing = try Cgroup.open(root).missingControllers(wanted)
    for (controller, reason) in missing.sorted(by: { $0.key < $1.key }) {
        let text = "\(what) of the \(controller) controller cannot be set: \(reason)"
        guard bestEffort else { throw ToolFailure(.impossible, "\(text); --best-effort goes on without") }
        Output.complain("going on without: \(text)")
    }
    return Set(missing.keys)
}
