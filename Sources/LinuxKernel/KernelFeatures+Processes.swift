// SPDX-License-Identifier: Apache-2.0

internal import CLinuxKernel
internal import SystemPackage

extension KernelFeatures {
    static let processTrials: [Trial] = [
        Trial("clone3", since: KernelVersion(5, 3)) { trial, bench in bench.judge(bench.child.clone, of: trial) },
        Trial("clone3_clear_sighand", since: KernelVersion(5, 5)) { trial, bench in
            let clearSignalHandlers: UInt64 = 0x1_0000_0000
            return bench.judge(
                ChildTrial(flags: clearSignalHandlers).clone, of: trial, call: "clone3 CLONE_CLEAR_SIGHAND")
        },
        Trial("clone3_into_cgroup", since: KernelVersion(5, 7)) { trial, bench in
            let call = "clone3 CLONE_INTO_CGROUP"
            // Into the cgroup we are in, where that can be opened; the kernel may still refuse it to this caller.
            if let path = bench.cgroups.ownPath, let own = try? Descriptor.probing(path.string, .directory) {
                let result = ChildTrial(cgroup: own.number).clone
                if result > 0 { return .works() }
                let error = Errno(rawValue: -result)
                if [.permissionDenied, .notPermitted].contains(error), intoClosedDescriptor() == .badFileDescriptor {
                    return .works(note: "not into \(path): \(error.description)")
                }
                return bench.judge(result, of: trial, call: call, known: [.resourceBusy])
            }
            return bench.judge(ChildTrial(cgroup: CInt.max).clone, of: trial, call: call, known: [.badFileDescriptor])
        },
        Trial("pidfd_open", since: KernelVersion(5, 3)) { trial, bench in
            bench.judge(closing(bk_probe_pidfd_open_self()), of: trial)
        },
        Trial("pidfd_send_signal", since: KernelVersion(5, 1)) { trial, bench in
            // Signal 0 asks only whether one may be sent. Without a process descriptor, EBADF still shows the call.
            guard case .success(let own) = bench.caller else {
                return bench.judge(bk_pidfd_send_signal(CInt.max, 0), of: trial, known: [.badFileDescriptor])
            }
            return bench.judge(bk_pidfd_send_signal(own.descriptor.number, 0), of: trial)
        },
        Trial("waitid_pidfd", since: KernelVersion(5, 4)) { trial, bench in
            if bench.child.waited { return .works() }
            var how = bk_exit()
            let other = unsafe bk_wait_pidfd(CInt.max, 0, 0, &how)
            return bench.judge(
                bench.child.wait.map { -$0.rawValue } ?? other, of: trial, call: "waitid P_PIDFD",
                known: [.badFileDescriptor])
        },
        Trial("pidfd_get_namespace", since: KernelVersion(6, 11)) { trial, bench in
            guard case .success(let own) = bench.caller else {
                return .unknown("pidfd_open gives no process descriptor to ask")
            }
            return bench.judge(
                closing(bk_probe_pidfd_uts_namespace(own.descriptor.number)), of: trial,
                call: "ioctl PIDFD_GET_UTS_NAMESPACE")
        },
    ]

    private static func intoClosedDescriptor() -> Errno {
        Errno(rawValue: -min(0, ChildTrial(cgroup: CInt.max).clone))
    }

    static let fileTrials: [Trial] = [
        Trial("openat2", since: KernelVersion(5, 6)) { trial, bench in
            let flags = OpenFlags.path.union(.directory).rawValue
            let result = unsafe bk_openat2(atWorkingDirectory, "/", flags, 0, ResolveFlags.noMagicLinks.rawValue)
            return bench.judge(closing(result), of: trial)
        },
        Trial("close_range", since: KernelVersion(5, 9)) { trial, bench in
            bench.judge(bk_probe_close_range(0), of: trial)
        },
        Trial("close_range_cloexec", since: KernelVersion(5, 11)) { trial, bench in
            bench.judge(bk_probe_close_range(4), of: trial, call: "close_range CLOSE_RANGE_CLOEXEC")
        },
        Trial("fchmodat2", since: KernelVersion(6, 6)) { trial, bench in
            let number = unsafe bk_memfd("bulkhead-probe")
            guard number >= 0 else { return bench.judge(number, of: trial, call: "memfd_create") }
            let file = Descriptor(owning: number)
            return bench.judge(bk_probe_fchmodat2(file.number, 0o600), of: trial)
        },
    ]
}
