// SPDX-License-Identifier: Apache-2.0
//
// The floor under `bulkhead bench cgroup`: the same acts by bare system calls in C, with nothing checked but success. It
// is C so that nothing of what is measured is in what it is measured against. Functions return 0 or more, or -errno.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// What is written and read, and the descriptors that are kept.
struct bk_floor;

/// Lists of words with a newline behind each: "+memory +pids" or nothing, "memory.max=268435456", "cpu.stat". NULL when
/// there is no memory, or more words than there is room for.
struct bk_floor *_Nullable bk_floor_new(const char *controllers, const char *limits, const char *files);
void bk_floor_free(struct bk_floor *floor);

/// A cgroup's life beneath a directory: mkdir pod, enable controllers in it, mkdir app, write the limits, start a program
/// in it by clone3 with CLONE_INTO_CGROUP (unless NULL), read the files, kill, wait, remove both.
int bk_floor_life(struct bk_floor *floor, int parent, const char *_Nullable program, int null_fd);

/// The limits: open, write and close of each; or opened before, one write of each.
int bk_floor_set(struct bk_floor *floor, int directory);
int bk_floor_open_limits(struct bk_floor *floor, int directory);
int bk_floor_write(struct bk_floor *floor);

/// The files: opened before (those that are there; how many), one pread of each.
int bk_floor_open_files(struct bk_floor *floor, int directory);
int bk_floor_read(struct bk_floor *floor);

#pragma clang assume_nonnull end
