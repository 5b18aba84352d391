// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

extension KernelFeatures {
    static let securityTrials: [Trial] = [
        Trial("seccomp_filter", since: KernelVersion(4, 14)) { trial, bench in
            let killProcess: UInt32 = 0x8000_0000
            return bench.judge(
                bk_probe_seccomp_action(killProcess), of: trial, call: "seccomp SECCOMP_GET_ACTION_AVAIL")
        },
        Trial("seccomp_user_notification", since: KernelVersion(5, 0)) { trial, bench in
            bench.judge(bk_probe_seccomp_notification(), of: trial, call: "seccomp SECCOMP_GET_NOTIF_SIZES")
        },
        Trial("landlock", since: KernelVersion(5, 13)) { trial, bench in
            let version = bk_probe_landlock()
            if version == -Errno.notSupported.rawValue {
                return .refused("Landlock is compiled in but off; add landlock to the kernel parameter lsm=")
            }
            return bench.judge(version, of: trial, call: "landlock_create_ruleset", note: "ABI \(version)")
        },
        Trial("time_namespaces", since: KernelVersion(5, 6)) { trial, bench in
            if readLink("/proc/self/ns/time") != nil { return .works() }
            return readLink("/proc/self/ns/user") == nil
                ? .unknown("/proc is not mounted here")
                : .missing("not compiled in, or not in this kernel (since Linux \(trial.since.release))")
        },
        Trial("pressure_stall", since: KernelVersion(4, 20)) { trial, bench in
            do throws(KernelError) {
                _ = try Descriptor.probing("/proc/pressure/memory").readText()
                return .works()
            } catch {
                switch error.errno {
                case .noSuchFileOrDirectory:
                    return .missing("no /proc/pressure: not compiled in, or off (kernel parameter psi=1 turns it on)")
                case .notSupportedOnSocket: return .refused("off; the kernel parameter psi=1 turns it on")
                default: return .refused(error.description)
                }
            }
        },
    ]

    static let cgroupTrials: [Trial] = [
        coreFile("cgroup.freeze", since: KernelVersion(5, 2)),
        coreFile("cgroup.kill", since: KernelVersion(5, 14)),
        coreFile("cgroup.pressure", since: KernelVersion(6, 1)),
        controllerFile("memory.min", since: KernelVersion(4, 18)),
        controllerFile("memory.reclaim", since: KernelVersion(5, 19)),
        controllerFile("memory.peak", since: KernelVersion(5, 19)),
        controllerFile("memory.zswap.max", since: KernelVersion(5, 19)),
        controllerFile("pids.peak", since: KernelVersion(6, 1)),
        controllerFile("cpuset.cpus.exclusive", since: KernelVersion(6, 7)),
    ]

    /// A file that every cgroup but the root has.
    private static func coreFile(_ name: String, since: KernelVersion) -> Trial {
        Trial(name, since: since) { trial, bench in
            guard let root = bench.cgroups.root else { return .unknown(bench.cgroups.absence ?? "no cgroup v2") }
            return present(trial.name, anywhereUnder: root, with: nil) { .missing(missingFile(trial)) }
        }
    }

    /// A file of a controller, the first part of its name.
    private static func controllerFile(_ name: String, since: KernelVersion) -> Trial {
        Trial(name, since: since) { trial, bench in
            let controller = String(trial.name.prefix { $0 != "." })
            guard let root = bench.cgroups.root else { return .unknown(bench.cgroups.absence ?? "no cgroup v2") }
            if let reason = bench.cgroups.unavailability(of: controller) {
                return .unknown("the \(controller) controller is out of reach: \(reason)")
            }
            return present(trial.name, anywhereUnder: root, with: controller) { .missing(missingFile(trial)) }
        }
    }

    private static func missingFile(_ trial: Trial) -> String {
        "no \(trial.name) in this kernel (since Linux \(trial.since.release))"
    }

    /// Looks for the file in a cgroup that is not the root: one that is there and has the controller, else one made for
    /// the purpose and removed again. The kernel's own list of files that may be delegated helps where neither goes.
    private static func present(
        _ file: String, anywhereUnder root: FilePath, with controller: String?, otherwise: () -> Finding
    ) -> Finding {
        guard let directory = try? Descriptor.probing(root.string, .directory) else {
            return .unknown("\(root) cannot be opened")
        }
        func words(_ file: String) -> [Substring] {
            (probedText(root.appending(file).string) ?? "").split(whereSeparator: \.isWhitespace)
        }
        let enabled = controller.map { words("cgroup.subtree_control").contains(Substring($0)) } ?? true
        // In a cgroup namespace the root itself may be an ordinary cgroup, which has the files.
        if (try? directory.status(of: file)) != nil { return .works() }
        if enabled {
            let names = (try? directory.entries()) ?? []
            for name in names {
                guard let child = try? directory.status(of: name), child.isDirectory else { continue }
                if (try? directory.status(of: "\(name)/\(file)")) != nil { return .works() }
                // Only a cgroup that is still there shows that its kernel lacks the file.
                if (try? directory.status(of: name)) != nil { return otherwise() }
            }
            // A name nobody else takes: our process id is not reused while we live.
            let scratch = "bulkhead-probe-\(readLink("/proc/self") ?? "0")"
            if (try? directory.makeDirectory(scratch)) == true {
                defer { try? directory.removeDirectory(scratch) }
                return (try? directory.status(of: "\(scratch)/\(file)")) != nil ? .works() : otherwise()
            }
        }
        let delegated = probedText("/sys/kernel/cgroup/delegate")?.split(separator: "\n") ?? []
        if delegated.contains(Substring(file)) { return .works(note: "as /sys/kernel/cgroup/delegate tells") }
        if enabled { return .unknown("\(root) has no child to look into, and none may be made here") }
        return .unknown(
            "\(controller ?? "") is not in \(root)/cgroup.subtree_control, so no cgroup has the file; write +"
                + "\(controller ?? "") to it to find out")
    }
}
