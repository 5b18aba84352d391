// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Starts a program born in a cgroup, its streams on one descriptor: clone3 with CLONE_VFORK. Its descriptor (pidfd).
int bk_floor_start(const char *program, int cgroup, int null_fd);

#pragma clang assume_nonnull end
