// SPDX-License-Identifier: Apache-2.0
//
// The program that this process runs. C because Swift reads its arguments from /proc, as text that it repairs where it is
// no UTF-8, and because execve takes arrays of pointers: here they are passed on as the kernel gave them.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// How many arguments the process was started with, the program's name among them; 0 where the C library does not tell
/// (only glibc does).
int bk_argument_count(void);
/// One of them.
const char *bk_argument(int index);

/// The absolute path of the program's file, links resolved: readlink(2) of /proc/self/exe, or the path that was given to
/// execve(2) (getauxval(3) AT_EXECFN, since Linux 2.6.26) where /proc is not mounted. Its length, or -errno.
int bk_program_path(char *buffer, size_t size);

/// execve(2) of another program with the arguments and the environment that this one was started with; returns only -errno.
int bk_execute_instead(const char *path);

#pragma clang assume_nonnull end
