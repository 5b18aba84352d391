// SPDX-License-Identifier: Apache-2.0
//
// The last stretch before exec. The order matters: what needs a right comes before the right is given up, groups before
// gid before uid, seccomp last because a profile may forbid all of it.
#define _GNU_SOURCE
#include "bk_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

// A pseudo-terminal of the new root's own devpts, so that its name means the same inside. The caller gets the master.
BK_CHILD int open_terminal(struct bk_child *child) {
    bk_child_enter(child, BK_STEP_TERMINAL);
    long master = bk_raw(SYS_openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
    if (master < 0) bk_child_fail(child, BK_STEP_TERMINAL, master, 0);
    int unlock = 0;
    long result = bk_raw(SYS_ioctl, master, TIOCSPTLCK, &unlock);
    if (result < 0) bk_child_fail(child, BK_STEP_TERMINAL, result, 1);
    long terminal = bk_raw(SYS_ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) bk_child_fail(child, BK_STEP_TERMINAL, terminal, 2);
    const struct { uint16_t rows, columns, width, height; } size = {child->plan->rows, child->plan->columns, 0, 0};
    if (size.rows || size.columns) {
        result = bk_raw(SYS_ioctl, terminal, TIOCSWINSZ, &size);
        if (result < 0) bk_child_fail(child, BK_STEP_TERMINAL, result, 5);
    }
    result = bk_child_hand_over(child, BK_STEP_TERMINAL, (int)master);
    if (result < 0) bk_child_fail(child, BK_STEP_TERMINAL, result, 3);
    bk_raw(SYS_close, master);
    // The command's user may open it again by its name (/dev/stderr); its group stays the one of devpts.
    if (child->plan->flags & BK_LAUNCH_IDENTITY) bk_raw(SYS_fchown, terminal, child->plan->uid, -1);
    return (int)terminal;
}

BK_CHILD void take_streams(struct bk_child *child, int terminal) {
    bk_child_enter(child, BK_STEP_STREAMS);
    for (int stream = 0; stream < 3; stream++) {
        long result = bk_raw(SYS_dup3, terminal >= 0 ? terminal : child->plan->streams[stream], stream, 0);
        if (result < 0) bk_child_fail(child, BK_STEP_STREAMS, result, stream);
    }
}

// After the streams, whose sources may have the numbers that are wanted here.
BK_CHILD void take_descriptors(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    bk_child_enter(child, BK_STEP_DESCRIPTORS);
    for (size_t i = 0; i < plan->passed_count; i++) {
        long result = bk_raw(SYS_dup3, plan->passed[i].source, plan->passed[i].target, 0);
        if (result < 0) bk_child_fail(child, BK_STEP_DESCRIPTORS, result, (int)i);
    }
    bk_child_close_all_but(child, plan->kept, plan->kept_count);
}

// After the last descriptor has its number. The caller has raised the hard limits that take its privilege.
BK_CHILD void take_limits(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    bk_child_enter(child, BK_STEP_LIMITS);
    for (size_t i = 0; i < plan->limit_count; i++) {
        const struct { uint64_t soft, hard; } limit = {plan->limits[i].soft, plan->limits[i].hard};
        long result = bk_raw(SYS_prlimit64, 0, plan->limits[i].resource, &limit, NULL);
        if (result < 0) bk_child_fail(child, BK_STEP_LIMITS, result, (int)i);
    }
}

BK_CHILD void drop_bounding_set(struct bk_child *child) {
    bk_child_enter(child, BK_STEP_BOUNDING);
    for (int capability = 0; capability < 64; capability++) {
        if (child->plan->bounding >> capability & 1) continue;
        long result = bk_raw(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
        if (result == -EINVAL) return; // past the last one this kernel knows
        if (result < 0) bk_child_fail(child, BK_STEP_BOUNDING, result, capability);
    }
}

BK_CHILD void take_identity(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    long result = 0;
    bk_child_enter(child, BK_STEP_USER);
    if (plan->flags & BK_LAUNCH_CAPABILITIES) {
        // capset below decides, not the rules of setresuid: those leave everything to an id that was no root before.
        result = bk_raw(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
        if (result < 0) bk_child_fail(child, BK_STEP_USER, result, 0);
    }
    if (!(plan->flags & BK_LAUNCH_NO_SETGROUPS)) {
        result = bk_raw(SYS_setgroups, plan->group_count, plan->groups);
        if (result < 0) bk_child_fail(child, BK_STEP_USER, result, 1);
    }
    result = bk_raw(SYS_setresgid, plan->gid, plan->gid, plan->gid);
    if (result < 0) bk_child_fail(child, BK_STEP_USER, result, 2);
    result = bk_raw(SYS_setresuid, plan->uid, plan->uid, plan->uid);
    if (result < 0) bk_child_fail(child, BK_STEP_USER, result, 3);
}

BK_CHILD void clear_ambient_set(struct bk_child *child) {
    long result = bk_raw(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (result < 0) bk_child_fail(child, BK_STEP_CAPABILITIES, result, 64);
}

BK_CHILD void take_capabilities(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    struct { uint32_t version; int pid; } header = {0x20080522 /* _LINUX_CAPABILITY_VERSION_3 */, 0};
    struct { uint32_t effective, permitted, inheritable; } sets[2];
    for (int half = 0; half < 2; half++) {
        sets[half].effective = (uint32_t)(plan->effective >> (32 * half));
        sets[half].permitted = (uint32_t)(plan->permitted >> (32 * half));
        sets[half].inheritable = (uint32_t)(plan->inheritable >> (32 * half));
    }
    bk_child_enter(child, BK_STEP_CAPABILITIES);
    clear_ambient_set(child);
    long result = bk_raw(SYS_capset, &header, sets);
    if (result < 0) bk_child_fail(child, BK_STEP_CAPABILITIES, result, 65);
    for (int capability = 0; capability < 64; capability++) {
        if (!(plan->ambient >> capability & 1)) continue;
        result = bk_raw(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
        if (result < 0) bk_child_fail(child, BK_STEP_CAPABILITIES, result, capability);
    }
}

// Everything is done but for what the filter could forbid. The caller says go on the channel; with a listener anybody who
// can connect to it does, and hears there what comes of it.
BK_CHILD void wait_for_start(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    bk_child_enter(child, BK_STEP_PAUSE);
    bk_child_hand_over(child, BK_STEP_PAUSE, -1);
    struct pollfd from[2];
    from[0].fd = child->channel;
    from[1].fd = plan->listener;
    from[0].events = from[1].events = POLLIN;
    char go = 0;
    for (;;) {
        if (bk_raw(SYS_ppoll, from, 2, NULL, NULL, KERNEL_SIGSET_SIZE) < 0) continue;
        if (from[0].revents) {
            if (bk_raw(SYS_read, child->channel, &go, 1) == 1) return;
            // The caller has gone: on purpose when others may start it, else with everything it owned.
            if (plan->listener < 0) for (;;) bk_raw(SYS_exit_group, 127);
            from[0].fd = -1;
        }
        if (!from[1].revents) continue;
        long connection = bk_raw(SYS_accept4, plan->listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0) continue;
        if (bk_raw(SYS_read, connection, &go, 1) == 1) {
            child->channel = (int)connection;
            return;
        }
        bk_raw(SYS_close, connection);
    }
}

// The gate does the rest, in a memory of its own.
BK_CHILD _Noreturn void execute_gate(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    // It reports at the plan's number, wherever the channel is by now.
    if (child->channel != plan->channel) {
        bk_raw(SYS_dup3, child->channel, plan->channel, 0);
        child->channel = plan->channel;
    } else {
        bk_raw(SYS_fcntl, child->channel, F_SETFD, 0);
    }
    if (plan->program >= 0) bk_raw(SYS_fcntl, plan->program, F_SETFD, 0);
    bk_child_fail(child, BK_STEP_EXECUTE,
                  bk_raw(SYS_execveat, plan->gate, "", plan->gate_words, plan->environment, AT_EMPTY_PATH), -1);
}

BK_CHILD _Noreturn void execute(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    bk_child_enter(child, BK_STEP_EXECUTE);
    if (plan->gate >= 0) execute_gate(child);
    if (plan->program >= 0)
        bk_child_fail(child, BK_STEP_EXECUTE,
                      bk_raw(SYS_execveat, plan->program, "", plan->arguments, plan->environment, AT_EMPTY_PATH), 0);

    int failed;
    long failure = bk_execute_first(plan->candidates, plan->arguments, plan->environment, &failed);
    bk_child_fail(child, BK_STEP_EXECUTE, failure, failed);
}

BK_CHILD_SHARED void bk_child_command(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    uint64_t none = 0;
    long result;

    int terminal = plan->flags & BK_LAUNCH_TERMINAL ? open_terminal(child) : -1;
    bk_child_enter(child, BK_STEP_SESSION);
    // A session of its own: the caller's terminal is then not the command's, and cannot be typed into (TIOCSTI).
    result = bk_raw(SYS_setsid);
    if (result < 0) bk_child_fail(child, BK_STEP_SESSION, result, 0);
    if (terminal >= 0) {
        result = bk_raw(SYS_ioctl, terminal, TIOCSCTTY, 0);
        if (result < 0) bk_child_fail(child, BK_STEP_TERMINAL, result, 4);
    }
    take_streams(child, terminal);
    take_descriptors(child);
    take_limits(child);

    // Before the ids change: dropping from the bounding set takes CAP_SETPCAP.
    if (plan->flags & BK_LAUNCH_CAPABILITIES) drop_bounding_set(child);
    if (plan->flags & BK_LAUNCH_IDENTITY) take_identity(child);
    if (plan->directory) {
        bk_child_enter(child, BK_STEP_DIRECTORY);
        // As the user: the directory has to be reachable for the command, not for its starter.
        result = bk_raw(SYS_chdir, plan->directory);
        if (result < 0) bk_child_fail(child, BK_STEP_DIRECTORY, result, 0);
    }
    if (plan->flags & BK_LAUNCH_CAPABILITIES) take_capabilities(child);
    else if (plan->flags & BK_LAUNCH_CLEAR_AMBIENT) clear_ambient_set(child);
    if (plan->flags & BK_LAUNCH_NO_NEW_PRIVILEGES) {
        bk_child_enter(child, BK_STEP_NO_NEW_PRIVILEGES);
        result = bk_raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (result < 0) bk_child_fail(child, BK_STEP_NO_NEW_PRIVILEGES, result, 0);
    }
    // Under a reaper the parent is the reaper, and the namespace ends with it.
    if (plan->flags & BK_LAUNCH_PARENT_DEATH && !(plan->flags & BK_LAUNCH_REAPER)) bk_child_arm_parent_death(child);
    if (plan->umask >= 0) bk_raw(SYS_umask, plan->umask);
    if (plan->flags & BK_LAUNCH_PAUSE) wait_for_start(child);
    bk_raw(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &none, 0, KERNEL_SIGSET_SIZE);
    if (plan->seccomp) bk_child_enter(child, BK_STEP_SECCOMP);
    // A gate installs it, for it makes calls that the filter may forbid; unless the exec could take the right to.
    if (plan->seccomp && (plan->gate < 0 || !(plan->flags & BK_LAUNCH_NO_NEW_PRIVILEGES))) {
        struct sock_fprog program;
        program.len = (unsigned short)plan->seccomp_count;
        program.filter = (struct sock_filter *)(uintptr_t)plan->seccomp;
        result = bk_raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, plan->seccomp_flags, &program);
        if (result < 0) bk_child_fail(child, BK_STEP_SECCOMP, result, 0);
    }

    execute(child);
}
