// SPDX-License-Identifier: Apache-2.0
//
// Everything a launch makes ends with its processes, but for the cgroup's directory: cgroup v2 removes none by itself.
// So a small process outlives the caller, to remove it when the caller cannot.
#define _GNU_SOURCE
#include "bk_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#define STACK_SIZE 65536

struct janitor {
    int caller, root, keep;
    const volatile int32_t *count; // how many of `own`, from its end, the caller has made
    const char *cgroup;  // the entry of `own` that is being removed
    char file[2048];
    char lists[];        // `own`, then `groups`
};

BK_CHILD size_t length(const char *text) {
    size_t size = 0;
    while (text[size]) size++;
    return size;
}

BK_CHILD const char *file_of(struct janitor *j, const char *file) {
    size_t at = 0;
    for (size_t i = 0; j->cgroup[i]; i++) j->file[at++] = j->cgroup[i];
    j->file[at++] = '/';
    for (size_t i = 0; file[i]; i++) j->file[at++] = file[i];
    j->file[at] = 0;
    return j->file;
}

BK_CHILD long open_file(struct janitor *j, const char *file, int flags) {
    return bk_raw(SYS_openat, j->root, file_of(j, file), flags | O_CLOEXEC | O_NOFOLLOW, 0);
}

// Kills what cgroup.procs lists: before cgroup.kill (Linux 5.14). Called again until the cgroup is empty, so a child
// forked in between dies in a later round.
BK_CHILD void kill_listed(struct janitor *j) {
    char text[4096];
    long file = open_file(j, "cgroup.procs", O_RDONLY);
    if (file < 0) return;
    long size = bk_raw(SYS_read, file, text, sizeof text);
    bk_raw(SYS_close, file);
    int pid = 0;
    for (long i = 0; i < size; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            pid = pid * 10 + (text[i] - '0');
        } else {
            if (pid > 1) bk_raw(SYS_kill, pid, SIGKILL);
            pid = 0;
        }
    }
}

BK_CHILD void kill_all(struct janitor *j) {
    long file = open_file(j, "cgroup.kill", O_WRONLY);
    if (file == -ENOENT) kill_listed(j);
    if (file < 0) return;
    bk_raw(SYS_write, file, "1", 1);
    bk_raw(SYS_close, file);
}

// Waits until the cgroup's population changes, a tenth of a second at most.
BK_CHILD void wait_for_change(struct janitor *j) {
    char text[256];
    struct timespec limit = {0, 100000000};
    long file = open_file(j, "cgroup.events", O_RDONLY);
    if (file < 0) return;
    bk_raw(SYS_read, file, text, sizeof text); // arms the notification
    struct pollfd events = {.fd = (int)file, .events = POLLPRI};
    bk_raw(SYS_ppoll, &events, 1, &limit, NULL, KERNEL_SIGSET_SIZE);
    bk_raw(SYS_close, file);
}

BK_CHILD void work(void *argument) {
    struct janitor *j = argument;
    uint64_t all = ~0ULL;
    bk_raw(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, KERNEL_SIGSET_SIZE);
    bk_raw(SYS_setsid);
    bk_raw(SYS_prctl, PR_SET_NAME, "bulkhead-clean", 0, 0, 0);
    bk_raw(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    // It sleeps, and whoever waits for it to clean up, or to end, should not wait behind a busy machine.
    bk_raw(SYS_setpriority, 0 /* PRIO_PROCESS */, 0, -20);
    bk_raw(SYS_chdir, "/");

    // Only these descriptors stay; a standard stream kept open would keep somebody's pipe from ending.
    int kept[3] = {j->caller, j->root, j->keep};
    int next = 0;
    for (;;) {
        int lowest = -1;
        for (int i = 0; i < 3; i++)
            if (kept[i] >= next && (lowest < 0 || kept[i] < lowest)) lowest = kept[i];
        unsigned int last = lowest < 0 ? ~0U : (unsigned int)lowest - 1;
        if (lowest != next) bk_raw(SYS_close_range, next, last, 0);
        if (lowest < 0) break;
        next = lowest + 1;
    }

    struct pollfd caller = {.fd = j->caller, .events = POLLIN};
    while (bk_raw(SYS_ppoll, &caller, 1, NULL, NULL, KERNEL_SIGSET_SIZE) <= 0) {}

    int32_t rest = 0;
    const char *entry = j->lists;
    for (; *entry; entry += length(entry) + 1) rest++;
    for (entry = j->lists; *entry; entry += length(entry) + 1, rest--) {
        j->cgroup = entry;
        int is_ours = rest <= *j->count;
        for (int round = 0; round < 600; round++) {
            if (is_ours) kill_all(j);
            long result = bk_raw(SYS_unlinkat, j->root, entry, AT_REMOVEDIR);
            if (result != -EBUSY || !is_ours) break;
            wait_for_change(j);
        }
    }
    for (entry++; *entry; entry += length(entry) + 1) bk_raw(SYS_unlinkat, j->root, entry, AT_REMOVEDIR);
    for (;;) bk_raw(SYS_exit_group, 0);
}

// The bytes of a list: strings ended by NUL, an empty one at the end.
static size_t list_size(const char *list) {
    size_t size = 0;
    while (list[size]) size += strlen(list + size) + 1;
    return size + 1;
}

int32_t bk_start_janitor(int caller_pidfd, int root, const char *own, const char *groups, int keep, int *pidfd,
                         int32_t **count) {
    size_t own_size = list_size(own), groups_size = list_size(groups);
    size_t head = (sizeof(struct janitor) + own_size + groups_size + 4095) / 4096 * 4096;
    for (const char *entry = own; *entry; entry += strlen(entry) + 1)
        if (strlen(entry) + sizeof "/cgroup.events" > sizeof((struct janitor *)0)->file) return -ENAMETOOLONG;
    char *room = mmap(NULL, head + STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return -errno;
    int32_t *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        munmap(room, head + STACK_SIZE);
        return -errno;
    }
    struct janitor *j = (struct janitor *)room;
    j->count = shared;
    j->caller = caller_pidfd;
    j->root = root;
    j->keep = keep;
    memcpy(j->lists, own, own_size);
    memcpy(j->lists + own_size, groups, groups_size);

    int fd = -1;
    // A copy of the caller's memory, since it may outlive the caller; exit signal 0, so that no reaper meets it.
    struct clone_args args = {
        .flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND, .pidfd = (uint64_t)(uintptr_t)&fd,
        .stack = (uint64_t)(uintptr_t)room + head, .stack_size = STACK_SIZE,
    };
    long pid = bk_raw_clone(&args, work, j);
    munmap(room, head + STACK_SIZE);
    if (pid > 0) {
        *pidfd = fd;
        *count = shared;
    } else {
        munmap(shared, sizeof *shared);
    }
    return (int32_t)pid;
}

void bk_dismiss_count(int32_t *count) { munmap(count, sizeof *count); }
