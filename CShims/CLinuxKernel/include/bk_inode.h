// SPDX-License-Identifier: Apache-2.0
//
// Inodes of a tree, by name in an open directory or by path. C because Swift's Glibc module shows neither statx, syncfs,
// <sys/xattr.h> nor listxattrat. One system call each; the result or -errno.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

struct bk_inode {
    uint32_t mode, uid, gid, nlink;
    uint64_t inode, mount_id, device, attributes;
};

/// statx(2) with STATX_MNT_ID (0 before Linux 5.8), never following a link and mounting nothing.
int bk_inode_status(int dirfd, const char *name, struct bk_inode *status);
/// fchownat(2) with AT_SYMLINK_NOFOLLOW; an empty name is the descriptor itself (AT_EMPTY_PATH, since Linux 2.6.39).
int bk_inode_chown(int dirfd, const char *name, uint32_t uid, uint32_t gid);
/// chmod(2). fchmodat2 came with Linux 6.6; a path of /proc/self/fd does the same on all.
int bk_path_chmod(const char *path, uint32_t mode);

/// Extended attributes of what a path is; a link of /proc/self/fd leads to the very inode, a symbolic link too.
int64_t bk_path_getxattr(const char *path, const char *name, void *_Nullable value, size_t size);
int bk_path_setxattr(const char *path, const char *name, const void *value, size_t size, int flags);
int bk_path_removexattr(const char *path, const char *name);
int64_t bk_path_listxattr(const char *path, void *_Nullable list, size_t size);

/// listxattrat(2) with AT_SYMLINK_NOFOLLOW, since Linux 6.13.
int64_t bk_inode_listxattr(int dirfd, const char *name, void *_Nullable list, size_t size);
/// llistxattr(2) of a name in the working directory of this thread.
int64_t bk_here_listxattr(const char *name, void *_Nullable list, size_t size);
/// unshare(2) CLONE_FS, since Linux 2.6.16: this thread gets a working directory of its own.
int bk_own_working_directory(void);
int bk_fchdir(int fd);

/// flock(2) LOCK_EX | LOCK_NB: -EAGAIN when another open file holds it. A directory can be locked by no other call.
int bk_lock_directory(int fd);
/// flock(2) LOCK_SH | LOCK_NB: -EAGAIN when another holds it for itself.
int bk_share_directory(int fd);
int bk_unlock_directory(int fd);
/// syncfs(2), since Linux 2.6.39.
int bk_syncfs(int fd);

#pragma clang assume_nonnull end
