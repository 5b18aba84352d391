// SPDX-License-Identifier: Apache-2.0
//
// Calls made only to learn whether the kernel knows them. C because Swift's Glibc module shows none of them. One
// system call each, its result or -errno, but for the two that need a child: no Swift may run there.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// open(2), close-on-exec: what openat2 does, for a host that hides openat2.
int bk_probe_open(const char *path, int flags);
/// pidfd_open(2) of the caller.
int bk_probe_pidfd_open_self(void);
/// clone3(2) of a child that exits at once, with exit signal 0; a cgroup below 0 means none. The pid, and *pidfd.
/// It copies the caller's page tables (no CLONE_VM), so that the child may return from the call into C.
int32_t bk_probe_clone3(uint64_t flags, int cgroup, int *pidfd);
/// ioctl PIDFD_GET_UTS_NAMESPACE, since Linux 6.11: a descriptor.
int bk_probe_pidfd_uts_namespace(int pidfd);
/// mount_setattr(2) with a size no kernel takes: -EINVAL where the call exists, whatever the caller's privileges.
int bk_probe_mount_setattr(void);
/// mount_setattr(2) with MOUNT_ATTR_IDMAP and a closed descriptor for the user namespace: -EBADF where IDMAP is known.
int bk_probe_mount_idmap_bad_namespace(int tree);
/// open_tree(2) with OPEN_TREE_CLONE, and AT_RECURSIVE when asked: a descriptor.
int bk_probe_clone_tree(const char *path, int recursive);
/// open_tree_attr(2) with OPEN_TREE_CLONE that also makes the copy read-only: a descriptor.
int bk_probe_clone_tree_read_only(const char *path, int recursive);
/// move_mount(2) with MOVE_MOUNT_BENEATH from and to a closed descriptor: -EBADF where the flag is known.
int bk_probe_move_mount_beneath(void);
/// listmount(2), since Linux 6.8, of up to one mount below the root.
int bk_probe_listmount(void);
/// The statmount(2) masks the kernel knows for the mount (STATMOUNT_SUPPORTED_MASK, since Linux 6.15), or -errno.
int64_t bk_probe_statmount_masks(uint64_t mount_id);
/// fsconfig(2) FSCONFIG_SET_FD.
int bk_probe_fsconfig_fd(int context, const char *key, int fd);
/// fchmodat2(2) with AT_EMPTY_PATH, since Linux 6.6.
int bk_probe_fchmodat2(int fd, uint32_t mode);
/// close_range(2) of a range in which nothing is open.
int bk_probe_close_range(uint32_t flags);
/// The Landlock version, since Linux 5.13 (landlock_create_ruleset(2) with LANDLOCK_CREATE_RULESET_VERSION).
int bk_probe_landlock(void);
/// seccomp(2) SECCOMP_GET_ACTION_AVAIL, since Linux 4.14.
int bk_probe_seccomp_action(uint32_t action);
/// seccomp(2) SECCOMP_GET_NOTIF_SIZES, since Linux 5.0.
int bk_probe_seccomp_notification(void);

/// What a child in a new user namespace came to: 0, or the step that failed and its errno.
enum { bk_userns_clone = 1, bk_userns_setgroups, bk_userns_uid_map, bk_userns_gid_map, bk_userns_capability };
struct bk_userns_outcome {
    int32_t step, error;
};
/// A child in a new user namespace maps its own id to 0 and uses a capability (it enters a new UTS namespace), as any
/// unprivileged program would. Everything goes with the child.
void bk_probe_user_namespace(struct bk_userns_outcome *outcome);

#pragma clang assume_nonnull end
