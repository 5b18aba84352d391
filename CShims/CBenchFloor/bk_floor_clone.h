// SPDX-License-Identifier: Apache-2.0
//
// clone3 onto a stack of its own, for the floors that start something.
#pragma once
#include <linux/sched.h>
#include <stdint.h>
#include <sys/syscall.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

/// The child calls run(argument), which never returns; the pid, or -errno.
static inline long bk_floor_clone(struct clone_args *args, void (*run)(void *), void *argument) {
#if defined(__x86_64__)
    long result;
    __asm__ volatile(
        "syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\tmov %[argument], %%rdi\n\tcall *%[run]\n\tud2\n\t1:"
        : "=a"(result)
        : "a"((long)SYS_clone3), "D"(args), "S"(sizeof *args), [run] "r"(run), [argument] "r"(argument)
        : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = (long)sizeof *args;
    __asm__ volatile(
        "svc #0\n\tcbnz x0, 1f\n\tmov x29, xzr\n\tmov x0, %[argument]\n\tblr %[run]\n\tbrk #0\n\t1:"
        : "+r"(x0)
        : "r"(x8), "r"(x1), [run] "r"(run), [argument] "r"(argument)
        : "memory", "x30");
    return x0;
#endif
}
