// SPDX-License-Identifier: Apache-2.0
//
// What every step of the child needs: to report, to close, to die with its caller.
#define _GNU_SOURCE
#include "bk_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

BK_CHILD long send_report(const struct bk_child *child, struct bk_launch_report report, int descriptor) {
    struct iovec data = {&report, sizeof report};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message;
    bk_clear(&control, sizeof control);
    bk_clear(&message, sizeof message);
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (descriptor >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control.room;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        *(int *)(void *)CMSG_DATA(&control.header) = descriptor;
    }
    return bk_raw(SYS_sendmsg, child->channel, &message, MSG_NOSIGNAL);
}

BK_CHILD_SHARED void bk_child_enter(const struct bk_child *child, int step) {
    if (child->plan->forced_step == step) bk_child_fail(child, step, -child->plan->forced_error, 0);
}

BK_CHILD_SHARED void bk_child_fail(const struct bk_child *child, int step, long result, int index) {
    send_report(child, (struct bk_launch_report){step, (int)-result, index, 0}, -1);
    for (;;) bk_raw(SYS_exit_group, 127);
}

BK_CHILD_SHARED void bk_child_passed_over(const struct bk_child *child, int step, long result, int index) {
    send_report(child, (struct bk_launch_report){step, (int)-result, index, 1}, -1);
}

BK_CHILD_SHARED long bk_child_hand_over(const struct bk_child *child, int step, int descriptor) {
    return send_report(child, (struct bk_launch_report){step, 0, 0, 0}, descriptor);
}

BK_CHILD int is_kept(unsigned int fd, const int32_t *kept, size_t count) {
    for (size_t i = 0; i < count; i++)
        if ((unsigned int)kept[i] == fd) return 1;
    return fd < 3;
}

// Before Linux 5.9, or where a seccomp filter hides close_range: what /proc/self/fd lists, by number, so that closing leaves
// the rest of the list as it is. In a new root that name may be anything an image's author made: there, and without a
// /proc, one by one, as far as descriptors go by default (a tenth of a second).
BK_CHILD void close_one_by_one(int in_own_root, const int32_t *kept, size_t count) {
    long folder = in_own_root ? bk_raw(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) : -1;
    if (folder < 0) {
        for (unsigned int fd = 3; fd < 1U << 20; fd++)
            if (!is_kept(fd, kept, count)) bk_raw(SYS_close, fd);
        return;
    }
    char entries[2048] __attribute__((aligned(8)));
    long size;
    while ((size = bk_raw(SYS_getdents64, folder, entries, sizeof entries)) > 0)
        // struct linux_dirent64: the length at 16, the name at 19. The names . and .. come out as 0.
        for (long at = 0; at < size; at += *(const unsigned short *)(const void *)(entries + at + 16)) {
            unsigned int fd = 0;
            for (const char *name = entries + at + 19; *name >= '0' && *name <= '9'; name++)
                fd = fd * 10 + (unsigned int)(*name - '0');
            if (fd != (unsigned int)folder && !is_kept(fd, kept, count)) bk_raw(SYS_close, fd);
        }
    bk_raw(SYS_close, folder);
}

BK_CHILD_SHARED void bk_child_close_all_but(const struct bk_child *child, const int32_t *kept, size_t count) {
    unsigned int next = 3;
    for (size_t i = 0; i <= count; i++) {
        if (i < count && kept[i] < 3) continue;
        unsigned int last = i < count ? (unsigned int)kept[i] - 1 : ~0U;
        if (next <= last && bk_raw(SYS_close_range, next, last, 0) < 0)
            return close_one_by_one(!(child->plan->flags & BK_LAUNCH_ROOT), kept, count);
        next = last + 2;
    }
}

BK_CHILD_SHARED void bk_child_arm_parent_death(struct bk_child *child) {
    bk_child_enter(child, BK_STEP_PARENT_DEATH);
    long result = bk_raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result < 0) bk_child_fail(child, BK_STEP_PARENT_DEATH, result, 0);
    struct pollfd caller;
    caller.fd = child->plan->channel;
    caller.events = 0;
    struct timespec now;
    now.tv_sec = 0;
    now.tv_nsec = 0;
    if (bk_raw(SYS_ppoll, &caller, 1, &now, NULL, KERNEL_SIGSET_SIZE) > 0 && (caller.revents & POLLHUP))
        for (;;) bk_raw(SYS_exit_group, 127);
}
