// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says of itself. C because utsname's fields are C arrays of a size Swift imports as a tuple.
#pragma once
#include <stddef.h>

#pragma clang assume_nonnull begin

/// uname(2): copies the release ("6.12.90-amd64"), NUL-terminated; returns its length or -errno.
int bk_kernel_release(char *buffer, size_t size);

#pragma clang assume_nonnull end
