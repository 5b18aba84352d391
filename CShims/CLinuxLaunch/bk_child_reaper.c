// SPDX-License-Identifier: Apache-2.0
//
// Process 1 of a pid namespace, when the command is not to be it.
#define _GNU_SOURCE
#include "bk_child.h"

#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>

BK_CHILD void command_of_reaper(void *argument) { bk_child_command(argument); }

// Process 1 of the pid namespace: without it the command would be process 1, whose unhandled signals the kernel drops,
// and orphans would stay zombies. It blocks every signal and takes them one by one: what is no SIGCHLD goes to the
// command. When the command ends, so does it, and with it the kernel ends all that is left in the namespace.
BK_CHILD_SHARED void bk_child_reap(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    uint64_t all = ~0ULL;
    bk_raw(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, KERNEL_SIGSET_SIZE);
    // Its memory is a copy of the caller's, and nobody's business: this has to hold before the command runs. (An exec
    // makes the command's own memory readable again.) /proc/1/cmdline shows to everybody what lies at its place.
    bk_raw(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    for (int i = 0; i < 2; i++) {
        static const char name[] = "bulkhead-init";
        for (size_t at = 0; at < child->words[i].size; at++)
            child->words[i].start[at] = i == 0 && at < sizeof name ? name[at] : 0;
    }

    // It waits for the exec; but where the command is to be started later, it would keep the caller's descriptors open.
    struct clone_args args = {
        .flags = CLONE_VM | (plan->flags & BK_LAUNCH_PAUSE ? 0 : CLONE_VFORK), .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)child->stack_top - 65536, .stack_size = 65536,
    };
    bk_child_enter(child, BK_STEP_REAPER);
    long pid = bk_raw_clone(&args, command_of_reaper, child);
    if (pid < 0) bk_child_fail(child, BK_STEP_REAPER, pid, 0);

    // The command runs or waits, or its failure is on its way. What is left of this process needs no right but to signal.
    bk_raw(SYS_prctl, PR_SET_NAME, "bulkhead-init", 0, 0, 0);
    bk_raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    const uint32_t kill_only = 1U << 5; // CAP_KILL
    struct { uint32_t effective, permitted, inheritable; } sets[2] = {{kill_only, kill_only, 0}, {0, 0, 0}};
    bk_raw(SYS_capset, &header, sets);
    for (int stream = 0; stream < 3; stream++) bk_raw(SYS_close, stream);
    if (plan->flags & BK_LAUNCH_PARENT_DEATH) bk_child_arm_parent_death(child);
    bk_child_close_all_but(child, &plan->outcome, 1);

    for (;;) {
        siginfo_t info;
        long signal = bk_raw(SYS_rt_sigtimedwait, &all, &info, NULL, KERNEL_SIGSET_SIZE);
        if (signal > 0 && signal != SIGCHLD) bk_raw(SYS_kill, pid, signal);
        for (;;) {
            siginfo_t ended;
            ended.si_pid = 0;
            long result = bk_raw(SYS_waitid, 0 /* P_ALL */, 0, &ended, 4 /* WEXITED */ | 1 /* WNOHANG */, NULL);
            if (result < 0 || ended.si_pid == 0) break;
            if (ended.si_pid != pid) continue;
            struct bk_launch_outcome outcome = {ended.si_code, ended.si_status};
            bk_raw(SYS_write, plan->outcome, &outcome, sizeof outcome);
            for (;;) bk_raw(SYS_exit_group, ended.si_code == 1 ? ended.si_status : 128 + ended.si_status);
        }
    }
}
