// SPDX-License-Identifier: Apache-2.0
//
// Waiting for many files at once, and reading them again and again. C because Swift's Glibc module shows neither
// epoll_create1, eventfd, inotify, close_range nor the fields of the packed struct epoll_event. One system call each, but for
// bk_close_all; the result or -errno.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// What is ready: the token that was given with the descriptor, and the EPOLL bits.
struct bk_ready {
    uint64_t token;
    uint32_t events;
};

/// epoll_create1(2) with EPOLL_CLOEXEC, since Linux 2.6.27.
int bk_epoll_create(void);
/// epoll_ctl(2) EPOLL_CTL_ADD.
int bk_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
/// epoll_ctl(2) EPOLL_CTL_DEL.
int bk_epoll_remove(int epoll, int fd);
/// epoll_wait(2) for up to 64 descriptors; how many are ready.
int bk_epoll_wait(int epoll, struct bk_ready *ready, size_t capacity, int timeout_milliseconds);
/// eventfd2(2) with EFD_CLOEXEC and EFD_NONBLOCK, since Linux 2.6.27.
int bk_eventfd(void);
/// inotify_init1(2) with IN_CLOEXEC and IN_NONBLOCK, since Linux 2.6.27.
int bk_inotify_create(void);
/// inotify_add_watch(2) for IN_DELETE in a directory, by its path: the watch descriptor, the same for the same directory.
int bk_inotify_add(int inotify, const char *path);
/// The same for whatever changes the names in a directory or the files behind them, and for its own end.
int bk_inotify_add_changes(int inotify, const char *path);
/// inotify_rm_watch(2).
int bk_inotify_remove(int inotify, int watch);
/// Closes descriptors: with one close_range(2) (since Linux 5.9) when their numbers follow one another, so that no
/// other descriptor can be among them, else one by one.
void bk_close_all(const int *fds, size_t count);
/// fchownat(2). With an empty path and AT_EMPTY_PATH (0x1000) the descriptor's own file, since Linux 2.6.39.
int bk_fchownat(int dirfd, const char *path, uint32_t uid, uint32_t gid, int flags);
/// pthread_create(3), detached, with every signal blocked, so that those of the process go to the threads that want
/// them: 0 or -errno. `body` is called once with `argument`.
int bk_start_thread(void (*body)(void *argument), void *argument);

#pragma clang assume_nonnull end
