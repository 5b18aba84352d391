// SPDX-License-Identifier: Apache-2.0
//
// The new mount API. C because Swift's Glibc module shows these only where the build host's C library has them
// (2.36), and would then tie the binary to that version. One system call each; the result or -errno.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// What mount_setattr(2) and open_tree_attr(2) change, as the kernel's struct mount_attr.
struct bk_mount_attributes {
    uint64_t set, clear, propagation, user_namespace;
};

/// open_tree(2), since Linux 5.2.
int bk_open_tree(int dirfd, const char *path, uint32_t flags);
/// open_tree_attr(2), since Linux 6.15.
int bk_open_tree_attr(int dirfd, const char *path, uint32_t flags, const struct bk_mount_attributes *attributes);
/// mount_setattr(2), since Linux 5.12.
int bk_mount_setattr(int dirfd, const char *path, uint32_t flags, const struct bk_mount_attributes *attributes);
/// move_mount(2), since Linux 5.2.
int bk_move_mount(int from, const char *from_path, int to, const char *to_path, uint32_t flags);
int bk_umount(const char *path, int flags);
/// fsopen(2), since Linux 5.2.
int bk_fsopen(const char *type, uint32_t flags);
/// fsconfig(2) FSCONFIG_SET_STRING (or, with a NULL value, FSCONFIG_SET_FLAG), since Linux 5.2.
int bk_fsconfig_set(int fd, const char *key, const char *_Nullable value);
/// fsconfig(2) FSCONFIG_SET_FD, since Linux 5.2.
int bk_fsconfig_fd(int fd, const char *key, int value);
/// fsconfig(2) FSCONFIG_CMD_CREATE, since Linux 5.2.
int bk_fsconfig_create(int fd);
/// fsmount(2), since Linux 5.2.
int bk_fsmount(int fd, uint32_t flags, uint32_t attributes);
/// statmount(2), since Linux 6.8, of one mount by its unique id (statx STATX_MNT_ID_UNIQUE), in the mount namespace of
/// that id (since Linux 6.11) or, with 0, the caller's.
int bk_statmount(uint64_t mount_id, uint64_t mount_namespace, uint64_t mask, void *buffer, size_t size);
/// listmount(2), since Linux 6.8: the unique ids of all mounts of a mount namespace (0: the caller's) that come after
/// an id, in their order; how many.
int64_t bk_listmount(uint64_t mount_namespace, uint64_t after, uint64_t *ids, size_t capacity);
/// ioctl NS_GET_MNTNS_ID, since Linux 6.11: the 64-bit id of a mount namespace.
int bk_mount_namespace_id(int fd, uint64_t *id);
/// The 64-bit unique id of the mount that the descriptor is on (statx STATX_MNT_ID_UNIQUE, since Linux 6.8);
/// -EOPNOTSUPP where the kernel does not tell.
int bk_unique_mount_id(int fd, uint64_t *mount_id);

/// What fstatfs(2) tells of a file system; files are inodes, 0 where it does not count them.
struct bk_file_system {
    uint64_t type, flags, files, files_free, block_size, blocks_free;
};
int bk_fstatfs(int fd, struct bk_file_system *system);

/// mount(2), for what the new API cannot on old kernels: overlay takes long layer lists only here.
int bk_mount(const char *source, const char *target, const char *_Nullable type, uint64_t flags, const char *_Nullable data);
/// unshare(2) CLONE_NEWNS of the calling thread alone, which thereby also has its own working directory and umask.
int bk_unshare_mounts(void);

#pragma clang assume_nonnull end
