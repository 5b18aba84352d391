// SPDX-License-Identifier: Apache-2.0

internal import CLibseccomp

extension SeccompFilter {
    /// What a workload in its own user namespace gets: everything, but for what no container needs, what acts on the
    /// whole host, and what has been a way out.
    ///
    /// It allows by default, other than Docker's: a user namespace already takes the power out of most calls, and a
    /// list of the allowed fails every program that is newer than the list. Mounts and further namespaces stay allowed,
    /// for the kernel confines them to the namespace. The system calls of other architectures, x32 among them, do not
    /// exist for the workload: their entry paths are the least tested.
    public static let `default` = SeccompFilter(
        default: .allow,
        rules: [
            // Another kernel, or code in this one.
            Rule(
                .notPermitted,
                [
                    "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module",
                    "query_module", "get_kernel_syms", "bpf", "iopl", "ioperm", "vm86", "vm86old",
                ]),
            // Large and often broken, or what makes a race in the kernel easy to win.
            Rule(
                .notPermitted,
                ["perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register"]),
            // Key rings are not namespaced: they reach other workloads' keys.
            Rule(.notPermitted, ["add_key", "request_key", "keyctl"]),
            // Opens any inode of the file system by number, whatever the mount shows ("shocker").
            // name_to_handle_at gives no access, and systemd and udev use it.
            Rule(.notPermitted, ["open_by_handle_at"]),
            // The host's state: power, swap, log, accounting, clock, quota.
            Rule(
                .notPermitted,
                [
                    "reboot", "swapon", "swapoff", "syslog", "acct", "settimeofday", "stime", "clock_settime",
                    "clock_settime64", "clock_adjtime", "clock_adjtime64", "quotactl", "quotactl_fd",
                ]),
            // Leftovers.
            Rule(.notPermitted, ["nfsservctl", "lookup_dcookie", "uselib", "ustat", "_sysctl"]),
            // Typing into, and pasting into, the terminal of who started the workload.
            Rule(.notPermitted, ["ioctl"], where: [Argument(1, .low32(UInt32(TIOCSTI)))]),
            Rule(.notPermitted, ["ioctl"], where: [Argument(1, .low32(UInt32(TIOCLINUX)))]),
            // AF_VSOCK is not namespaced: it reaches the hypervisor, or the machine's other guests' services.
            Rule(.notPermitted, ["socket", "socketpair"], where: [Argument(0, .low32(40))]),
        ]
            // Execution domains that undo address randomisation or make data executable; not Linux and 32-bit Linux
            // (0x8), either with a 2.6 release name (0x20000), nor the question which one is set (-1).
            + Test.low32(beyond: 0x2_0008).map {
                Rule(.notPermitted, ["personality"], where: [Argument(0, $0)])
            })
}
