// SPDX-License-Identifier: Apache-2.0
//
// The floor under each benchmark: the same act by bare system calls in C. Functions return 0 or more, or -errno. That of
// cgroups is in the tool itself (CShims/CBenchFloor): `bulkhead bench cgroup` runs in guests, too.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// open_tree, move_mount: a plain bind mount.
int floor_bind(const char *source, const char *target);
/// The same with the ID map of a user namespace: open_tree_attr, move_mount (since Linux 6.15); where the kernel has no
/// open_tree_attr, open_tree, mount_setattr, move_mount.
int floor_idmap(const char *source, const char *target, int user_namespace);
/// A detached overlay of two ID-mapped layers and an upper one, all by descriptor, and its end: since Linux 6.15.
int floor_overlay(const char *one, const char *two, const char *upper, const char *work, int user_namespace);
/// umount2 with MNT_DETACH.
int floor_unmount(const char *target);

/// A user namespace with 65,536 ids from 100000: clone3 with CLONE_VM of a child that exits, two maps, open, wait. Its
/// descriptor.
int floor_user_namespace(void);
/// The same as most tools make one, which copies the caller's page tables: fork, a pipe, two maps, open, wait.
int floor_user_namespace_by_fork(void);
/// A directory by O_PATH.
int floor_open_directory(const char *path);
int floor_close(int fd);

/// Starts a program in a new user and network namespace with the loopback interface up, born in a cgroup, and waits
/// for its end: clone3 with CLONE_VM, two maps. The program's exit code.
int floor_launch(const char *program, int cgroup);

#pragma clang assume_nonnull end
