// SPDX-License-Identifier: Apache-2.0
//
// What the files of the child's side share.
#pragma once
#include "bk_launch.h"
#include "bk_raw.h"

#define KERNEL_SIGSET_SIZE 8 // of rt_sigprocmask and its like; the C library's sigset_t is larger

struct bk_child {
    const struct bk_launch_plan *plan;
    int channel;     // where it reports: the plan's, or that of whoever started it
    char *stack_top; // for the reaper's child
    int root;        // O_PATH of the new root, or -1
    struct { int mount; const char *target; } held[2]; // the /proc and the /sys that were mounted in it
    int held_count;
    struct { char *start; size_t size; } words[2]; // the caller's command line and environment
    int ready[2];    // with a gate, a pair: the init's end and the command's, which waits for the init
};

/// Ends the child here when a test wants this step to fail; else nothing.
void bk_child_enter(const struct bk_child *child, int step);
/// Reports a failed step and ends the child.
_Noreturn void bk_child_fail(const struct bk_child *child, int step, long result, int index);
/// Reports an optional step that was passed over.
void bk_child_passed_over(const struct bk_child *child, int step, long result, int index);
/// Hands a descriptor to the caller.
long bk_child_hand_over(const struct bk_child *child, int step, int descriptor);

/// The child from its first instruction on; the argument is its struct bk_child (bk_child_first.c).
void bk_child_first(void *argument);
/// Stays as process 1 of the pid namespace and starts the command as process 2 (bk_child_reaper.c).
_Noreturn void bk_child_reap(struct bk_child *child);
/// Builds the root from the plan's mounts and pivots into it (bk_child_root.c).
void bk_child_build_root(struct bk_child *child);
/// The last stretch: session, streams, capabilities, ids, seccomp, exec (bk_child_command.c).
_Noreturn void bk_child_command(struct bk_child *child);
/// Arms the death with the caller. A change of credentials clears the signal, so this comes again after the last one;
/// the caller may have died before, which its end of the channel, held until exec, tells: then the child ends.
void bk_child_arm_parent_death(struct bk_child *child);
/// Closes every descriptor from 3 on except some, which are in ascending order.
void bk_child_close_all_but(const struct bk_child *child, const int32_t *kept, size_t count);
