// SPDX-License-Identifier: Apache-2.0
//
// Counting what the kernel does for a thread. C because the C library has no perf_event_open.
#pragma once
#include <stdint.h>

#pragma clang assume_nonnull begin

/// perf_event_open(2), since Linux 2.6.31: a count of a tracepoint's hits by the calling thread and all that it starts from now
/// on, threads and processes. Reading the descriptor gives it as eight bytes. Takes CAP_PERFMON where
/// kernel.perf_event_paranoid says so.
int bk_count_tracepoint(uint64_t tracepoint);

#pragma clang assume_nonnull end
