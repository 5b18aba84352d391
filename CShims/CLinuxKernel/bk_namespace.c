// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_namespace.h"
#include "bk_result.h"

#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(offsetof(struct clone_args, cgroup) == 80, "struct clone_args, CLONE_ARGS_SIZE_VER2");

int32_t bk_clone_user_namespace(int *pidfd) {
    // CLONE_VM without CLONE_VFORK: parent and child share the stack too, so after the call the child may touch no
    // memory at all. It executes two instructions, both here, and the parent's frame stays as it was.
    int fd = -1;
    struct clone_args args = {
        .flags = CLONE_NEWUSER | CLONE_VM | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)&fd,
    };
    long r;
#if defined(__x86_64__)
    __asm__ volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "xor %%edi, %%edi\n\t"
        "mov %[exit], %%eax\n\t"
        "syscall\n\t"
        "1:"
        : "=a"(r)
        : "a"((long)SYS_clone3), "D"(&args), "S"(sizeof args), [exit] "i"(SYS_exit)
        : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)&args;
    register long x1 __asm__("x1") = sizeof args;
    __asm__ volatile(
        "svc #0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x8, %[exit]\n\t"
        "svc #0\n\t"
        "1:"
        : "+r"(x0), "+r"(x8)
        : "r"(x1), [exit] "i"(SYS_exit)
        : "memory", "cc");
    r = x0;
#else
#error "Bulkhead runs on x86_64 and arm64"
#endif
    if (r > 0) *pidfd = fd;
    return (int32_t)r;
}

int bk_namespace_relative(int fd, int request) {
    return (int)bk_result(ioctl(fd, request == 1 ? NS_GET_USERNS : NS_GET_PARENT));
}

int bk_namespace_owner(int fd, uint32_t *uid) {
    uid_t owner = 0;
    int64_t r = bk_result(ioctl(fd, NS_GET_OWNER_UID, &owner));
    *uid = owner;
    return (int)r;
}
