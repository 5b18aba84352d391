// SPDX-License-Identifier: Apache-2.0
//
// What the gate is told, and what it shares with the child's side.
#pragma once
#include "bk_launch.h"
#include "bk_raw.h"

#include <linux/filter.h>
#include <signal.h>

// Where the gate's file lies in its memory, as one piece that is read and executed: header, code from GATE_CODE on, this
// data. A multiple of every page size.
#define GATE_BASE 0x400000UL
#define GATE_CODE 0x100UL
#define GATE_DATA 0x4000UL

struct bk_gate {
    int32_t channel, outcome, program; // as in the plan
    uint32_t dies_with_caller;
    uint64_t all_signals;
    struct { uint32_t version; int32_t pid; } capability_header;
    struct { uint32_t effective, permitted, inheritable; } capability_sets[2];
    char name[16];
    uint32_t seccomp_flags, has_filter;
    struct sock_fprog filter;
};

// The first letter of its command line says what it is to be; for a command Launching writes that.
#define GATE_INIT_NAME "bulkhead-init"
#define GATE_IS_INIT 'b'
#define GATE_IS_COMMAND '.'

// The life of process 1 of a pid namespace, which blocks all signals: what is no SIGCHLD goes to the command; when that
// ends, it tells how, and ends with it.
BK_CHILD_INLINE void bk_init_loop(const uint64_t *all, long pid, int outcome_end) {
    for (;;) {
        siginfo_t info;
        long signal = bk_raw(SYS_rt_sigtimedwait, all, &info, 0, 8);
        if (signal > 0 && signal != SIGCHLD) bk_raw(SYS_kill, pid, signal);
        for (;;) {
            siginfo_t ended;
            ended.si_pid = 0;
            long result = bk_raw(SYS_waitid, 0 /* P_ALL */, 0, &ended, 4 /* WEXITED */ | 1 /* WNOHANG */, 0);
            if (result < 0 || ended.si_pid == 0) break;
            if (ended.si_pid != pid) continue;
            volatile struct bk_launch_outcome outcome;
            outcome.code = ended.si_code;
            outcome.status = ended.si_status;
            bk_raw(SYS_write, outcome_end, &outcome, sizeof outcome);
            for (;;) bk_raw(SYS_exit_group, ended.si_code == 1 ? ended.si_status : 128 + ended.si_status);
        }
    }
}
