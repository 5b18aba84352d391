// SPDX-License-Identifier: Apache-2.0

internal import LinuxKernel
internal import SystemPackage
internal import ToolOutput

/// What `bulkhead doctor` found, before it is printed.
struct DoctorReport {
    var release: String
    var version: KernelVersion?
    var warnings: [KernelWarning]
    var cgroup: CgroupHost
    var features: KernelFeatures
    var userNamespaces: UserNamespaceHost
    var paths: [PathSupport]
    var caller: CallerRights

    /// Looks at this host.
    init(paths: [String]) {
        features = KernelFeatures.probe()
        cgroup = CgroupHost.probe()
        userNamespaces = UserNamespaceHost.probe()
        caller = CallerRights.current()
        self.paths = paths.map { PathSupport.probe(FilePath($0)) }
        do throws(KernelError) {
            let running = try KernelVersion.running()
            version = running
            release = running.release
            let found = features
            // What was tried and works is no matter for a warning, whatever the version.
            warnings = KernelWarning.warnings(for: running).filter { warning in
                warning.feature.flatMap { found[$0]?.available } != true
            }
            warnings += KernelWarning.ofThisMachine()
        } catch {
            release = error.subject
            warnings = []
        }
    }

    /// Why what is required is not there; nil when it is.
    func absence(of requirement: DoctorRequirement) -> String? {
        switch requirement {
        case .feature(let name): features[name].flatMap { $0.available ? nil : $0.reason ?? "unknown" }
        case .userNamespaces: userNamespaces.reason
        case .unifiedTree: cgroup.absence
        case .controller(let name): cgroup.unavailability(of: name)
        case .idmap(let path):
            paths.first { $0.path.string == FilePath(path).string }.flatMap {
                $0.takesIDMap ? nil : $0.reason ?? "unknown"
            }
        }
    }

    /// The document that the tool promises.
    var json: JSON {
        [
            "kernel": [
                "release": .string(release), "major": number(version?.major), "minor": number(version?.minor),
                "patch": number(version?.patch), "disguised": .bool(version?.isDisguised ?? false),
            ],
            "warnings": .array(warnings.map { ["id": .string($0.id), "text": .string($0.text)] }),
            "cgroup": [
                "mode": .string(cgroup.mode.rawValue), "root": .optional(cgroup.root?.string),
                "controllers": .strings(cgroup.controllers),
                "unavailable": .array(
                    cgroup.unavailable.map {
                        [
                            "controller": .string($0.controller), "reason": .string($0.reason),
                            "remedy": .optional($0.remedy),
                        ]
                    }),
                "mountOptions": .strings(cgroup.mountOptions), "own": .optional(cgroup.ownPath?.string),
            ],
            "features": .array(features.all.map(json)),
            "userNamespaces": [
                "available": .bool(userNamespaces.isAvailable), "reason": .optional(userNamespaces.reason),
                "limits": .object(userNamespaces.limits.map { JSON.Member($0.name, .integer($0.value)) }),
            ],
            "paths": .array(
                paths.map {
                    [
                        "path": .string($0.path.string), "filesystem": .optional($0.fileSystem),
                        "idmap": .bool($0.takesIDMap), "reason": .optional($0.reason),
                    ]
                }),
            "caller": [
                "effectiveCapabilities": .optional(
                    caller.effectiveCapabilities.map { String($0, radix: 16) }),
                "seccompFilter": .bool(caller.hasSeccompFilter),
                "initialUserNamespace": caller.isInitialUserNamespace.map(JSON.bool) ?? .null,
                "securityModules": .strings(caller.securityModules),
            ],
        ]
    }

    private func number(_ value: Int?) -> JSON { value.map { .integer($0) } ?? .null }

    private func json(_ feature: KernelFeature) -> JSON {
        var members: [JSON.Member] = [
            .init("name", .string(feature.name)), .init("available", .bool(feature.available)),
            .init("since", .string(feature.since.release)),
            .init("inKernel", feature.inKernel.map(JSON.bool) ?? .null),
            .init("reason", .optional(feature.reason)),
        ]
        if let note = feature.note { members.append(.init("note", .string(note))) }
        return .object(members)
    }
}
