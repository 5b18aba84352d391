// SPDX-License-Identifier: Apache-2.0
//
// System calls without the C library: its wrappers write errno, which is thread-local storage, and a child that shares
// memory has its caller's. Each returns the kernel's own answer, -errno on failure.
#pragma once
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

// What runs in the child. No sanitizer may put code of its own in, which keeps its notes in thread-local storage, too; nor
// the compiler a call of the C library in place of a loop: its first use is bound by the loader, under a lock.
#define BK_CHILD_SHARED \
    __attribute__((no_stack_protector, disable_sanitizer_instrumentation, no_profile_instrument_function, \
                   no_builtin("memset", "memcpy", "strlen")))
#define BK_CHILD static __attribute__((unused)) BK_CHILD_SHARED
// Into whatever calls it, also where nothing is optimized.
#define BK_CHILD_INLINE static inline __attribute__((always_inline, unused)) BK_CHILD_SHARED

// Instead of an initializer, for which the compiler calls memset where the memory is large.
BK_CHILD void bk_clear(void *memory, size_t size) {
    for (size_t i = 0; i < size; i++) ((char *)memory)[i] = 0;
}

BK_CHILD_INLINE long bk_raw6(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
#else
#error "Bulkhead runs on x86_64 and arm64"
#endif
}

// bk_raw(number, up to six arguments), each converted to a register's width.
#define BK_RAW7(n, a, b, c, d, e, f, ...) \
    bk_raw6((long)(n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define bk_raw(...) BK_RAW7(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

// Registers of clone3 (args, size) or clone (flags, stack, pidfd): the child calls `run(argument)`, which never returns.
BK_CHILD long bk_raw_clone_by(long number, long a, long b, long c, void (*run)(void *), void *argument) {
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    __asm__ volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "mov %[argument], %%rdi\n\t"
        "mov %[run], %%rax\n\t"
        "xor %%ebp, %%ebp\n\t" // last: one of the operands may be in it
        "call *%%rax\n\t"
        "ud2\n\t"
        "1:"
        : "=a"(result)
        : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), [run] "r"(run), [argument] "r"(argument)
        : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = 0;
    register long x4 __asm__("x4") = 0;
    __asm__ volatile(
        "svc #0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x0, %[argument]\n\t"
        "mov x16, %[run]\n\t"
        "mov x29, xzr\n\t"
        "blr x16\n\t"
        "brk #0\n\t"
        "1:"
        : "+r"(x0)
        : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), [run] "r"(run), [argument] "r"(argument)
        : "memory", "cc", "x16", "x30");
    return x0;
#endif
}

// As execvp(3): the first candidate that exists decides; a permission denied is told only if no other one works. They end with
// NULL, or with an empty one. Returns why, and of which.
BK_CHILD_INLINE long bk_execute_first(const char *const *candidates, const char *const *arguments,
                                      const char *const *environment, int *failed) {
    long failure = -2; // ENOENT
    *failed = 0;
    for (int index = 0; candidates[index] && *candidates[index]; index++) {
        long result = bk_raw(SYS_execve, candidates[index], arguments, environment);
        if (result == -2 || result == -20 /* ENOTDIR */) continue;
        failure = result;
        *failed = index;
        if (result != -13 /* EACCES */) break;
    }
    return failure;
}

// clone3 onto a stack of its own. Where it is hidden (ENOSYS), as older profiles of Docker do, clone: then args->flags lose
// what clone has not, CLONE_CLEAR_SIGHAND and CLONE_INTO_CGROUP among it. Signals are blocked in such a child, so that no
// handler of the caller's runs in it: it has to reset them and to unblock.
BK_CHILD long bk_raw_clone(struct clone_args *args, void (*run)(void *), void *argument) {
    long result = bk_raw_clone_by(SYS_clone3, (long)args, sizeof *args, 0, run, argument);
    if (result != -38 /* ENOSYS */) return result;
    uint64_t all = ~0ULL, before = 0;
    args->flags &= 0xffffff00; // the low byte is the exit signal there
    bk_raw(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &all, &before, 8);
    result = bk_raw_clone_by(SYS_clone, (long)(args->flags | args->exit_signal), (long)(args->stack + args->stack_size),
                             (long)args->pidfd, run, argument);
    bk_raw(SYS_rt_sigprocmask, 2, &before, 0, 8);
    return result;
}
