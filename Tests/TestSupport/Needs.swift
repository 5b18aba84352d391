// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import LinuxKernel
public import Testing

/// Something a test needs of the machine. A test states it (`@Test(.needs(.root))`); where it is missing the test is
/// skipped and the line says why. `REQUIRE=memory,root` makes those tests run all the same, and so fail.
public struct Requirement: Sendable {
    /// What `REQUIRE` calls it.
    public let name: String
    /// Why it is missing; nil when it is there.
    public let absence: String?

    /// A requirement of one's own.
    public init(_ name: String, absence: String?) {
        self.name = name
        self.absence = absence
    }

    /// The effective user is root and holds CAP_SYS_ADMIN.
    public static let root = Requirement(
        "root",
        absence: geteuid() != 0
            ? "this is user \(geteuid())" : rights.has(CallerRights.sysAdmin) ? nil : "CAP_SYS_ADMIN is missing")
    /// The effective user is not root.
    public static let ordinaryUser = Requirement("ordinary-user", absence: geteuid() == 0 ? "this is root" : nil)
    /// A kernel without a feature: what it answers, and what is left, can be seen only there.
    public static func withoutFeature(_ name: String) -> Requirement {
        Requirement("no-\(name)", absence: absence(of: name) == nil ? "this kernel has \(name)" : nil)
    }
    /// cgroup v2 is mounted somewhere.
    public static let cgroup2 = Requirement("cgroup2", absence: cgroups.absence)
    /// cgroup v2 offers the memory controller.
    public static let memoryController = controller("memory", called: "memory")
    /// Mounts take ID maps, by this caller.
    public static let idmappedMounts = Requirement("idmap", absence: absence(of: "idmapped_mounts"))
    /// User namespaces can be made and are of use.
    public static let userNamespaces = Requirement("userns", absence: UserNamespaceHost.probe().reason)
    /// The network can be configured.
    public static let netAdmin = Requirement(
        "netadmin", absence: rights.has(CallerRights.netAdmin) ? nil : "CAP_NET_ADMIN is missing")

    /// cgroup v2 offers a controller; `REQUIRE` calls it `cgroup:pids`.
    public static func controller(_ controller: String) -> Requirement {
        self.controller(controller, called: "cgroup:\(controller)")
    }

    /// A feature of the kernel by its name in `KernelFeatures`, such as `open_tree_attr`.
    public static func feature(_ name: String) -> Requirement { Requirement(name, absence: absence(of: name)) }

    /// A program in `PATH`, such as `ip`.
    public static func command(_ name: String) -> Requirement {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"
        let isThere = path.split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
        return Requirement(name, absence: isThere ? nil : "no program \(name) in PATH")
    }

    /// Whether `REQUIRE` names it.
    var isDemanded: Bool {
        let demanded = ProcessInfo.processInfo.environment["REQUIRE"] ?? ""
        return demanded.split(whereSeparator: { $0 == "," || $0 == " " }).contains(Substring(name))
    }

    private static let rights = CallerRights.current()
    private static let cgroups = CgroupHost.probe()
    private static let features = KernelFeatures.probe()

    private static func controller(_ controller: String, called name: String) -> Requirement {
        let absence = cgroups.absence ?? cgroups.unavailability(of: controller)
        return Requirement(name, absence: absence.map { "cgroup v2 lacks the \(controller) controller: \($0)" })
    }

    private static func absence(of name: String) -> String? {
        guard let feature = features[name] else { return "no feature is called \(name)" }
        return feature.available ? nil : feature.reason ?? "unknown"
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips the test where something is missing, and says what and why; `REQUIRE` turns the skip into a run.
    public static func needs(_ requirement: Requirement) -> Self {
        let absence = requirement.absence ?? ""
        return .enabled(
            if: requirement.absence == nil || requirement.isDemanded,
            "needs \(requirement.name): \(absence); demand it with REQUIRE=\(requirement.name)")
    }
}
