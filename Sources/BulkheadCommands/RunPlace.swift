// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import LinuxKernel
internal import SystemPackage

/// Where in the cgroup tree a run has its place, and which of its limits hold there.
struct RunPlace {
    /// The limits that this host can set.
    let limits: RunCgroup
    private let root: FilePath?

    /// Refuses what this host cannot give, or with `bestEffort` says so and goes on without.
    init(_ wanted: RunCgroup, host: CgroupHost, bestEffort: Bool) throws {
        guard let root = host.root, effectiveUserID == 0 else {
            let reason =
                host.absence
                ?? "an ordinary user has no cgroup to make others in; run it as root"
            // A user's run without limits works without a cgroup of its own; nothing was promised that is not kept.
            let isPromised = !wanted.controllers.isEmpty || wanted.name != nil || effectiveUserID == 0
            if isPromised {
                guard bestEffort else { throw ToolFailure(.impossible, "no cgroup of its own: \(reason)") }
                Output.complain("going on without a cgroup: \(reason)")
            }
            self.root = nil
            limits = wanted.without(wanted.controllers)
            return
        }
        self.root = root
        let missing = try Cgroup.open(root).missingControllers(wanted.controllers)
        for (controller, reason) in missing.sorted(by: { $0.key < $1.key }) {
            let text = "limits of the \(controller) controller cannot be set: \(reason)"
            guard bestEffort else { throw ToolFailure(.impossible, "\(text); --best-effort goes on without") }
            Output.complain("going on without: \(text)")
        }
        limits = wanted.without(Set(missing.keys))
    }

    /// The v2 root, or nil when the run has no cgroup of its own.
    func openRoot() throws(KernelError) -> Cgroup? {
        guard let root else { return nil }
        return try Cgroup.open(root)
    }

    /// The path in the cgroup tree.
    func path(of name: String) -> String? { root == nil ? nil : "/\(limits.group)/\(name)" }
}
