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
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

// A pseudo-terminal of the new root's own devpts, so that its name means the same inside. The caller gets the master.
BK_CHILD int open_terminal(struct bk_child *child) {
    long master = bk_raw(SYS_openat, AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
    if (master < 0) bk_child_fail(child, BK_STEP_TERMINAL, master, 0);
    int unlock = 0;
    long result = bk_raw(SYS_ioctl, master, TIOCSPTLCK, &unlock);
    if (result < 0) bk_child_fail(child, BK_STEP_TERMINAL, result, 1);
    long terminal = bk_raw(SYS_ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) bk_child_fail(child, BK_STEP_TERMINAL, terminal, 2);
    result = bk_child_hand_over(child, BK_STEP_TERMINAL, (int)master);
    if (result < 0) bk_child_fail(child, BK_STEP_TERMINAL, result, 3);
    bk_raw(SYS_close, master);
    // The command's user may open it again by its name (/dev/stderr); its group stays the one of devpts.
    if (child->plan->flags & BK_LAUNCH_IDENTITY) bk_raw(SYS_fchown, terminal, child->plan->uid, -1);
    return (int)terminal;
}

BK_CHILD void take_streams(struct bk_child *child, int terminal) {
    for (int stream = 0; stream < 3; stream++) {
        long result = bk_raw(SYS_dup3, terminal >= 0 ? terminal : child->plan->streams[stream], stream, 0);
        if (result < 0) bk_child_fail(child, BK_STEP_STREAMS, result, stream);
    }
}

BK_CHILD void drop_bounding_set(struct bk_child *child) {
    for (int capability = 0; capability < 64; capability++) {
        if (child->plan->bounding >> capability & 1) continue;
        long result = bk_raw(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
        if (result == -EINVAL) return; // past the last one this kernel knows
        if (result < 0) bk_child_fail(child, BK_STEP_CAPABILITIES, result, capability);
    }
}

BK_CHILD void take_identity(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    long result = bk_raw(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0); // capset below decides, not the rules of setresuid
    if (result < 0) bk_child_fail(child, BK_STEP_USER, result, 0);
    if (!(plan->flags & BK_LAUNCH_NO_SETGROUPS)) {
        result = bk_raw(SYS_setgroups, plan->group_count, plan->groups);
        if (result < 0) bk_child_fail(child, BK_STEP_USER, result, 1);
    }
    result = bk_raw(SYS_setresgid, plan->gid, plan->gid, plan->gid);
    if (result < 0) bk_child_fail(child, BK_STEP_USER, result, 2);
    result = bk_raw(SYS_setresuid, plan->uid, plan->uid, plan->uid);
    if (result < 0) bk_child_fail(child, BK_STEP_USER, result, 3);
}

BK_CHILD void take_capabilities(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    struct { uint32_t version; int pid; } header = {0x20080522 /* _LINUX_CAPABILITY_VERSION_3 */, 0};
    struct { uint32_t effective, permitted, inheritable; } sets[2];
    for (int half = 0; half < 2; half++) {
        sets[half].permitted = sets[half].effective = (uint32_t)(plan->permitted >> (32 * half));
        sets[half].inheritable = (uint32_t)(plan->inheritable >> (32 * half));
    }
    long result = bk_raw(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (result < 0) bk_child_fail(child, BK_STEP_CAPABILITIES, result, 64);
    result = bk_raw(SYS_capset, &header, sets);
    if (result < 0) bk_child_fail(child, BK_STEP_CAPABILITIES, result, 65);
    for (int capability = 0; capability < 64; capability++) {
        if (!(plan->ambient >> capability & 1)) continue;
        result = bk_raw(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
        if (result < 0) bk_child_fail(child, BK_STEP_CAPABILITIES, result, capability);
    }
}

BK_CHILD_SHARED void bk_child_command(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    uint64_t none = 0;
    long result;

    int terminal = plan->flags & BK_LAUNCH_TERMINAL ? open_terminal(child) : -1;
    // A session of its own: the caller's terminal is then not the command's, and cannot be typed into (TIOCSTI).
    result = bk_raw(SYS_setsid);
    if (result < 0) bk_child_fail(child, BK_STEP_SESSION, result, 0);
    if (terminal >= 0) {
        result = bk_raw(SYS_ioctl, terminal, TIOCSCTTY, 0);
        if (result < 0) bk_child_fail(child, BK_STEP_TERMINAL, result, 4);
    }
    take_streams(child, terminal);
    bk_child_close_all_but(plan->channel);

    // Before the ids change: dropping from the bounding set takes CAP_SETPCAP.
    if (plan->flags & BK_LAUNCH_CAPABILITIES) drop_bounding_set(child);
    if (plan->flags & BK_LAUNCH_IDENTITY) take_identity(child);
    if (plan->directory) {
        // As the user: the directory has to be reachable for the command, not for its starter.
        result = bk_raw(SYS_chdir, plan->directory);
        if (result < 0) bk_child_fail(child, BK_STEP_DIRECTORY, result, 0);
    }
    if (plan->flags & BK_LAUNCH_CAPABILITIES) take_capabilities(child);
    if (plan->flags & BK_LAUNCH_NO_NEW_PRIVILEGES) {
        result = bk_raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (result < 0) bk_child_fail(child, BK_STEP_NO_NEW_PRIVILEGES, result, 0);
    }
    // Under a reaper the parent is the reaper, and the namespace ends with it.
    if (plan->flags & BK_LAUNCH_PARENT_DEATH && !(plan->flags & BK_LAUNCH_REAPER)) bk_child_arm_parent_death(child);
    bk_raw(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &none, 0, KERNEL_SIGSET_SIZE);
    if (plan->seccomp) {
        struct sock_fprog program;
        program.len = (unsigned short)plan->seccomp_count;
        program.filter = (struct sock_filter *)(uintptr_t)plan->seccomp;
        result = bk_raw(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
        if (result < 0) bk_child_fail(child, BK_STEP_SECCOMP, result, 0);
    }

    // As execvp(3): the first candidate that exists decides; a permission denied is told only if no other one works.
    long failure = -ENOENT;
    int index = 0, failed = 0;
    for (; plan->candidates[index]; index++) {
        result = bk_raw(SYS_execve, plan->candidates[index], plan->arguments, plan->environment);
        if (result == -ENOENT || result == -ENOTDIR) continue;
        failure = result;
        failed = index;
        if (result != -EACCES) break;
    }
    bk_child_fail(child, BK_STEP_EXECUTE, failure, failed);
}
