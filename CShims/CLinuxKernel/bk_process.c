// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_process.h"
#include "bk_result.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int bk_pidfd_open(int32_t pid, uint32_t flags) { return (int)bk_result(syscall(SYS_pidfd_open, pid, flags)); }

int bk_pidfd_send_signal(int pidfd, int signal) {
    return (int)bk_result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int bk_wait_pidfd(int pidfd, int block, struct bk_exit *how) {
    siginfo_t info = {.si_pid = 0};
    struct rusage usage = {0};
    const int pidfd_kind = 3; // P_PIDFD
    int64_t r = bk_result(
        syscall(SYS_waitid, pidfd_kind, pidfd, &info, WEXITED | __WALL | (block ? 0 : WNOHANG), &usage));
    if (r < 0) return (int)r;
    if (info.si_pid == 0) return 0;
    *how = (struct bk_exit){
        .code = info.si_code, .status = info.si_status,
        .user_microseconds = usage.ru_utime.tv_sec * 1000000LL + usage.ru_utime.tv_usec,
        .system_microseconds = usage.ru_stime.tv_sec * 1000000LL + usage.ru_stime.tv_usec,
        .max_resident_kibibytes = usage.ru_maxrss,
    };
    return 1;
}

// struct pidfd_info as it was in Linux 6.15; PIDFD_GET_INFO is _IOWR(0xff, 11, that).
struct exit_info {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ids[8];
    int32_t status;
};
_Static_assert(sizeof(struct exit_info) == 64, "PIDFD_INFO_SIZE_VER0");

int bk_pidfd_exit_status(int pidfd, int32_t *status) {
    const uint64_t exit_bit = 1 << 3; // PIDFD_INFO_EXIT
    struct exit_info info = {.mask = exit_bit};
    int r = (int)bk_result(ioctl(pidfd, _IOWR(0xff, 11, struct exit_info), &info));
    if (r < 0) return r;
    *status = info.status;
    return (info.mask & exit_bit) != 0;
}

int bk_resource_limit(int32_t pid, uint32_t resource, int set, uint64_t *soft, uint64_t *hard) {
    const uint64_t new[2] = {*soft, *hard};
    uint64_t old[2] = {0, 0};
    int r = (int)bk_result(syscall(SYS_prlimit64, pid, resource, set ? new : NULL, old));
    *soft = old[0];
    *hard = old[1];
    return r;
}

int bk_set_niceness(int32_t pid, int32_t niceness) { return (int)bk_result(setpriority(PRIO_PROCESS, (id_t)pid, niceness)); }

int bk_poll(const int *fds, const int16_t *events, int16_t *ready, size_t count, int timeout_milliseconds) {
    struct pollfd set[16];
    if (count > sizeof set / sizeof set[0]) return -EINVAL;
    for (size_t i = 0; i < count; i++) set[i] = (struct pollfd){.fd = fds[i], .events = events[i]};
    int64_t r = bk_result(poll(set, count, timeout_milliseconds));
    for (size_t i = 0; i < count; i++) ready[i] = r > 0 ? set[i].revents : 0;
    return (int)r;
}

int bk_signal_descriptor(const int *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
    int blocked = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (blocked != 0) return -blocked;
    return (int)bk_result(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int bk_next_signal(int fd) {
    struct signalfd_siginfo info;
    int64_t r = bk_result(read(fd, &info, sizeof info));
    return r < 0 ? (int)r : (int)info.ssi_signo;
}

int bk_is_ignored(int signal) {
    struct sigaction action;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int bk_page_size(void) { return (int)sysconf(_SC_PAGESIZE); }

int32_t bk_process_id(void) { return getpid(); }

uint32_t bk_effective_user_id(void) { return geteuid(); }

uint32_t bk_effective_group_id(void) { return getegid(); }
