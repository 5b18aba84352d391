// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/capability.h>

// libcap reports failures through errno, which Swift does not read: these return -errno. `pid` 0 is the calling thread.

static inline int bk_cap_get(pid_t pid, cap_t *sets) {
    *sets = pid == 0 ? cap_get_proc() : cap_get_pid(pid);
    return *sets == NULL ? -errno : 0;
}

static inline int bk_cap_iab_get(pid_t pid, cap_iab_t *vectors) {
    *vectors = pid == 0 ? cap_iab_get_proc() : cap_iab_get_pid(pid);
    return *vectors == NULL ? -errno : 0;
}

// Reads one set out as a mask; what the library does not know of reads as clear. In C because the loop's error check
// and out parameter are three lines here.
static inline uint64_t bk_cap_mask(cap_t sets, cap_flag_t flag) {
    uint64_t mask = 0;
    for (cap_value_t cap = 0; cap < 64; cap++) {
        cap_flag_value_t value = CAP_CLEAR;
        if (cap_get_flag(sets, cap, flag, &value) == 0 && value == CAP_SET) mask |= UINT64_C(1) << cap;
    }
    return mask;
}

// The same for the ambient and bounding vectors. In libcap's tuple the bounding vector holds what was *dropped*.
static inline uint64_t bk_cap_iab_mask(cap_iab_t vectors, cap_iab_vector_t vector) {
    uint64_t mask = 0;
    for (cap_value_t cap = 0; cap < cap_max_bits() && cap < 64; cap++)
        if (cap_iab_get_vector(vectors, vector, cap) == CAP_SET) mask |= UINT64_C(1) << cap;
    return mask;
}
