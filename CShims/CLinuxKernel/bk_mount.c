// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_mount.h"
#include "bk_result.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

// Numbers from 424 on are the same on every architecture.
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
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

int bk_fsconfig_fd(int fd, const char *key, int value) {
    const unsigned int set_fd = 5;
    return (int)bk_result(syscall(SYS_fsconfig, fd, set_fd, key, NULL, value));
}

int bk_fsconfig_create(int fd) {
    const unsigned int create = 6;
    return (int)bk_result(syscall(SYS_fsconfig, fd, create, NULL, NULL, 0));
}

int bk_fsmount(int fd, uint32_t flags, uint32_t attributes) {
    return (int)bk_result(syscall(SYS_fsmount, fd, flags, attributes));
}

// struct mnt_id_req. Its first version ends before the namespace; 6.8 refuses the second only when that is not zero.
struct mount_id_request {
    uint32_t size, spare;
    uint64_t mount_id, param, mount_namespace;
};
_Static_assert(sizeof(struct mount_id_request) == 32, "struct mnt_id_req, MNT_ID_REQ_SIZE_VER1");

int bk_statmount(uint64_t mount_id, uint64_t mount_namespace, uint64_t mask, void *buffer, size_t size) {
    struct mount_id_request request = {
        .size = mount_namespace ? 32 : 24, .mount_id = mount_id, .param = mask, .mount_namespace = mount_namespace,
    };
    return (int)bk_result(syscall(SYS_statmount, &request, buffer, size, 0));
}

int64_t bk_listmount(uint64_t mount_namespace, uint64_t after, uint64_t *ids, size_t capacity) {
    struct mount_id_request request = {
        .size = mount_namespace ? 32 : 24, .mount_id = UINT64_MAX, // LSMT_ROOT
        .param = after, .mount_namespace = mount_namespace,
    };
    return bk_result(syscall(SYS_listmount, &request, ids, capacity, 0));
}

int bk_mount_namespace_id(int fd, uint64_t *id) {
    return (int)bk_result(ioctl(fd, _IOR(0xb7, 5, uint64_t), id)); // NS_GET_MNTNS_ID
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

int bk_fstatfs(int fd, struct bk_file_system *system) {
    struct statfs s;
    int r = (int)bk_result(fstatfs(fd, &s));
    if (r < 0) return r;
    *system = (struct bk_file_system){
        .type = (uint32_t)s.f_type, .flags = (uint64_t)s.f_flags, .files = s.f_files, .files_free = s.f_ffree,
        .block_size = (uint64_t)s.f_bsize, .blocks_free = s.f_bavail,
    };
    return 0;
}

int bk_mount(const char *source, const char *target, const char *type, uint64_t flags, const char *data) {
    return (int)bk_result(mount(source, target, type, flags, data));
}

int bk_unshare_mounts(void) { return (int)bk_result(unshare(CLONE_NEWNS)); }
