// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_system.h"
#include "bk_result.h"

#include <string.h>
#include <sys/utsname.h>

static int bk_copy(const char *text, char *buffer, size_t size) {
    size_t length = strlen(text);
    if (length >= size) return -ERANGE;
    memcpy(buffer, text, length + 1);
    return (int)length;
}

int bk_kernel_release(char *buffer, size_t size) {
    struct utsname name;
    int64_t r = bk_result(uname(&name));
    return r < 0 ? (int)r : bk_copy(name.release, buffer, size);
}
