// SPDX-License-Identifier: Apache-2.0
//
// Namespaces as descriptors. C because Swift's Glibc module shows neither clone3 nor the nsfs requests, and because a
// child made with CLONE_VM must not run a single instruction of compiled code.
#pragma once
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// clone3(2) (since Linux 5.3) of a child in a new user namespace that shares the caller's memory and exits at once:
/// nothing is copied, so it costs the same at any size of the caller. The zombie's /proc/PID/{uid_map,gid_map,ns/user}
/// stay usable for a privileged caller until it is reaped. Returns its pid and sets *pidfd, or -errno.
/// The exit signal is 0: no SIGCHLD, invisible to another reaper's waitpid(-1).
int32_t bk_clone_user_namespace(int *pidfd);
/// ioctl NS_GET_USERNS (request 1) or NS_GET_PARENT (request 2), since Linux 4.9: a descriptor.
int bk_namespace_relative(int fd, int request);
/// ioctl NS_GET_OWNER_UID of a user namespace, since Linux 4.11; the uid through *uid.
int bk_namespace_owner(int fd, uint32_t *uid);

#pragma clang assume_nonnull end
