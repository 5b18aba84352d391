// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdint.h>

#pragma clang assume_nonnull begin

/// What the floor under `bulkhead bench launch` starts: the same as the library's plan beside it.
struct bk_floor_launch {
    const char *program;
    int null_fd;                       ///< standard input, output and error
    int cgroup;                        ///< directory to be born in, or -1
    uint64_t namespaces;               ///< CLONE_NEW*; with CLONE_NEWUSER `map` is written, with CLONE_NEWNET lo comes up
    const char *_Nullable map;         ///< one line of uid_map, and of gid_map
    const char *_Nullable volume;      ///< mounted with the map's ids at `target`, in a copy of the caller's root
    const char *_Nullable target;
    const void *_Nullable filter;      ///< struct sock_filter[]
    uint16_t filter_length;
};

/// Starts it and returns once it has executed: its descriptor (pidfd), or -errno.
int bk_floor_begin(const struct bk_floor_launch *plan);
/// Waits for the end and closes the descriptor: the exit code, or -errno.
int bk_floor_end(int process);

#pragma clang assume_nonnull end
