// SPDX-License-Identifier: Apache-2.0
//
// The child from its first instruction to where the command's own set-up begins: into its namespaces.
#define _GNU_SOURCE
#include "bk_child.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

// CLONE_CLEAR_SIGHAND resets what is handled and leaves what is ignored. A caller that ignores SIGPIPE, as servers do, would
// start commands that do; and under one that ignores SIGCHLD the reaper would never hear of an end.
BK_CHILD void stop_ignoring_signals(void) {
    struct { uintptr_t handler, flags, restorer; uint64_t mask; } by_default;
    bk_clear(&by_default, sizeof by_default);
    for (int signal = 1; signal <= 64; signal++)
        bk_raw(SYS_rt_sigaction, signal, &by_default, NULL, KERNEL_SIGSET_SIZE);
}

// Whoever has a keyring in its credentials reads the keys in it, whatever its ids: with the caller's session keyring a command
// would have its secrets. This is done before the ids change, on the caller's account, since an id of a map may own 200
// keys. An ordinary caller may not own more either, and keys that have ended count for a while: that is told and passed
// over. Where the kernel has no keys, or a filter forbids them, the command gets at none.
BK_CHILD void leave_session_keyring(struct bk_child *child) {
    bk_child_enter(child, BK_STEP_KEYRING);
    long result = bk_raw(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    if (result == -EDQUOT) bk_child_passed_over(child, BK_STEP_KEYRING, result, 0);
    else if (result < 0 && result != -ENOSYS && result != -EPERM && result != -EACCES)
        bk_child_fail(child, BK_STEP_KEYRING, result, 0);
}

BK_CHILD void bring_loopback_up(struct bk_child *child) {
    bk_child_enter(child, BK_STEP_LOOPBACK);
    long fd = bk_raw(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) bk_child_fail(child, BK_STEP_LOOPBACK, fd, 0);
    struct ifreq request;
    bk_clear(&request, sizeof request);
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    long result = bk_raw(SYS_ioctl, fd, SIOCSIFFLAGS, &request);
    if (result < 0) bk_child_fail(child, BK_STEP_LOOPBACK, result, 1);
    bk_raw(SYS_close, fd);
}

BK_CHILD_SHARED void bk_child_first(void *argument) {
    struct bk_child *child = argument;
    const struct bk_launch_plan *plan = child->plan;
    long result;

    // First the copy of the caller's end: the channel ends with the caller only if nobody else holds it.
    bk_raw(SYS_close, plan->caller_channel);
    stop_ignoring_signals();
    uint64_t none = 0; // where clone3 is hidden, signals were blocked up to here
    bk_raw(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, KERNEL_SIGSET_SIZE);
    if (plan->flags & BK_LAUNCH_PARENT_DEATH) bk_child_arm_parent_death(child);

    char go = 0;
    do result = bk_raw(SYS_read, child->channel, &go, 1);
    while (result == -EINTR);
    if (result != 1) for (;;) bk_raw(SYS_exit_group, 127); // The caller gave up or died; it wants no report.

    if (plan->flags & BK_LAUNCH_OWN_KEYRING) leave_session_keyring(child);
    if (plan->flags & BK_LAUNCH_INSIDE) {
        bk_child_enter(child, BK_STEP_IDENTITY);
        // Id 0 inside, so that what is made below belongs to the namespace. Groups before gid before uid.
        if (!(plan->flags & BK_LAUNCH_NO_SETGROUPS)) {
            result = bk_raw(SYS_setgroups, 0, NULL);
            if (result < 0) bk_child_fail(child, BK_STEP_IDENTITY, result, 0);
        }
        result = bk_raw(SYS_setresgid, 0, 0, 0);
        if (result < 0) bk_child_fail(child, BK_STEP_IDENTITY, result, 1);
        result = bk_raw(SYS_setresuid, 0, 0, 0);
        if (result < 0) bk_child_fail(child, BK_STEP_IDENTITY, result, 2);
    }
    // Not a flag of clone3: there the new namespace's root would be the caller's cgroup, not the child's.
    if (plan->flags & BK_LAUNCH_CGROUP_NAMESPACE) {
        bk_child_enter(child, BK_STEP_CGROUP_NAMESPACE);
        result = bk_raw(SYS_unshare, CLONE_NEWCGROUP);
        if (result < 0) bk_child_fail(child, BK_STEP_CGROUP_NAMESPACE, result, 0);
    }
    if (plan->host_name) {
        bk_child_enter(child, BK_STEP_HOST_NAME);
        size_t length = 0;
        while (plan->host_name[length]) length++;
        result = bk_raw(SYS_sethostname, plan->host_name, length);
        if (result < 0) bk_child_fail(child, BK_STEP_HOST_NAME, result, 0);
    }
    if (plan->flags & BK_LAUNCH_LOOPBACK) bring_loopback_up(child);
    if (plan->flags & BK_LAUNCH_HOLD) {
        bk_child_hand_over(child, BK_STEP_HOLD, -1);
        bk_raw(SYS_read, child->channel, &go, 1);
        for (;;) bk_raw(SYS_exit_group, 0);
    }
    if (plan->flags & BK_LAUNCH_ROOT) bk_child_build_root(child);
    if (plan->flags & BK_LAUNCH_REAPER) bk_child_reap(child);
    bk_child_command(child);
}
