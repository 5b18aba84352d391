// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CFloor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif
#define FLAGS (OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)

int umount2(const char *, int);

static int attach(int tree, const char *target) {
    int result = tree < 0 ? -1 : (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
    int error = errno;
    if (tree >= 0) close(tree);
    return result < 0 ? -error : 0;
}

int floor_bind(const char *source, const char *target) {
    return attach((int)syscall(SYS_open_tree, AT_FDCWD, source, FLAGS), target);
}

int floor_idmap(const char *source, const char *target, int user_namespace) {
    struct mount_attr attributes = {
        .attr_set = MOUNT_ATTR_IDMAP, .propagation = 1 << 18, .userns_fd = (uint64_t)user_namespace,
    };
    int tree = (int)syscall(SYS_open_tree_attr, AT_FDCWD, source, FLAGS, &attributes, sizeof attributes);
    if (tree < 0 && errno == ENOSYS) {
        tree = (int)syscall(SYS_open_tree, AT_FDCWD, source, FLAGS);
        if (tree >= 0
            && syscall(SYS_mount_setattr, tree, "", 0x1000 /* AT_EMPTY_PATH */, &attributes, sizeof attributes) < 0) {
            int error = errno;
            close(tree);
            return -error;
        }
    }
    return attach(tree, target);
}

static int mapped(const char *source, int user_namespace) {
    struct mount_attr attributes = {
        .attr_set = MOUNT_ATTR_IDMAP, .propagation = 1 << 18, .userns_fd = (uint64_t)user_namespace,
    };
    return (int)syscall(SYS_open_tree_attr, AT_FDCWD, source, FLAGS, &attributes, sizeof attributes);
}

int floor_overlay(const char *one, const char *two, const char *upper, const char *work, int user_namespace) {
    int fds[6], count = 0, context = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC), result = context;
    const char *keys[] = {"lowerdir+", "lowerdir+", "upperdir", "workdir"};
    fds[count++] = mapped(one, user_namespace);
    fds[count++] = mapped(two, user_namespace);
    fds[count++] = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fds[count++] = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 4 && result >= 0; i++)
        result = fds[i] < 0 ? -1 : (int)syscall(SYS_fsconfig, context, FSCONFIG_SET_FD, keys[i], NULL, fds[i]);
    if (result >= 0) result = (int)syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (result >= 0) result = fds[count++] = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
    int error = result < 0 ? errno : 0;
    for (int i = 0; i < count; i++)
        if (fds[i] >= 0) close(fds[i]);
    if (context >= 0) close(context);
    return -error;
}

int floor_unmount(const char *target) { return umount2(target, 2 | 8) < 0 ? -errno : 0; }
int floor_close(int fd) { return close(fd); }

int floor_open_directory(const char *path) {
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}
