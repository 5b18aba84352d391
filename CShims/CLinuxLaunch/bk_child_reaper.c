// SPDX-License-Identifier: Apache-2.0
//
// Process 1 of a pid namespace, when the command is not to be it.
#define _GNU_SOURCE
#include "bk_child.h"
#include "bk_gate.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

BK_CHILD void command_of_reaper(void *argument) { bk_child_command(argument); }

// The init is another program by the time that the command is let go: it must not see this one's.
BK_CHILD void command_behind_gate(void *argument) {
    struct bk_child *child = argument;
    bk_raw(SYS_close, child->ready[0]);
    int32_t pid = (int32_t)bk_raw(SYS_getpid);
    bk_raw(SYS_write, child->ready[1], &pid, sizeof pid);
    char none;
    bk_raw(SYS_read, child->ready[1], &none, 1);
    bk_raw(SYS_close, child->ready[1]);
    bk_child_command(child);
}

// As bk_child_reap, whose memory is replaced by a program's of its own: so it need not be a copy, and holds nothing.
BK_CHILD _Noreturn void reap_behind_gate(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    uint64_t all = ~0ULL;
    bk_raw(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, KERNEL_SIGSET_SIZE);
    bk_child_enter(child, BK_STEP_REAPER);
    long result = bk_raw(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, child->ready);
    if (result < 0) bk_child_fail(child, BK_STEP_REAPER, result, 1);
    struct clone_args args = {
        .flags = CLONE_VM, .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)child->stack_top - 65536, .stack_size = 65536,
    };
    long pid = bk_raw_clone(&args, command_behind_gate, child);
    if (pid < 0) bk_child_fail(child, BK_STEP_REAPER, pid, 0);

    bk_raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (child->ready[0] == 0) bk_raw(SYS_fcntl, 0, F_SETFD, 0);
    else bk_raw(SYS_dup3, child->ready[0], 0, 0);
    bk_raw(SYS_close, 1);
    bk_raw(SYS_close, 2);
    int32_t kept[3] = {plan->channel, plan->outcome, plan->gate};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2 - i; j++)
            if (kept[j] > kept[j + 1]) {
                int32_t larger = kept[j];
                kept[j] = kept[j + 1];
                kept[j + 1] = larger;
            }
    bk_child_close_all_but(child, kept, 3);
    bk_raw(SYS_fcntl, plan->channel, F_SETFD, 0);
    bk_raw(SYS_fcntl, plan->outcome, F_SETFD, 0);
    static const char name[] = GATE_INIT_NAME;
    const char *words[2];
    words[0] = name;
    words[1] = NULL;
    bk_child_fail(child, BK_STEP_REAPER, bk_raw(SYS_execveat, plan->gate, "", words, words + 1, AT_EMPTY_PATH), 2);
}

// Process 1 of the pid namespace: without it the command would be process 1, whose unhandled signals the kernel drops,
// and orphans would stay zombies. It blocks every signal and takes them one by one: what is no SIGCHLD goes to the
// command. When the command ends, so does it, and with it the kernel ends all that is left in the namespace.
BK_CHILD_SHARED void bk_child_reap(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    // The command has a session of its own in any case; an init that goes on without the caller needs one too.
    if (plan->flags & BK_LAUNCH_OWN_SESSION) bk_raw(SYS_setsid);
    if (plan->gate >= 0) reap_behind_gate(child);
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

    bk_init_loop(&all, pid, plan->outcome);
    for (;;) bk_raw(SYS_exit_group, 127);
}
