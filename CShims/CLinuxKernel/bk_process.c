// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_process.h"
#include "bk_result.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

int bk_pidfd_open(int32_t pid, uint32_t flags) { return (int)bk_result(syscall(SYS_pidfd_open, pid, flags)); }

int bk_pidfd_send_signal(int pidfd, int signal) {
    return (int)bk_result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int bk_wait_pidfd(int pidfd, int block, int keep, struct bk_exit *how) {
    siginfo_t info = {.si_pid = 0};
    struct rusage usage = {0};
    const int pidfd_kind = 3; // P_PIDFD
    int64_t r = bk_result(
        syscall(SYS_waitid, pidfd_kind, pidfd, &info, WEXITED | __WALL | (block ? 0 : WNOHANG) | (keep ? WNOWAIT : 0),
                &usage));
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

int bk_effective_capabilities(uint64_t *set) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    int64_t r = bk_result(syscall(SYS_capget, &header, data));
    *set = (uint64_t)data[1].effective << 32 | data[0].effective;
    return (int)r;
}

int bk_is_dumpable(void) { return (int)bk_result(prctl(PR_GET_DUMPABLE)); }

int bk_has_no_new_privileges(void) { return (int)bk_result(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); }

struct program {
    const char *path;
    char *const *arguments;
    char *const *environment;
    int output, error, failed;
};

// In the child, whose parent's thread waits: it may use the C library as after vfork(2), errno included, and returns
// nowhere.
__attribute__((noreturn, used, noinline)) static void run_program(struct program *program) {
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    // The three go above the standard numbers first: one must not overwrite another's source.
    int output = fcntl(program->output, F_DUPFD_CLOEXEC, 3), error = fcntl(program->error, F_DUPFD_CLOEXEC, 3);
    null = fcntl(null, F_DUPFD_CLOEXEC, 3);
    if (null >= 0 && output >= 0 && error >= 0 && dup2(null, 0) >= 0 && dup2(output, 1) >= 0 && dup2(error, 2) >= 0) {
        syscall(SYS_close_range, 3U, ~0U, 0U); // since 5.9; before it, what is close-on-exec is closed
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(program->path, program->arguments, program->environment);
    }
    program->failed = errno;
    for (;;) syscall(SYS_exit, 127);
}

int32_t bk_start_program(
    const char *path, char *const *arguments, char *const *environment, int output, int error, int *pidfd) {
    struct program program = {path, arguments, environment, output, error, 0};
    int fd = -1;
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND, .pidfd = (uint64_t)(uintptr_t)&fd,
    };
    // The child goes on below this frame, on the caller's stack, past what a compiler may keep under the stack pointer.
    long r;
#if defined(__x86_64__)
    __asm__ volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "lea -256(%%rsp), %%rsp\n\t"
        "and $-16, %%rsp\n\t"
        "mov %[program], %%rdi\n\t"
        "call run_program\n\t"
        "1:"
        : "=a"(r)
        : "a"((long)SYS_clone3), "D"(&args), "S"(sizeof args), [program] "r"(&program)
        : "rcx", "r11", "memory", "cc");
#else
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)&args;
    register long x1 __asm__("x1") = sizeof args;
    __asm__ volatile(
        "svc #0\n\t"
        "cbnz x0, 1f\n\t"
        "sub sp, sp, #256\n\t"
        "mov x0, %[program]\n\t"
        "bl run_program\n\t"
        "1:"
        : "+r"(x0), "+r"(x8), "+r"(x1)
        : [program] "r"(&program)
        : "memory", "cc", "x30");
    r = x0;
#endif
    if (r < 0) return (int32_t)r;
    if (program.failed) {
        // What never executed has no exit signal: nobody else's wait takes it.
        siginfo_t info;
        while (waitid((idtype_t)3, (id_t)fd, &info, WEXITED | __WALL) < 0 && errno == EINTR) {} // P_PIDFD
        close(fd);
        return -program.failed;
    }
    *pidfd = fd;
    return (int32_t)r;
}

int bk_page_size(void) { return (int)sysconf(_SC_PAGESIZE); }

int32_t bk_process_id(void) { return getpid(); }

uint32_t bk_effective_user_id(void) { return geteuid(); }

uint32_t bk_effective_group_id(void) { return getegid(); }
