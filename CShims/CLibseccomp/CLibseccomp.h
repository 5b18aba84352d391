// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <asm/ioctls.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// What libseccomp allocates is freed by its caller; Swift would need the whole C library for that.
static inline void bk_seccomp_free(char *text) { free(text); }

_Static_assert(sizeof(struct sock_filter) == sizeof(uint64_t), "a BPF instruction is kept as one 64-bit word");

// The program of a filter as `capacity` words at most; answers how many, or -errno (E2BIG: more than fit).
// In C because libseccomp 2.5 writes a program only to a descriptor, and memfd_create is behind _GNU_SOURCE, which does
// not reach Swift's import. A pipe would block on a program over its size. Since Linux 3.17.
static inline long bk_seccomp_export(scmp_filter_ctx filter, uint64_t *words, size_t capacity) {
    int memory = (int)syscall(SYS_memfd_create, "seccomp", 1U /* MFD_CLOEXEC */);
    if (memory < 0) return -errno;
    long result = seccomp_export_bpf(filter, memory);
    if (result == 0) {
        off_t size = lseek(memory, 0, SEEK_END);
        if (size < 0)
            result = -errno;
        else if ((size_t)size > capacity * sizeof *words)
            result = -E2BIG;
        else {
            ssize_t got = pread(memory, words, (size_t)size, 0);
            result = got < 0 ? -errno : got != size ? -EIO : (long)((size_t)size / sizeof *words);
        }
    }
    close(memory);
    return result;
}

// Puts the program over every thread of the calling process, for good. Answers 0, -errno, or the id of a thread that
// has another filter. In C because prctl and syscall are variadic. Since Linux 3.17.
static inline long bk_seccomp_install(const uint64_t *words, uint16_t count, uint32_t flags) {
    struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)(uintptr_t)words};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_TSYNC, &program);
    return result < 0 ? -errno : result;
}
