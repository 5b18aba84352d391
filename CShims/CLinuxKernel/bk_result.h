// SPDX-License-Identifier: Apache-2.0
//
// The one place where a system call's -1 becomes -errno.
#pragma once
#include <errno.h>
#include <stdint.h>

static inline int64_t bk_result(int64_t r) { return r < 0 ? -(int64_t)errno : r; }
