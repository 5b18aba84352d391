// SPDX-License-Identifier: Apache-2.0
//
// The caller's side of bk_launch, and the child from its first instruction to where the command's own set-up begins.
#define _GNU_SOURCE
#include "bk_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(offsetof(struct clone_args, cgroup) == 80, "struct clone_args, CLONE_ARGS_SIZE_VER2 (Linux 5.7)");

#define KERNEL_SIGSET_SIZE 8

// --- reports ---------------------------------------------------------------------------------------------------------

static long send_report(const struct bk_child *child, struct bk_launch_report report, int descriptor) {
    struct iovec data = {&report, sizeof report};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
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

void bk_child_fail(const struct bk_child *child, int step, long result, int index) {
    send_report(child, (struct bk_launch_report){.step = step, .error = (int)-result, .index = index}, -1);
    for (;;) bk_raw(SYS_exit_group, 127);
}

void bk_child_passed_over(const struct bk_child *child, int step, long result, int index) {
    send_report(child,
                (struct bk_launch_report){.step = step, .error = (int)-result, .index = index, .passed_over = 1}, -1);
}

long bk_child_hand_over(const struct bk_child *child, int step, int descriptor) {
    return send_report(child, (struct bk_launch_report){.step = step}, descriptor);
}

void bk_child_close_all_but(int kept) {
    struct { unsigned int first, last; } ranges[2] = {{3, (unsigned)kept - 1}, {(unsigned)kept + 1, ~0U}};
    for (int i = 0; i < 2; i++) {
        if (ranges[i].first > ranges[i].last) continue;
        // Before Linux 5.9, or hidden by a seccomp filter: one by one, as far as descriptors go by default.
        if (bk_raw(SYS_close_range, ranges[i].first, ranges[i].last, 0) == -ENOSYS)
            for (unsigned int fd = ranges[i].first; fd <= ranges[i].last && fd < 1U << 20; fd++) bk_raw(SYS_close, fd);
    }
}

// --- the first process -----------------------------------------------------------------------------------------------

BK_CHILD void bring_loopback_up(struct bk_child *child) {
    long fd = bk_raw(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) bk_child_fail(child, BK_STEP_LOOPBACK, fd, 0);
    struct ifreq request = {.ifr_name = "lo"};
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    long result = bk_raw(SYS_ioctl, fd, SIOCSIFFLAGS, &request);
    if (result < 0) bk_child_fail(child, BK_STEP_LOOPBACK, result, 0);
    bk_raw(SYS_close, fd);
}

void bk_child_arm_parent_death(struct bk_child *child) {
    long result = bk_raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result < 0) bk_child_fail(child, BK_STEP_PARENT_DEATH, result, 0);
    struct pollfd caller = {.fd = child->plan->channel, .events = 0};
    struct timespec now = {0, 0};
    if (bk_raw(SYS_ppoll, &caller, 1, &now, NULL, KERNEL_SIGSET_SIZE) > 0 && (caller.revents & POLLHUP))
        for (;;) bk_raw(SYS_exit_group, 127);
}

// CLONE_CLEAR_SIGHAND resets what is handled and leaves what is ignored. A caller that ignores SIGPIPE, as servers do, would
// start commands that do; and under one that ignores SIGCHLD the reaper would never hear of an end.
BK_CHILD void stop_ignoring_signals(void) {
    const struct { uintptr_t handler, flags, restorer; uint64_t mask; } by_default = {0};
    for (int signal = 1; signal <= 64; signal++)
        bk_raw(SYS_rt_sigaction, signal, &by_default, NULL, KERNEL_SIGSET_SIZE);
}

BK_CHILD void command_of_reaper(void *argument) { bk_child_command(argument); }

// Process 1 of the pid namespace: without it the command would be process 1, whose unhandled signals the kernel drops,
// and orphans would stay zombies. It blocks every signal and takes them one by one: what is no SIGCHLD goes to the
// command. When the command ends, so does it, and with it the kernel ends all that is left in the namespace.
BK_CHILD _Noreturn void reap(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    uint64_t all = ~0ULL;
    bk_raw(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, KERNEL_SIGSET_SIZE);
    // Its memory is a copy of the caller's, and nobody's business: this has to hold before the command runs. (An exec
    // makes the command's own memory readable again.)
    bk_raw(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);

    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)child->stack_top - 65536, .stack_size = 65536,
    };
    long pid = bk_raw_clone(&args, sizeof args, command_of_reaper, child);
    if (pid < 0) bk_child_fail(child, BK_STEP_REAPER, pid, 0);

    // The command runs, or its failure is on its way. What is left of this process needs no right but to signal.
    bk_raw(SYS_prctl, PR_SET_NAME, "bulkhead-init", 0, 0, 0);
    bk_raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    const uint32_t kill_only = 1U << 5; // CAP_KILL
    struct { uint32_t effective, permitted, inheritable; } sets[2] = {{kill_only, kill_only, 0}, {0, 0, 0}};
    bk_raw(SYS_capset, &header, sets);
    for (int i = 0; i < 2; i++) {
        static const char name[] = "bulkhead-init";
        for (size_t at = 0; at < child->words[i].size; at++)
            child->words[i].start[at] = i == 0 && at < sizeof name ? name[at] : 0;
    }
    for (int stream = 0; stream < 3; stream++) bk_raw(SYS_close, stream);
    if (plan->flags & BK_LAUNCH_PARENT_DEATH) bk_child_arm_parent_death(child);
    bk_child_close_all_but(plan->outcome);

    for (;;) {
        siginfo_t info;
        long signal = bk_raw(SYS_rt_sigtimedwait, &all, &info, NULL, KERNEL_SIGSET_SIZE);
        if (signal > 0 && signal != SIGCHLD) bk_raw(SYS_kill, pid, signal);
        for (;;) {
            siginfo_t ended = {.si_pid = 0};
            long result = bk_raw(SYS_waitid, 0 /* P_ALL */, 0, &ended, 4 /* WEXITED */ | 1 /* WNOHANG */, NULL);
            if (result < 0 || ended.si_pid == 0) break;
            if (ended.si_pid != pid) continue;
            struct bk_launch_outcome outcome = {ended.si_code, ended.si_status};
            bk_raw(SYS_write, plan->outcome, &outcome, sizeof outcome);
            for (;;) bk_raw(SYS_exit_group, ended.si_code == 1 ? ended.si_status : 128 + ended.si_status);
        }
    }
}

