// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_probe.h"
#include "bk_result.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Numbers from 424 on are the same on every architecture.
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_statmount
#define SYS_statmount 457
#endif
#ifndef SYS_listmount
#define SYS_listmount 458
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

// A number that is never open: descriptors end far below it.
static const int closed = INT_MAX;
static const unsigned int clone_tree = 1 | O_CLOEXEC, recursive_tree = 0x8000; // OPEN_TREE_CLONE, AT_RECURSIVE

int bk_probe_open(const char *path, int flags) { return (int)bk_result(open(path, flags | O_CLOEXEC)); }

int bk_probe_pidfd_open_self(void) { return (int)bk_result(syscall(SYS_pidfd_open, getpid(), 0)); }

int32_t bk_probe_clone3(uint64_t flags, int cgroup, int *pidfd) {
    int fd = -1;
    struct clone_args args = {.flags = flags | CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&fd};
    if (cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup;
    }
    // The size says only as much as is used, or an older kernel answers E2BIG to what it could do.
    size_t size = cgroup >= 0 ? sizeof args : CLONE_ARGS_SIZE_VER0;
    long r = syscall(SYS_clone3, &args, size);
    if (r == 0) syscall(SYS_exit_group, 0);
    r = bk_result(r);
    *pidfd = fd;
    return (int32_t)r;
}

int bk_probe_pidfd_uts_namespace(int pidfd) {
    return (int)bk_result(ioctl(pidfd, _IO(0xFF, 10), 0)); // PIDFD_GET_UTS_NAMESPACE
}

int bk_probe_mount_setattr(void) { return (int)bk_result(syscall(SYS_mount_setattr, closed, "", 0, NULL, 0)); }

int bk_probe_mount_idmap_bad_namespace(int tree) {
    const uint64_t idmap = 0x100000; // MOUNT_ATTR_IDMAP
    uint64_t attributes[4] = {idmap, 0, 0, (uint64_t)closed};
    return (int)bk_result(syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, attributes, sizeof attributes));
}

int bk_probe_clone_tree(const char *path, int recursive) {
    return (int)bk_result(syscall(SYS_open_tree, AT_FDCWD, path, clone_tree | (recursive ? recursive_tree : 0)));
}

int bk_probe_clone_tree_read_only(const char *path, int recursive) {
    uint64_t attributes[4] = {1, 0, 0, 0}; // MOUNT_ATTR_RDONLY
    return (int)bk_result(syscall(
        SYS_open_tree_attr, AT_FDCWD, path, clone_tree | (recursive ? recursive_tree : 0), attributes,
        sizeof attributes));
}

int bk_probe_move_mount_beneath(void) {
    const unsigned int from_empty = 0x04, to_empty = 0x40, beneath = 0x200;
    return (int)bk_result(syscall(SYS_move_mount, closed, "", closed, "", from_empty | to_empty | beneath));
}

int bk_probe_listmount(void) {
    struct { uint32_t size, spare; uint64_t mount_id, param; } request = {.size = 24, .mount_id = UINT64_MAX};
    _Static_assert(sizeof request == 24, "struct mnt_id_req, MNT_ID_REQ_SIZE_VER0");
    uint64_t id;
    return (int)bk_result(syscall(SYS_listmount, &request, &id, 1, 0));
}

int64_t bk_probe_statmount_masks(uint64_t mount_id) {
    const uint64_t supported_mask = 0x1000; // STATMOUNT_SUPPORTED_MASK
    struct { uint32_t size, spare; uint64_t mount_id, param; } request = {
        .size = 24, .mount_id = mount_id, .param = supported_mask,
    };
    uint64_t buffer[128] = {0};
    int64_t r = bk_result(syscall(SYS_statmount, &request, buffer, sizeof buffer, 0));
    if (r < 0) return r;
    // struct statmount: mask at byte 8, supported_mask at byte 144.
    return buffer[1] & supported_mask ? (int64_t)(buffer[18] & INT64_MAX) : 0;
}

int bk_probe_fsconfig_fd(int context, const char *key, int fd) {
    const unsigned int set_fd = 5;
    return (int)bk_result(syscall(SYS_fsconfig, context, set_fd, key, NULL, fd));
}

int bk_probe_fchmodat2(int fd, uint32_t mode) {
    return (int)bk_result(syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH));
}

int bk_probe_close_range(uint32_t flags) {
    return (int)bk_result(syscall(SYS_close_range, (unsigned int)closed, (unsigned int)closed, flags));
}

int bk_probe_landlock(void) { return (int)bk_result(syscall(SYS_landlock_create_ruleset, NULL, 0, 1)); }

int bk_probe_seccomp_action(uint32_t action) { return (int)bk_result(syscall(SYS_seccomp, 2, 0, &action)); }

int bk_probe_seccomp_notification(void) {
    uint16_t sizes[3];
    return (int)bk_result(syscall(SYS_seccomp, 3, 0, sizes));
}

// In the child: one write to a file of its own /proc, 0 or errno. A file that is not there is no failure when that is
// allowed (setgroups came with 3.19).
static int write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    ssize_t count = write(fd, text, strlen(text));
    int error = count < 0 ? errno : 0;
    close(fd);
    return error;
}

void bk_probe_user_namespace(struct bk_userns_outcome *outcome) {
    *outcome = (struct bk_userns_outcome){bk_userns_clone, 0};
    char uid_map[64], gid_map[64];
    snprintf(uid_map, sizeof uid_map, "0 %u 1", geteuid());
    snprintf(gid_map, sizeof gid_map, "0 %u 1", getegid());
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        outcome->error = errno;
        return;
    }
    int pidfd = -1;
    struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&pidfd};
    long pid = syscall(SYS_clone3, &args, CLONE_ARGS_SIZE_VER0);
    if (pid == 0) {
        struct bk_userns_outcome mine = {0, 0};
        if ((mine.error = write_file("/proc/self/setgroups", "deny"))) mine.step = bk_userns_setgroups;
        else if ((mine.error = write_file("/proc/self/uid_map", uid_map))) mine.step = bk_userns_uid_map;
        else if ((mine.error = write_file("/proc/self/gid_map", gid_map))) mine.step = bk_userns_gid_map;
        else if (unshare(CLONE_NEWUTS) < 0) mine = (struct bk_userns_outcome){bk_userns_capability, errno};
        ssize_t ignored = write(ends[1], &mine, sizeof mine);
        (void)ignored;
        syscall(SYS_exit_group, 0);
    }
    int error = errno;
    close(ends[1]);
    if (pid < 0) {
        outcome->error = error;
    } else {
        ssize_t count;
        do count = read(ends[0], outcome, sizeof *outcome);
        while (count < 0 && errno == EINTR);
        // Killed before it could tell: by a seccomp filter, say.
        if (count != sizeof *outcome) *outcome = (struct bk_userns_outcome){bk_userns_capability, EPERM};
        siginfo_t info;
        while (waitid((idtype_t)3, (id_t)pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR) {} // P_PIDFD
        close(pidfd);
    }
    close(ends[0]);
}
