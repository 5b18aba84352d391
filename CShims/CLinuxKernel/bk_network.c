// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_network.h"
#include "bk_result.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

// One act in other namespaces. The visitor is the caller's copy but for the namespaces: memory and descriptors are
// shared, so what it opens is the caller's.
struct visit {
    const int *joins;
    size_t count;
    enum { make_netlink, make_stream, open_file, new_network } act;
    int family;
    int dirfd;
    const char *path;
    struct open_how how;
    int failed;
    int64_t result;
};

static int64_t act(const struct visit *visit) {
    switch (visit->act) {
    case make_netlink: return bk_result(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    case make_stream:
        return bk_result(socket(visit->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    case open_file: return bk_result(syscall(SYS_openat2, visit->dirfd, visit->path, &visit->how, sizeof visit->how));
    default: break;
    }
    int64_t result = bk_result(unshare(CLONE_NEWNET));
    // Not /proc/self, where /proc shows another pid namespace than the visitor's.
    return result < 0 ? result : bk_result(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
}

// In the visitor, while the caller's thread waits (CLONE_VFORK): on a stack of its own and with every signal blocked, so
// neither it nor a handler disturbs the caller. It shares the thread-local errno with the waiting thread, which then
// reads its own results only.
__attribute__((no_sanitize("address", "thread", "undefined"))) static int visitor(void *argument) {
    struct visit *visit = argument;
    for (size_t i = 0; i < visit->count; i++) {
        if (visit->joins[i] < 0) continue;
        visit->result = bk_result(setns(visit->joins[i], 0));
        if (visit->result < 0) {
            visit->failed = (int)i;
            return 0;
        }
    }
    visit->result = act(visit);
    return 0;
}

static int perform(struct visit *visit, int *failed) {
    const size_t stack_size = 65536;
    *failed = visit->failed = -1;
    int joins = 0;
    for (size_t i = 0; i < visit->count; i++) joins += visit->joins[i] >= 0;
    // Where nothing is to be joined, or left, the caller can do it itself.
    if (!joins && visit->act != new_network) return (int)act(visit);
    char *stack = mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -errno;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    // Exit signal 0: no SIGCHLD, and nobody else's waitpid(-1) takes it away. Not CLONE_FS: a user namespace is joined
    // only by a process whose root directory is its own.
    visit->result = -ECHILD;
    int64_t pid = bk_result(clone(visitor, stack + stack_size, CLONE_VM | CLONE_VFORK | CLONE_FILES, visit));
    if (pid > 0)
        while (waitpid((pid_t)pid, NULL, __WALL) < 0 && errno == EINTR) {}
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, stack_size);
    if (pid < 0) return (int)pid;
    *failed = visit->failed;
    return (int)visit->result;
}

int bk_visit_netlink(const int *joins, size_t count, int *failed) {
    struct visit visit = {.joins = joins, .count = count, .act = make_netlink};
    int fd = perform(&visit, failed);
    if (fd < 0) return fd;
    const int on = 1;
    // What an older kernel does not know is done without.
    const int options[] = {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        setsockopt(fd, SOL_NETLINK, options[i], &on, sizeof on);
    return fd;
}

int bk_visit_open(const int *joins, size_t count, int dirfd, const char *path, uint64_t flags, uint64_t resolve,
                  int *failed) {
    struct visit visit = {
        .joins = joins, .count = count, .act = open_file, .dirfd = dirfd, .path = path,
        .how = {.flags = flags | O_CLOEXEC, .resolve = resolve},
    };
    return perform(&visit, failed);
}

int bk_visit_new_network(const int *joins, size_t count, int *failed) {
    struct visit visit = {.joins = joins, .count = count, .act = new_network};
    return perform(&visit, failed);
}

int bk_visit_stream(const int *joins, size_t count, int family, int *failed) {
    struct visit visit = {.joins = joins, .count = count, .act = make_stream, .family = family};
    return perform(&visit, failed);
}

int bk_connect_stream(int fd, const uint8_t *address, size_t size, uint16_t port) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (size == sizeof six.sin6_addr) {
        memcpy(&six.sin6_addr, address, size);
        return (int)bk_result(connect(fd, (struct sockaddr *)&six, sizeof six));
    }
    if (size != sizeof four.sin_addr) return -EINVAL;
    memcpy(&four.sin_addr, address, size);
    return (int)bk_result(connect(fd, (struct sockaddr *)&four, sizeof four));
}

int bk_socket_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    int64_t r = bk_result(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size));
    return r < 0 ? (int)r : -error;
}

int64_t bk_netlink_send(int fd, const void *message, size_t size) {
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    return bk_result(sendto(fd, message, size, 0, (struct sockaddr *)&kernel, sizeof kernel));
}

int64_t bk_netlink_receive(int fd, void *buffer, size_t size) {
    struct sockaddr_nl sender = {0};
    socklen_t length = sizeof sender;
    int64_t r = bk_result(recvfrom(fd, buffer, size, MSG_TRUNC, (struct sockaddr *)&sender, &length));
    return r >= 0 && sender.nl_pid != 0 ? -EPROTO : r;
}

int bk_tun_attach(int fd, char *name, int tap) {
    struct ifreq request = {.ifr_flags = (short)((tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI)};
    memcpy(request.ifr_name, name, sizeof request.ifr_name);
    int r = (int)bk_result(ioctl(fd, TUNSETIFF, &request));
    if (r >= 0) memcpy(name, request.ifr_name, sizeof request.ifr_name);
    return r;
}

int bk_tun_persist(int fd, int persist) { return (int)bk_result(ioctl(fd, TUNSETPERSIST, persist)); }