BK_CHILD void first_process(void *argument) {
    struct bk_child *child = argument;
    const struct bk_launch_plan *plan = child->plan;
    long result;

    // First the copy of the caller's end: the channel ends with the caller only if nobody else holds it.
    bk_raw(SYS_close, plan->caller_channel);
    stop_ignoring_signals();
    uint64_t none = 0;
    bk_raw(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, KERNEL_SIGSET_SIZE);
    if (plan->flags & BK_LAUNCH_PARENT_DEATH) bk_child_arm_parent_death(child);

    char go = 0;
    do result = bk_raw(SYS_read, plan->channel, &go, 1);
    while (result == -EINTR);
    if (result != 1) for (;;) bk_raw(SYS_exit_group, 127); // The caller gave up or died; it wants no report.

    if (plan->flags & BK_LAUNCH_INSIDE) {
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
        result = bk_raw(SYS_unshare, CLONE_NEWCGROUP);
        if (result < 0) bk_child_fail(child, BK_STEP_CGROUP_NAMESPACE, result, 0);
    }
    if (plan->host_name) {
        size_t length = 0;
        while (plan->host_name[length]) length++;
        result = bk_raw(SYS_sethostname, plan->host_name, length);
        if (result < 0) bk_child_fail(child, BK_STEP_HOST_NAME, result, 0);
    }
    if (plan->flags & BK_LAUNCH_LOOPBACK) bring_loopback_up(child);
    if (plan->flags & BK_LAUNCH_HOLD) {
        bk_child_hand_over(child, BK_STEP_HOLD, -1);
        bk_raw(SYS_read, plan->channel, &go, 1);
        for (;;) bk_raw(SYS_exit_group, 0);
    }
    if (plan->flags & BK_LAUNCH_ROOT) bk_child_build_root(child);
    if (plan->flags & BK_LAUNCH_REAPER) reap(child);
    bk_child_command(child);
}

// --- the caller ------------------------------------------------------------------------------------------------------

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
    for (size_t i = 0; i < midwife->plan->join_count; i++) {
        midwife->pid = bk_raw(SYS_setns, midwife->plan->joins[i], 0);
        if (midwife->pid == 0) continue;
        midwife->failed = (int)i;
        for (;;) bk_raw(SYS_exit, 1);
    }
    midwife->args->flags |= CLONE_PARENT;
    midwife->pid = bk_raw_clone(midwife->args, sizeof *midwife->args, first_process, midwife->child);
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

int32_t bk_launch(const struct bk_launch_plan *plan, void *stack, size_t stack_size, int *pidfd, int *join) {
    int fd = -1;
    *join = -1;
    // The child's own state lives at the foot of its stack, so that it outlives this call.
    struct bk_child *child = stack;
    *child = (struct bk_child){.plan = plan, .stack_top = (char *)stack + stack_size, .root = -1};
    if (plan->flags & BK_LAUNCH_REAPER) find_words(child);
    // A command that will exec shares memory until then: nothing of the caller is copied, whatever its size. A reaper
    // never execs, so it gets a copy of its own. The upper 64 KiB of the stack are the reaper's child's.
    struct clone_args args = {
        .flags = plan->namespaces | CLONE_PIDFD | CLONE_CLEAR_SIGHAND
                 | (plan->flags & BK_LAUNCH_REAPER ? 0 : CLONE_VM),
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
    long pid = plan->join_count ? bk_raw_clone(first, sizeof *first, join_and_clone, &midwife)
                                : bk_raw_clone(first, sizeof *first, first_process, child);
    if (plan->join_count && pid > 0) {
        siginfo_t info;
        while (waitid(P_PID, (id_t)pid, &info, WEXITED | __WALL) < 0 && errno == EINTR) {}
        *join = midwife.failed;
        pid = midwife.pid;
    }
    if (pid > 0) *pidfd = fd;
    return (int32_t)pid;
}

int bk_report_channel(int *ends) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : 0;
}

int bk_release(int channel) { return send(channel, "", 1, MSG_NOSIGNAL) < 0 ? -errno : 0; }

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
    do size = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size < 0) return -errno;
    if (size == 0) return 0;
    if ((size_t)size != sizeof *report) return -EBADMSG;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS) memcpy(descriptor, CMSG_DATA(header), sizeof(int));
    return 1;
}
