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

// Three sets as one libcap state, and back. In C because of the error checks; what fails leaves nothing allocated.
static inline cap_t bk_cap_state(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    cap_t sets = cap_init();
    if (sets == NULL) return NULL;
    const struct { cap_flag_t flag; uint64_t mask; } parts[] = {
        {CAP_EFFECTIVE, effective}, {CAP_PERMITTED, permitted}, {CAP_INHERITABLE, inheritable},
    };
    for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++)
        for (cap_value_t cap = 0; cap < 64; cap++)
            if (parts[part].mask >> cap & 1 && cap_set_flag(sets, parts[part].flag, 1, &cap, CAP_SET) != 0) {
                cap_free(sets);
                return NULL;
            }
    return sets;
}

// cap_to_text(3); to be freed with cap_free(3), NULL when there is no memory.
static inline char *bk_cap_text(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    cap_t sets = bk_cap_state(effective, permitted, inheritable);
    if (sets == NULL) return NULL;
    char *text = cap_to_text(sets, NULL);
    cap_free(sets);
    return text;
}

// cap_from_text(3): 0 or -errno.
static inline int bk_cap_read_text(const char *text, uint64_t *effective, uint64_t *permitted, uint64_t *inheritable) {
    cap_t sets = cap_from_text(text);
    if (sets == NULL) return -errno;
    *effective = bk_cap_mask(sets, CAP_EFFECTIVE);
    *permitted = bk_cap_mask(sets, CAP_PERMITTED);
    *inheritable = bk_cap_mask(sets, CAP_INHERITABLE);
    cap_free(sets);
    return 0;
}
