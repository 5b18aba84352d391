// SPDX-License-Identifier: Apache-2.0
//
// The caller's side: bears the child, and talks with it.
#define _GNU_SOURCE
#include "bk_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(offsetof(struct clone_args, cgroup) == 80, "struct clone_args, CLONE_ARGS_SIZE_VER2 (Linux 5.7)");

// A child of other namespaces' making is born by one that has joined them. It shares memory and descriptors with the
// caller, so that the child's process descriptor lands there; CLONE_PARENT makes the child the caller's.
struct bk_midwife {
    const struct bk_launch_plan *plan;
    struct bk_child *child;
    struct clone_args *args;
    long pid;
    int failed;
};

BK_CHILD void join_and_clone(void *argument) {
    struct bk_midwife *midwife = argument;
    const struct bk_launch_plan *plan = midwife->plan;
    // What the caller may enter first: once in the user namespace it has no right over what belongs to outer ones. Then
    // the user namespace, then what only its root may enter, which is all there is for an ordinary user.
    uint64_t entered = 0;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < plan->join_count && i < 64; i++) {
            const struct bk_launch_join *join = &plan->joins[i];
            if ((entered >> i & 1) || (join->kind == CLONE_NEWUSER) != (round == 1)) continue;
            midwife->pid = bk_raw(SYS_setns, join->descriptor, join->kind);
            if (midwife->pid == 0) {
                entered |= 1ULL << i;
            } else if (midwife->pid != -EPERM || round != 0) {
                midwife->failed = (int)i;
                for (;;) bk_raw(SYS_exit, 1);
            }
        }
    }
    midwife->args->flags |= CLONE_PARENT;
    midwife->pid = bk_raw_clone(midwife->args, bk_child_first, midwife->child);
    for (;;) bk_raw(SYS_exit, 0);
}

// /proc/PID/cmdline and environ show this memory of a process; the reaper wipes its copy, since it may hold what the
// command must not read. Where it lies, /proc/self/stat tells (fields 48 to 51).
static void find_words(struct bk_child *child) {
    char text[2048];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    if (size <= 0) return;
    text[size] = 0;
    char *field = strrchr(text, ')'); // field 2 may hold anything; the next is field 3
    unsigned long place[4] = {0};
    for (int number = 3; field && (field = strchr(field + 1, ' ')); number++)
        if (number >= 48 && number <= 51) place[number - 48] = strtoul(field + 1, NULL, 10);
    for (int i = 0; i < 2; i++) {
        if (!place[2 * i] || place[2 * i + 1] < place[2 * i]) continue;
        child->words[i].start = (char *)place[2 * i];
        child->words[i].size = place[2 * i + 1] - place[2 * i];
    }
}

int32_t bk_launch(const struct bk_launch_plan *plan, void *stack, size_t stack_size, struct bk_launch_birth *birth) {
    int fd = -1;
    *birth = (struct bk_launch_birth){.pidfd = -1, .join = -1};
    // The child's own state lives at the foot of its stack, so that it outlives this call.
    struct bk_child *child = stack;
    *child = (struct bk_child){
        .plan = plan, .channel = plan->channel, .stack_top = (char *)stack + stack_size, .root = -1,
    };
    int init_is_copy = plan->flags & BK_LAUNCH_REAPER && plan->gate < 0;
    if (init_is_copy) find_words(child);
    // A command that will exec shares memory until then: nothing of the caller is copied, whatever its size. A reaper
    // never execs, unless there is a gate, so it gets a copy of its own. The upper 64 KiB of the stack are the reaper's child's.
    struct clone_args args = {
        .flags = plan->namespaces | CLONE_PIDFD | CLONE_CLEAR_SIGHAND
                 | (init_is_copy || plan->flags & BK_LAUNCH_OWN_MEMORY ? 0 : CLONE_VM),
        .pidfd = (uint64_t)(uintptr_t)&fd,
        .stack = (uint64_t)(uintptr_t)stack + 4096,
        .stack_size = stack_size - 65536 - 4096,
    };
    struct clone_args *first = &args, between;
    struct bk_midwife midwife = {.plan = plan, .child = child, .args = &args, .failed = -1};
    if (plan->join_count) {
        between = (struct clone_args){
            .flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_CLEAR_SIGHAND,
            .stack = (uint64_t)(uintptr_t)stack + stack_size - 65536, .stack_size = 65536,
        };
        // With a VFORK the caller waits here, so the reaper's child's stack is free for it.
        first = &between;
    }
    if (plan->cgroup >= 0) {
        first->flags |= CLONE_INTO_CGROUP; // what it bears is born there too
        first->cgroup = (uint64_t)plan->cgroup;
    }
    long pid = plan->join_count ? bk_raw_clone(first, join_and_clone, &midwife)
                                : bk_raw_clone(first, bk_child_first, child);
    if (plan->join_count && pid > 0) {
        siginfo_t info;
        while (waitid(P_PID, (id_t)pid, &info, WEXITED | __WALL) < 0 && errno == EINTR) {}
        birth->join = midwife.failed;
        pid = midwife.pid;
    }
    if (!(first->flags & CLONE_CLEAR_SIGHAND)) birth->ways |= BK_WAY_OLD_CLONE;
    if (plan->cgroup >= 0 && !(first->flags & CLONE_INTO_CGROUP)) birth->ways |= BK_WAY_OUTSIDE;
    if (pid > 0) birth->pidfd = fd;
    return (int32_t)pid;
}

int bk_dumpable(void) { return prctl(PR_GET_DUMPABLE); }

int bk_set_dumpable(int dumpable) { return prctl(PR_SET_DUMPABLE, dumpable) < 0 ? -errno : 0; }

static int socket_at(const char *path, struct sockaddr_un *address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) return -ENAMETOOLONG;
    strcpy(address->sun_path, path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int bk_listen(const char *path) {
    struct sockaddr_un address;
    int fd = socket_at(path, &address);
    if (fd < 0) return fd;
    // The mode of the descriptor is the mode of the file that bind makes.
    if (fchmod(fd, 0600) == 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        if (listen(fd, 4) == 0) return fd;
        int failure = -errno;
        unlink(path);
        close(fd);
        return failure;
    }
    int failure = -errno;
    close(fd);
    return failure;
}

int bk_remove_socket(const char *path) { return unlink(path) < 0 ? -errno : 0; }

int bk_connect(const char *path) {
    struct sockaddr_un address;
    int fd = socket_at(path, &address);
    if (fd < 0) return fd;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    int failure = -errno;
    close(fd);
    return failure;
}

int bk_report_channel(int *ends) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
}

int bk_release(int channel) {
    ssize_t size;
    do size = send(channel, "", 1, MSG_NOSIGNAL);
    while (size < 0 && errno == EINTR);
    return size < 0 ? -errno : 0;
}

int bk_receive_report(int channel, struct bk_launch_report *report, int *descriptor) {
    struct iovec data = {report, sizeof *report};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control,
    };
    ssize_t size;
    *descriptor = -1;
    int is_reset = 0;
    do size = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    // A child that ended without having read its release: what it said before comes after this error.
    while (size < 0 && (errno == EINTR || (errno == ECONNRESET && !is_reset++)));
    if (size < 0) return -errno;
    if (size == 0) return is_reset ? -ECONNRESET : 0;
    if ((size_t)size != sizeof *report) return -EBADMSG;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS) memcpy(descriptor, CMSG_DATA(header), sizeof(int));
    return 1;
}
