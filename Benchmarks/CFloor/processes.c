// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
// The one piece of assembly that both packages have; it is no part of a product.
#include "../../CShims/CBenchFloor/bk_floor_clone.h"
#include "CFloor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int write_map(int pid, const char *file) {
    static const char map[] = "0 100000 65536\n";
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int result = write(fd, map, sizeof map - 1) < 0 ? -errno : 0;
    close(fd);
    return result;
}

// The child shares memory, stack included, and executes two instructions: nothing is copied, and its zombie will do.
static long clone_and_exit(struct clone_args *args) {
#if defined(__x86_64__)
    long result;
    __asm__ volatile(
        "syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%edi, %%edi\n\tmov %[exit], %%eax\n\tsyscall\n\t1:"
        : "=a"(result)
        : "a"((long)SYS_clone3), "D"(args), "S"(sizeof *args), [exit] "i"(SYS_exit)
        : "rcx", "r11", "memory", "cc");
    return result;
#else
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = sizeof *args;
    __asm__ volatile("svc #0\n\tcbnz x0, 1f\n\tmov x8, %[exit]\n\tsvc #0\n\t1:"
                     : "+r"(x0), "+r"(x8)
                     : "r"(x1), [exit] "i"(SYS_exit)
                     : "memory", "cc");
    return x0;
#endif
}

int floor_user_namespace(void) {
    int pidfd = -1;
    struct clone_args args = {
        .flags = CLONE_NEWUSER | CLONE_VM | CLONE_FILES | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
    };
    int pid = (int)clone_and_exit(&args);
    if (pid < 0) return pid;
    int result = write_map(pid, "uid_map");
    if (result == 0) result = write_map(pid, "gid_map");
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
    if (result == 0 && (result = open(path, O_RDONLY | O_CLOEXEC)) < 0) result = -errno;
    siginfo_t info;
    while (waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR) {}
    close(pidfd);
    return result;
}

int floor_user_namespace_by_fork(void) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    int pid = (int)syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
        char byte;
        close(ends[1]);
        syscall(SYS_read, ends[0], &byte, 1);
        syscall(SYS_exit_group, 0);
    }
    int result = -errno;
    close(ends[0]);
    if (pid > 0) {
        result = write_map(pid, "uid_map");
        if (result == 0) result = write_map(pid, "gid_map");
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
        if (result == 0 && (result = open(path, O_RDONLY | O_CLOEXEC)) < 0) result = -errno;
    }
    close(ends[1]);
    if (pid > 0) waitpid(pid, NULL, 0);
    return result;
}

// --- launch: the child shares memory until it executes, so it makes system calls and nothing else ------------------

#define CHILD static __attribute__((no_stack_protector))

CHILD long raw(long number, long a, long b, long c, long d) {
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = 0; // prctl insists on zeros
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = 0; // prctl insists on zeros
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
#endif
}

struct child {
    const char *program;
    int go, report, null;
};

CHILD void fail(struct child *child, long result) {
    int error = (int)-result;
    raw(SYS_write, child->report, (long)&error, sizeof error, 0);
    for (;;) raw(SYS_exit_group, 127, 0, 0, 0);
}

CHILD void run(void *argument) {
    struct child *child = argument;
    char byte;
    long result = raw(SYS_read, child->go, (long)&byte, 1, 0);
    if (result != 1) fail(child, -EPIPE);
    if ((result = raw(SYS_setgroups, 0, 0, 0, 0)) < 0) fail(child, result);
    if ((result = raw(SYS_setresgid, 0, 0, 0, 0)) < 0) fail(child, result);
    if ((result = raw(SYS_setresuid, 0, 0, 0, 0)) < 0) fail(child, result);
    long fd = raw(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0);
    if (fd < 0) fail(child, fd);
    struct ifreq request = {.ifr_name = {'l', 'o'}};
    request.ifr_flags = IFF_UP;
    if ((result = raw(SYS_ioctl, fd, SIOCSIFFLAGS, (long)&request, 0)) < 0) fail(child, result);
    raw(SYS_close, fd, 0, 0, 0);
    for (long number = 0; number < 3; number++)
        if ((result = raw(SYS_dup3, child->null, number, 0, 0)) < 0) fail(child, result);
    if ((result = raw(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0)) < 0) fail(child, result);
    const char *arguments[] = {child->program, NULL};
    const char *environment[] = {"PATH=/usr/bin:/bin", NULL};
    fail(child, raw(SYS_execve, (long)child->program, (long)arguments, (long)environment, 0));
}

int floor_launch(const char *program, int cgroup) {
    static char stack[65536] __attribute__((aligned(4096)));
    int go[2], report[2], pidfd = -1, error = 0;
    if (pipe2(go, O_CLOEXEC) < 0 || pipe2(report, O_CLOEXEC) < 0) return -errno;
    struct child child = {program, go[0], report[1], open("/dev/null", O_RDWR | O_CLOEXEC)};
    struct clone_args args = {
        .flags = CLONE_NEWUSER | CLONE_NEWNET | CLONE_VM | CLONE_PIDFD | CLONE_CLEAR_SIGHAND
                 | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = sizeof stack,
        .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
    };
    long pid = bk_floor_clone(&args, run, &child);
    close(go[0]);
    close(report[1]);
    if (pid < 0) error = (int)-pid;
    if (!error) error = -write_map((int)pid, "uid_map");
    if (!error) error = -write_map((int)pid, "gid_map");
    if (!error && write(go[1], "", 1) < 0) error = errno;
    close(go[1]);
    int reported = 0;
    if (!error && read(report[0], &reported, sizeof reported) > 0) error = reported;
    close(report[0]);
    close(child.null);
    siginfo_t info = {0};
    if (pid > 0) {
        while (waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR) {}
        close(pidfd);
    }
    if (error) return -error;
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
