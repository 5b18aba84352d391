// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_inode.h"
#include "bk_result.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_listxattrat
#define SYS_listxattrat 465 // Linux 6.13, the same number on every architecture
#endif

int bk_inode_status(int dirfd, const char *name, struct bk_inode *status) {
    struct statx x;
    const unsigned int mount_id = 0x1000; // STATX_MNT_ID, Linux 5.8
    // The kernel looks twice at a name that may be empty.
    const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);
    long r = bk_result(syscall(SYS_statx, dirfd, name, flags,
                               STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | STATX_GID | STATX_INO | mount_id, &x));
    if (r < 0) return (int)r;
    *status = (struct bk_inode){
        .mode = x.stx_mode, .uid = x.stx_uid, .gid = x.stx_gid, .nlink = x.stx_nlink, .inode = x.stx_ino,
        .mount_id = (x.stx_mask & mount_id) ? x.stx_mnt_id : 0,
        .device = makedev(x.stx_dev_major, x.stx_dev_minor), .attributes = x.stx_attributes,
    };
    return 0;
}

int bk_inode_chown(int dirfd, const char *name, uint32_t uid, uint32_t gid) {
    return (int)bk_result(fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH)));
}

int bk_path_chmod(const char *path, uint32_t mode) { return (int)bk_result(chmod(path, mode)); }

int64_t bk_path_getxattr(const char *path, const char *name, void *value, size_t size) {
    return bk_result(getxattr(path, name, value, size));
}

int bk_path_setxattr(const char *path, const char *name, const void *value, size_t size, int flags) {
    return (int)bk_result(setxattr(path, name, value, size, flags));
}

int bk_path_removexattr(const char *path, const char *name) { return (int)bk_result(removexattr(path, name)); }

int64_t bk_path_listxattr(const char *path, void *list, size_t size) {
    return bk_result(listxattr(path, list, size));
}

int64_t bk_inode_listxattr(int dirfd, const char *name, void *list, size_t size) {
    return bk_result(syscall(SYS_listxattrat, dirfd, name, AT_SYMLINK_NOFOLLOW, list, size));
}

int64_t bk_here_listxattr(const char *name, void *list, size_t size) {
    return bk_result(llistxattr(name, list, size));
}

int bk_own_working_directory(void) { return (int)bk_result(unshare(CLONE_FS)); }

int bk_fchdir(int fd) { return (int)bk_result(fchdir(fd)); }

int bk_lock_directory(int fd) { return (int)bk_result(flock(fd, LOCK_EX | LOCK_NB)); }

int bk_share_directory(int fd) { return (int)bk_result(flock(fd, LOCK_SH | LOCK_NB)); }

int bk_unlock_directory(int fd) { return (int)bk_result(flock(fd, LOCK_UN)); }

int bk_syncfs(int fd) { return (int)bk_result(syncfs(fd)); }
