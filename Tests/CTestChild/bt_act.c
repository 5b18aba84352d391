// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CTestChild.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

static const unsigned int clone_flags = 1 | O_CLOEXEC; // OPEN_TREE_CLONE

int bt_mount_setattr(int tree, const void *attributes, size_t size) {
    return syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, attributes, size) < 0 ? -errno : 0;
}

// A copy of the caller that nobody is told of. Not the C library's: its handlers are not for here.
static pid_t copy(void) { return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL); }

static int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, __WALL) < 0)
        if (errno != EINTR) return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int execute(struct bt_row *row) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return errno;
    pid_t pid = copy();
    if (pid == 0) {
        dup2(ends[1], 1);
        char *arguments[] = {row->path, NULL}, *variables[] = {NULL};
        syscall(SYS_execveat, row->mount, row->path, arguments, variables, 0);
        syscall(SYS_exit_group, errno);
    }
    close(ends[1]);
    if (pid < 0) return errno;
    row->value_size = read(ends[0], row->value, sizeof row->value);
    close(ends[0]);
    return wait_for(pid);
}

static int failed(int result) { return result < 0 ? errno : 0; }

static int opened(int fd) {
    if (fd < 0) return errno;
    close(fd);
    return 0;
}

static int appended(const char *path) {
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) return errno;
    int error = write(fd, "x", 1) < 0 ? errno : 0;
    close(fd);
    return error;
}

static int cloned(const char *path, int map) {
    if (map && unshare(CLONE_NEWNS) < 0) return errno;
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, clone_flags | 0x8000); // AT_RECURSIVE
    if (tree < 0) return errno;
    if (!map) return opened(tree);
    int own = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    uint64_t attributes[4] = {0x100000, 0, 0, (uint64_t)own}; // MOUNT_ATTR_IDMAP
    int error = -bt_mount_setattr(tree, attributes, sizeof attributes);
    close(own);
    close(tree);
    return error;
}

static int perform(struct bt_row *row) {
    const char *path = row->path;
    switch ((enum bt_act)row->act) {
    case BT_STAT: return 0;
    case BT_CREATE_FILE: return opened(open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, row->mode));
    case BT_CREATE_DIRECTORY: return failed(mkdir(path, row->mode));
    case BT_CREATE_LINK: return failed(symlink("nowhere", path));
    case BT_CREATE_FIFO: return failed(mknod(path, S_IFIFO | row->mode, 0));
    case BT_CREATE_DEVICE: return failed(mknod(path, S_IFCHR | row->mode, makedev(1, 3)));
    case BT_CREATE_WHITEOUT: return failed(mknod(path, S_IFCHR | row->mode, makedev(0, 0)));
    case BT_CREATE_NAMELESS: return opened(open(path, O_TMPFILE | O_WRONLY | O_CLOEXEC, row->mode));
    case BT_CHOWN: return failed(lchown(path, row->uid, row->gid));
    case BT_CHMOD: return failed(chmod(path, row->mode));
    case BT_TRUNCATE: return failed(truncate(path, 0));
    case BT_TOUCH: {
        const struct timespec times[2] = {{1000, 0}, {2000, 0}};
        return failed(utimensat(AT_FDCWD, path, times, 0));
    }
    case BT_READ: return opened(open(path, O_RDONLY | O_CLOEXEC));
    case BT_WRITE: return opened(open(path, O_WRONLY | O_CLOEXEC));
    case BT_READ_WRITE: return opened(open(path, O_RDWR | O_CLOEXEC));
    case BT_APPEND: return appended(path);
    case BT_EXECUTE: return execute(row);
    case BT_GET_ATTRIBUTE:
        // Linux 6.0 and 6.1 count the entries of an ACL by the room for it: in another than a whole number none is mapped.
        row->value_size = lgetxattr(path, row->attribute, row->value, sizeof row->value - 4);
        return row->value_size < 0 ? errno : 0;
    case BT_SET_ATTRIBUTE: return failed(lsetxattr(path, row->attribute, row->value, (size_t)row->value_size, 0));
    case BT_UNLINK: return failed(unlink(path));
    case BT_RENAME: return failed(rename(path, row->other_path));
    case BT_LINK: return failed(link(path, row->other_path));
    case BT_RENAME_ACROSS: return failed(renameat(row->mount, path, row->other_mount, row->other_path));
    case BT_LINK_ACROSS: return failed(linkat(row->mount, path, row->other_mount, row->other_path, 0));
    case BT_CLONE: return cloned(path, 0);
    case BT_CLONE_AND_MAP: return cloned(path, 1);
    }
    return ENOSYS;
}

static int become(const struct bt_actor *actor) {
    if (actor->user_namespace >= 0 && setns(actor->user_namespace, CLONE_NEWUSER) < 0) return errno;
    // By system call: the C library's would ask all threads, which this copy has not.
    if (syscall(SYS_setgroups, actor->group_count, actor->groups) < 0) return errno;
    if (syscall(SYS_setresgid, actor->gid, actor->gid, actor->gid) < 0) return errno;
    if (syscall(SYS_setresuid, actor->uid, actor->uid, actor->uid) < 0) return errno;
    if (actor->uid == 0) return 0;
    // The kernel takes no capability from who was not root in the namespace before.
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    return failed((int)syscall(SYS_capset, &header, none));
}

static int perform_all(
    const struct bt_actor *actor, const int *mounts, size_t mount_count, const char *folder, struct bt_row *rows,
    size_t row_count) {
    umask(0);
    if (folder) {
        if (unshare(CLONE_NEWNS) < 0) return errno;
        if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return errno;
        for (size_t i = 0; i < mount_count; i++)
            if (syscall(SYS_move_mount, mounts[i], "", AT_FDCWD, folder, 0x04) < 0) return errno; // F_EMPTY_PATH
    }
    int error = become(actor);
    if (error) return error;
    for (size_t i = 0; i < row_count; i++) {
        struct bt_row *row = &rows[i];
        if (row->mount >= 0 && fchdir(row->mount) < 0) return errno;
        row->error = perform(row);
        const char *path = row->other_path[0] ? row->other_path : row->path;
        struct stat seen;
        if (row->mount >= 0 && lstat(path, &seen) == 0) {
            row->seen_uid = seen.st_uid;
            row->seen_gid = seen.st_gid;
            row->seen_mode = seen.st_mode;
        }
    }
    return 0;
}

int bt_act(
    const struct bt_actor *actor, const int *mounts, size_t mount_count, const char *folder, struct bt_row *rows,
    size_t row_count) {
    const size_t size = row_count * sizeof *rows + 1;
    struct bt_row *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return errno;
    memcpy(shared, rows, row_count * sizeof *rows);
    pid_t pid = copy();
    if (pid == 0) syscall(SYS_exit_group, perform_all(actor, mounts, mount_count, folder, shared, row_count));
    int error = pid < 0 ? errno : wait_for(pid);
    memcpy(rows, shared, row_count * sizeof *rows);
    munmap(shared, size);
    return error;
}

int bt_set_attribute(const char *path, const char *name, const void *value, size_t size) {
    return lsetxattr(path, name, value, size, 0) < 0 ? -errno : 0;
}

int64_t bt_get_attribute(const char *path, const char *name, void *value, size_t size) {
    int64_t result = lgetxattr(path, name, value, size);
    return result < 0 ? -errno : result;
}
