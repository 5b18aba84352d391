// SPDX-License-Identifier: Apache-2.0
//
// Processes by descriptor, and waiting. C because Swift's Glibc module shows neither pidfd_open, pidfd_send_signal,
// P_PIDFD, signalfd nor ppoll. One system call each (signalfd also blocks its signals); the result or -errno.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// How a child ended: code as si_code (1 exited, 2 killed, 3 dumped), status as si_status.
struct bk_exit {
    int32_t code, status;
    int64_t user_microseconds, system_microseconds, max_resident_kibibytes;
};

/// pidfd_open(2), since Linux 5.3.
int bk_pidfd_open(int32_t pid, uint32_t flags);
/// pidfd_send_signal(2), since Linux 5.1.
int bk_pidfd_send_signal(int pidfd, int signal);
/// waitid(2) with P_PIDFD (since Linux 5.4), WEXITED and __WALL: reaps a child whatever its exit signal. Returns 1 when
/// the child was reaped, 0 when it still runs and `block` is false. With `keep` it is left to be waited for again (WNOWAIT).
int bk_wait_pidfd(int pidfd, int block, int keep, struct bk_exit *how);
/// ioctl PIDFD_GET_INFO with PIDFD_INFO_EXIT (since Linux 6.15): how a process ended that somebody has reaped, ours or
/// not. Returns 1 and sets *status as wait(2) does, 0 when the kernel has nothing to tell, or -errno.
int bk_pidfd_exit_status(int pidfd, int32_t *status);
/// prlimit(2), since Linux 2.6.36. `soft` and `hard` are read when `set`, and become what was there before.
int bk_resource_limit(int32_t pid, uint32_t resource, int set, uint64_t *soft, uint64_t *hard);
/// setpriority(2) PRIO_PROCESS.
int bk_set_niceness(int32_t pid, int32_t niceness);
/// poll(2) of up to 16 descriptors, each for its own events; ready[i] becomes its revents. Returns how many are ready.
int bk_poll(const int *fds, const int16_t *events, int16_t *ready, size_t count, int timeout_milliseconds);
/// Blocks the signals in the calling thread and returns a close-on-exec signalfd(2) for them.
int bk_signal_descriptor(const int *signals, size_t count);
/// Reads one signal's number from a signalfd; -EAGAIN when none is pending (the descriptor is non-blocking).
int bk_next_signal(int fd);
/// Whether the process ignores a signal (sigaction(2)): 1 or 0.
int bk_is_ignored(int signal);
/// capget(2) of the calling thread: its effective capabilities.
int bk_effective_capabilities(uint64_t *set);
/// prctl(2) PR_GET_DUMPABLE, and PR_GET_NO_NEW_PRIVS (since Linux 3.5).
int bk_is_dumpable(void);
int bk_has_no_new_privileges(void);
/// Starts a program: clone3(2) (since Linux 5.3) of a child that shares the caller's memory, and stops the calling thread,
/// until it has executed the program or failed to, which is the result as -errno; else its pid, and *pidfd. Standard input
/// is /dev/null, `output` and `error` are the other two; all other descriptors are closed, no signal is blocked.
/// Such a child has exit signal SIGCHLD once it has executed: the kernel sets it.
int32_t bk_start_program(
    const char *path, char *_Nullable const *_Nonnull arguments, char *_Nullable const *_Nonnull environment, int output,
    int error, int *pidfd);
int bk_page_size(void);
int32_t bk_process_id(void);
uint32_t bk_effective_user_id(void);
uint32_t bk_effective_group_id(void);

#pragma clang assume_nonnull end
