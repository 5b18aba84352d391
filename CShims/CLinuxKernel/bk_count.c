// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_count.h"
#include "bk_result.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

int bk_count_tracepoint(uint64_t tracepoint) {
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT, .size = sizeof attributes, .config = tracepoint, .inherit = 1,
    };
    return (int)bk_result(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}
