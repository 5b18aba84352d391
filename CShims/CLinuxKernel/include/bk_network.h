// SPDX-License-Identifier: Apache-2.0
//
// The network: netlink, tap devices, and what is opened as a member of other namespaces. C because Swift's Glibc module
// shows neither setns nor the netlink and tun headers, and because no thread that Swift runs on may change its
// namespaces: bk_visit_* does it in a process of its own that shares memory and descriptors and ends at once.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// socket(2) AF_NETLINK NETLINK_ROUTE, made as a member of the namespaces `joins` (a user namespace first): it belongs to
/// the network namespace it was made in. Explicit error texts (NETLINK_EXT_ACK, since Linux 4.12), acknowledgements
/// without the request (NETLINK_CAP_ACK, 4.3) and strict dump requests (NETLINK_GET_STRICT_CHK, 4.20) are on where the
/// kernel has them. -errno; *failed is the entry of `joins` that could not be joined, or -1.
int bk_visit_netlink(const int *joins, size_t count, int *failed);
/// openat2(2), close-on-exec, made as a member of the namespaces `joins`.
int bk_visit_open(const int *joins, size_t count, int dirfd, const char *path, uint64_t flags, uint64_t resolve,
                  int *failed);
/// unshare(2) of a new network namespace, made as a member of `joins`: a descriptor of it, held by nothing else.
int bk_visit_new_network(const int *joins, size_t count, int *failed);
/// socket(2) SOCK_STREAM of an address family, non-blocking, made as a member of `joins`.
int bk_visit_stream(const int *joins, size_t count, int family, int *failed);
/// connect(2) of such a socket to an address of 4 or 16 bytes: -EINPROGRESS while it goes on.
int bk_connect_stream(int fd, const uint8_t *address, size_t size, uint16_t port);
/// How that went (getsockopt(2) SO_ERROR): 0 or -errno.
int bk_socket_error(int fd);
/// send(2) of one netlink message.
int64_t bk_netlink_send(int fd, const void *message, size_t size);
/// recvmsg(2) of one datagram of the kernel's: its size, even where it is more than `size` (MSG_TRUNC); -EPROTO when
/// somebody else than the kernel sent it.
int64_t bk_netlink_receive(int fd, void *buffer, size_t size);
/// ioctl TUNSETIFF on an open /dev/net/tun: makes or opens a tap (or tun) interface without packet information; `name`
/// (16 bytes, NUL-ended, may be a pattern such as "tap%d") becomes what the kernel chose.
int bk_tun_attach(int fd, char *name, int tap);
/// ioctl TUNSETPERSIST: whether the interface outlives its descriptor.
int bk_tun_persist(int fd, int persist);

#pragma clang assume_nonnull end
