// SPDX-License-Identifier: Apache-2.0
//
// The child runs on the parent's memory, on a stack of its own, until it executes, while the parent waits: it makes
// system calls and nothing else.
#define _GNU_SOURCE
#include "bk_floor_start.h"
#include "bk_floor_clone.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD static __attribute__((no_stack_protector, noinline))

struct child {
    const char *program;
    int null_fd;
    volatile int error;
};

CHILD long raw(long number, long a, long b, long c) {
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#endif
}

CHILD void run(void *argument) {
    struct child *child = argument;
    const char *arguments[] = {child->program, NULL};
    const char *environment[] = {"PATH=/usr/bin:/bin", NULL};
    long result = 0;
    for (long number = 0; number < 3 && result >= 0; number++) result = raw(SYS_dup3, child->null_fd, number, 0);
    if (result >= 0) result = raw(SYS_execve, (long)child->program, (long)arguments, (long)environment);
    child->error = (int)-result;
    for (;;) raw(SYS_exit, 127, 0, 0);
}

int bk_floor_start(const char *program, int cgroup, int null_fd) {
    static char stack[65536] __attribute__((aligned(4096)));
    int pidfd = -1;
    struct child child = {program, null_fd, 0};
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP,
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = sizeof stack,
        .cgroup = (uint64_t)cgroup,
    };
    long pid = bk_floor_clone(&args, run, &child);
    if (pid < 0) return (int)pid;
    if (child.error == 0) return pidfd;
    waitpid((pid_t)pid, NULL, 0);
    close(pidfd);
    return -child.error;
}
