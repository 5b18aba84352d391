// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_mount.h"
#include "bk_result.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Numbers from 424 on are the same on every architecture.
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_statmount
#define SYS_statmount 457
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

_Static_assert(sizeof(struct bk_mount_attributes) == 32, "struct mount_attr as of Linux 5.12");

int bk_open_tree(int dirfd, const char *path, uint32_t flags) {
    return (int)bk_result(syscall(SYS_open_tree, dirfd, path, flags));
}

int bk_open_tree_attr(int dirfd, const char *path, uint32_t flags, const struct bk_mount_attributes *attributes) {
    return (int)bk_result(syscall(SYS_open_tree_attr, dirfd, path, flags, attributes, sizeof *attributes));
}

int bk_mount_setattr(int dirfd, const char *path, uint32_t flags, const struct bk_mount_attributes *attributes) {
    return (int)bk_result(syscall(SYS_mount_setattr, dirfd, path, flags, attributes, sizeof *attributes));
}

int bk_move_mount(int from, const char *from_path, int to, const char *to_path, uint32_t flags) {
    return (int)bk_result(syscall(SYS_move_mount, from, from_path, to, to_path, flags));
}

int bk_umount(const char *path, int flags) { return (int)bk_result(syscall(SYS_umount2, path, flags)); }

int bk_fsopen(const char *type, uint32_t flags) { return (int)bk_result(syscall(SYS_fsopen, type, flags)); }

int bk_fsconfig_set(int fd, const char *key, const char *value) {
    const unsigned int set_flag = 0, set_string = 1;
    return (int)bk_result(syscall(SYS_fsconfig, fd, value ? set_string : set_flag, key, value, 0));
}

int bk_fsconfig_create(int fd) {
    const unsigned int create = 6;
    return (int)bk_result(syscall(SYS_fsconfig, fd, create, NULL, NULL, 0));
}

int bk_fsmount(int fd, uint32_t flags, uint32_t attributes) {
    return (int)bk_result(syscall(SYS_fsmount, fd, flags, attributes));
}

int bk_statmount(uint64_t mount_id, uint64_t mask, void *buffer, size_t size) {
    // struct mnt_id_req, first version (24 bytes): size, spare, mnt_id, param.
    struct { uint32_t size, spare; uint64_t mount_id, param; } request = {
        .size = 24, .mount_id = mount_id, .param = mask,
    };
    _Static_assert(sizeof request == 24, "struct mnt_id_req, MNT_ID_REQ_SIZE_VER0");
    return (int)bk_result(syscall(SYS_statmount, &request, buffer, size, 0));
}

int bk_unique_mount_id(int fd, uint64_t *mount_id) {
    const unsigned int unique = 0x4000; // STATX_MNT_ID_UNIQUE
    struct statx x;
    int64_t r = bk_result(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, unique, &x));
    if (r < 0) return (int)r;
    if (!(x.stx_mask & unique)) return -EOPNOTSUPP;
    *mount_id = x.stx_mnt_id;
    return 0;
}
