// SPDX-License-Identifier: Apache-2.0
//
// Namespaces as descriptors. C because Swift's Glibc module shows neither clone3, setns nor the nsfs requests, and
// because a child made with CLONE_VM must not run a single instruction of compiled code.
#pragma once
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// clone3(2) (since Linux 5.3) of a child in a new user namespace that shares the caller's memory and exits at once:
/// nothing is copied, so it costs the same at any size of the caller. The zombie's /proc/PID/{uid_map,gid_map,ns/user}
/// stay usable for a privileged caller until it is reaped. Returns its pid and sets *pidfd, or -errno.
/// The exit signal is 0: no SIGCHLD, invisible to another reaper's waitpid(-1).
int32_t bk_clone_user_namespace(int *pidfd);
/// The same with a child that stays until it is killed, or until the calling thread ends: an unprivileged caller may
/// write the maps of a living process only.
int32_t bk_clone_user_namespace_holder(int *pidfd);
/// clone3(2) of such a child in the caller's namespaces that enters a user namespace (setns(2)) and exits: with 0, or
/// with the errno of setns. Its /proc/PID then shows the namespace's maps.
int32_t bk_clone_user_namespace_visitor(int user_namespace, int *pidfd);
/// setns(2): `kind` is a CLONE_NEW* bit, or 0 for any.
int bk_setns(int fd, int kind);
/// ioctl NS_GET_USERNS (request 1) or NS_GET_PARENT (request 2), since Linux 4.9: a descriptor.
int bk_namespace_relative(int fd, int request);
/// ioctl NS_GET_NSTYPE, since Linux 4.11: the CLONE_NEW* bit.
int bk_namespace_type(int fd);
/// ioctl NS_GET_OWNER_UID of a user namespace, since Linux 4.11; the uid through *uid.
int bk_namespace_owner(int fd, uint32_t *uid);
/// ioctl PIDFD_GET_*_NAMESPACE, since Linux 6.11, by the CLONE_NEW* bit of the kind: a descriptor.
int bk_pidfd_namespace(int pidfd, uint64_t kind);

#pragma clang assume_nonnull end
