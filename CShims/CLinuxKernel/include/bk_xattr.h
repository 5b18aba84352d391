// SPDX-License-Identifier: Apache-2.0
//
// Extended attributes of an open file. They are C because Swift's Glibc module does not show <sys/xattr.h>. The
// descriptor must be open for reading: one opened with O_PATH answers EBADF.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// fgetxattr(2): the size of the value, -ENODATA when there is none, -ERANGE when the buffer is too small.
int64_t bk_fgetxattr(int fd, const char *name, void *_Nullable value, size_t size);
/// flistxattr(2): the names, each ended by NUL; -EBADF for a descriptor opened with O_PATH.
int64_t bk_flistxattr(int fd, void *_Nullable list, size_t size);
/// fsetxattr(2): makes the attribute or replaces its value, whole.
int bk_fsetxattr(int fd, const char *name, const void *value, size_t size);
/// fremovexattr(2): -ENODATA when there is none.
int bk_fremovexattr(int fd, const char *name);

#pragma clang assume_nonnull end
