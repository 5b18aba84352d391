// SPDX-License-Identifier: Apache-2.0
//
// The floor under `bulkhead shift`: the shortest walk in C that shifts owners, with no second look, no lists, no
// capabilities, no journal.
#pragma once
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Everything beneath a directory: openat, getdents64, statx and, where the owner or group is in [from, from + count),
/// fchownat. The number of changes, or -errno.
int64_t bk_floor_shift(int directory, uint32_t from, uint32_t to, uint32_t count);

#pragma clang assume_nonnull end
