// SPDX-License-Identifier: Apache-2.0
//
// What every step of the child needs: to report, to close, to die with its caller.
#define _GNU_SOURCE
#include "bk_child.h"

#include <errno.h>
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
    return bk_raw(SYS_sendmsg, child->plan->channel, &message, MSG_NOSIGNAL);
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

BK_CHILD_SHARED void bk_child_close_all_but(int kept) {
    struct { unsigned int first, last; } ranges[2] = {{3, (unsigned)kept - 1}, {(unsigned)kept + 1, ~0U}};
    for (int i = 0; i < 2; i++) {
        if (ranges[i].first > ranges[i].last) continue;
        // Before Linux 5.9, or hidden by a seccomp filter: one by one, as far as descriptors go by default.
        if (bk_raw(SYS_close_range, ranges[i].first, ranges[i].last, 0) == -ENOSYS)
            for (unsigned int fd = ranges[i].first; fd <= ranges[i].last && fd < 1U << 20; fd++) bk_raw(SYS_close, fd);
    }
}

BK_CHILD_SHARED void bk_child_arm_parent_death(struct bk_child *child) {
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
