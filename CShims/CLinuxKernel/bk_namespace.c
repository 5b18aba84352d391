// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_namespace.h"
#include "bk_result.h"

#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(offsetof(struct clone_args, cgroup) == 80, "struct clone_args, CLONE_ARGS_SIZE_VER2");

// What a companion does: one system call, then it exits with that call's errno, or stays as long as its parent is the
// process that it was born to.
struct errand {
    long call, first, second, parent;
};

// CLONE_VM without CLONE_VFORK: parent and child share the stack too, so after the call the child may touch no memory
// at all. What it executes is here, works in registers, and the parent's frame stays as it was. Sharing the table of
// descriptors saves copying it; the child opens and closes nothing.
static int32_t clone_companion(uint64_t flags, struct errand errand, int *pidfd) {
    int fd = -1;
    struct clone_args args = {
        .flags = flags | CLONE_VM | CLONE_FILES | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)&fd,
    };
    long r;
#if defined(__x86_64__)
    register long call __asm__("r12") = errand.call;
    register long first __asm__("r13") = errand.first;
    register long second __asm__("r14") = errand.second;
    register long parent __asm__("r15") = errand.parent;
    __asm__ volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "mov %[call], %%rax\n\t"
        "mov %[first], %%rdi\n\t"
        "mov %[second], %%rsi\n\t"
        "syscall\n\t"
        "mov %%rax, %%rdi\n\t"
        "neg %%rdi\n\t"
        "test %[parent], %[parent]\n\t"
        "jz 3f\n\t"
        "mov %[getppid], %%eax\n\t"
        "syscall\n\t"
        "cmp %%rax, %[parent]\n\t"
        "jne 3f\n\t"
        "2: xor %%edi, %%edi\n\t"
        "xor %%esi, %%esi\n\t"
        "xor %%edx, %%edx\n\t"
        "xor %%r10d, %%r10d\n\t"
        "mov %[ppoll], %%eax\n\t"
        "syscall\n\t"
        "jmp 2b\n\t"
        "3: mov %[exit], %%eax\n\t"
        "syscall\n\t"
        "1:"
        : "=a"(r)
        : "a"((long)SYS_clone3), "D"(&args), "S"(sizeof args), [call] "r"(call), [first] "r"(first),
          [second] "r"(second), [parent] "r"(parent), [getppid] "i"(SYS_getppid), [ppoll] "i"(SYS_ppoll),
          [exit] "i"(SYS_exit)
        : "rcx", "r11", "memory", "cc");
#elif defined(__aarch64__)
    register long call __asm__("x20") = errand.call;
    register long first __asm__("x21") = errand.first;
    register long second __asm__("x22") = errand.second;
    register long parent __asm__("x23") = errand.parent;
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)&args;
    register long x1 __asm__("x1") = sizeof args;
    __asm__ volatile(
        "svc #0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x8, %[call]\n\t"
        "mov x0, %[first]\n\t"
        "mov x1, %[second]\n\t"
        "svc #0\n\t"
        "neg x0, x0\n\t"
        "cbz %[parent], 3f\n\t"
        "mov x8, %[getppid]\n\t"
        "svc #0\n\t"
        "cmp x0, %[parent]\n\t"
        "b.ne 3f\n\t"
        "2: mov x0, #0\n\t"
        "mov x1, #0\n\t"
        "mov x2, #0\n\t"
        "mov x3, #0\n\t"
        "mov x8, %[ppoll]\n\t"
        "svc #0\n\t"
        "b 2b\n\t"
        "3: mov x8, %[exit]\n\t"
        "svc #0\n\t"
        "1:"
        : "+r"(x0), "+r"(x8), "+r"(x1)
        : [call] "r"(call), [first] "r"(first), [second] "r"(second), [parent] "r"(parent),
          [getppid] "i"(SYS_getppid), [ppoll] "i"(SYS_ppoll), [exit] "i"(SYS_exit)
        : "memory", "cc");
    r = x0;
#else
#error "Bulkhead runs on x86_64 and arm64"
#endif
    if (r > 0) *pidfd = fd;
    return (int32_t)r;
}

int32_t bk_clone_user_namespace(int *pidfd) {
    return clone_companion(CLONE_NEWUSER, (struct errand){.call = SYS_exit}, pidfd);
}

int32_t bk_clone_user_namespace_holder(int *pidfd) {
    struct errand errand = {.call = SYS_prctl, .first = PR_SET_PDEATHSIG, .second = SIGKILL, .parent = getpid()};
    return clone_companion(CLONE_NEWUSER, errand, pidfd);
}

int32_t bk_clone_user_namespace_visitor(int user_namespace, int *pidfd) {
    struct errand errand = {.call = SYS_setns, .first = user_namespace, .second = CLONE_NEWUSER};
    return clone_companion(0, errand, pidfd);
}

int bk_setns(int fd, int kind) { return (int)bk_result(syscall(SYS_setns, fd, kind)); }

int bk_namespace_relative(int fd, int request) {
    return (int)bk_result(ioctl(fd, request == 1 ? NS_GET_USERNS : NS_GET_PARENT, 0));
}

int bk_namespace_type(int fd) { return (int)bk_result(ioctl(fd, NS_GET_NSTYPE, 0)); }

int bk_namespace_owner(int fd, uint32_t *uid) {
    uid_t owner = 0;
    int64_t r = bk_result(ioctl(fd, NS_GET_OWNER_UID, &owner));
    *uid = owner;
    return (int)r;
}

int bk_pidfd_namespace(int pidfd, uint64_t kind) {
    // PIDFD_GET_*_NAMESPACE are _IO(0xFF, 1) to 10: cgroup, ipc, mnt, net, pid, pid for children, time, time for
    // children, user, uts. An argument that is not 0 is refused.
    static const struct { uint64_t kind; unsigned int request; } requests[] = {
        {CLONE_NEWCGROUP, 1}, {CLONE_NEWIPC, 2}, {CLONE_NEWNS, 3}, {CLONE_NEWNET, 4},
        {CLONE_NEWPID, 5}, {CLONE_NEWTIME, 7}, {CLONE_NEWUSER, 9}, {CLONE_NEWUTS, 10},
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        if (requests[i].kind == kind) return (int)bk_result(ioctl(pidfd, _IO(0xFF, requests[i].request), 0));
    return -EINVAL;
}
