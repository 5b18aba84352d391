// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_watch.h"
#include "bk_result.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

int bk_epoll_create(void) { return (int)bk_result(epoll_create1(EPOLL_CLOEXEC)); }

int bk_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data = {.u64 = token}};
    return (int)bk_result(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

int bk_epoll_remove(int epoll, int fd) { return (int)bk_result(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL)); }

int bk_epoll_wait(int epoll, struct bk_ready *ready, size_t capacity, int timeout_milliseconds) {
    struct epoll_event events[64];
    size_t most = sizeof events / sizeof events[0];
    if (capacity < most) most = capacity;
    int count = (int)bk_result(epoll_wait(epoll, events, (int)most, timeout_milliseconds));
    for (int i = 0; i < count; i++)
        ready[i] = (struct bk_ready){.token = events[i].data.u64, .events = events[i].events};
    return count;
}

int bk_eventfd(void) { return (int)bk_result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int bk_inotify_create(void) { return (int)bk_result(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)); }

int bk_inotify_add(int inotify, const char *path) {
    return (int)bk_result(inotify_add_watch(inotify, path, IN_DELETE | IN_ONLYDIR));
}

int bk_inotify_add_changes(int inotify, const char *path) {
    return (int)bk_result(inotify_add_watch(inotify, path,
        IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF
            | IN_ONLYDIR));
}

int bk_inotify_remove(int inotify, int watch) { return (int)bk_result(inotify_rm_watch(inotify, watch)); }

void bk_close_all(const int *fds, size_t count) {
    for (size_t first = 0, next; first < count; first = next) {
        // Other descriptors may lie between: each run without a gap is one call.
        for (next = first + 1; next < count && fds[next] == fds[next - 1] + 1;) next++;
        if (next - first > 1 && syscall(SYS_close_range, fds[first], fds[next - 1], 0) == 0) continue;
        for (size_t i = first; i < next; i++) close(fds[i]);
    }
}

int bk_fchownat(int dirfd, const char *path, uint32_t uid, uint32_t gid, int flags) {
    return (int)bk_result(fchownat(dirfd, path, uid, gid, flags));
}

struct start {
    void (*body)(void *argument);
    void *argument;
};

static void *run(void *pointer) {
    struct start start = *(struct start *)pointer;
    free(pointer);
    start.body(start.argument);
    return NULL;
}

int bk_start_thread(void (*body)(void *argument), void *argument) {
    struct start *start = malloc(sizeof *start);
    if (!start) return -ENOMEM;
    *start = (struct start){.body = body, .argument = argument};
    // The new thread inherits the mask that its starter has at this moment.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int failure = pthread_create(&thread, NULL, run, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure != 0) {
        free(start);
        return -failure;
    }
    pthread_detach(thread);
    return 0;
}
