// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_xattr.h"
#include "bk_result.h"

#include <sys/xattr.h>

int64_t bk_fgetxattr(int fd, const char *name, void *value, size_t size) {
    return bk_result(fgetxattr(fd, name, value, size));
}

int64_t bk_flistxattr(int fd, void *list, size_t size) { return bk_result(flistxattr(fd, list, size)); }

int bk_fsetxattr(int fd, const char *name, const void *value, size_t size) {
    return (int)bk_result(fsetxattr(fd, name, value, size, 0));
}

int bk_fremovexattr(int fd, const char *name) { return (int)bk_result(fremovexattr(fd, name)); }
