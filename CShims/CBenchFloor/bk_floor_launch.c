// SPDX-License-Identifier: Apache-2.0
//
// Starting a program in namespaces by bare system calls: as short as C can do it. The child shares the caller's memory,
// waits for its maps, makes system calls and executes; the caller learns that by the end of a pipe.
#define _GNU_SOURCE
#include "bk_floor_launch.h"
#include "bk_floor_clone.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS_PRIVATE_RECURSIVE (1UL << 18 | 1UL << 14)

struct child {
    const struct bk_floor_launch *plan;
    int ready, executed[2], root, volume;
    volatile int error;
};

// As the child the C library's wrappers may be used: they touch nothing but errno, and the caller waits meanwhile.
static void give_up(struct child *child) {
    child->error = errno;
    for (;;) syscall(SYS_exit, 127);
}

#define MUST(call) do { if ((call) < 0) give_up(child); } while (0)

static void loopback_up(struct child *child) {
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    MUST(fd);
    MUST(ioctl(fd, SIOCSIFFLAGS, &request));
    close(fd);
}

static void attach(struct child *child, int tree, int at, const char *path) {
    MUST(syscall(SYS_move_mount, tree, "", at, path, MOVE_MOUNT_F_EMPTY_PATH));
}

static void change_root(struct child *child) {
    MUST(syscall(SYS_mount, NULL, "/", NULL, MS_PRIVATE_RECURSIVE, NULL));
    attach(child, child->root, AT_FDCWD, "/");
    int proc = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
    MUST(proc);
    MUST(syscall(SYS_fsconfig, proc, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    int mount = (int)syscall(SYS_fsmount, proc, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    MUST(mount);
    attach(child, mount, child->root, "proc");
    attach(child, child->volume, child->root, child->plan->target + 1);
    MUST(fchdir(child->root));
    MUST(syscall(SYS_pivot_root, ".", "."));
    MUST(syscall(SYS_umount2, ".", 2 /* MNT_DETACH */));
    MUST(chdir("/"));
}

static void run(void *argument) {
    struct child *child = argument;
    const struct bk_floor_launch *plan = child->plan;
    const char *arguments[] = {plan->program, NULL}, *environment[] = {"PATH=/usr/bin:/bin", NULL};
    char go;
    if (plan->map) {
        MUST(read(child->ready, &go, 1));
        MUST(syscall(SYS_setgroups, 0, NULL));
        MUST(syscall(SYS_setresgid, 0, 0, 0));
        MUST(syscall(SYS_setresuid, 0, 0, 0));
    }
    if (plan->namespaces & CLONE_NEWCGROUP) MUST(syscall(SYS_unshare, CLONE_NEWCGROUP));
    if (plan->namespaces & CLONE_NEWNET) loopback_up(child);
    if (plan->volume) change_root(child);
    MUST(syscall(SYS_setsid));
    for (int number = 0; number < 3; number++) MUST(syscall(SYS_dup3, plan->null_fd, number, 0));
    MUST(syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */));
    MUST(syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    if (plan->filter) {
        struct sock_fprog program = {plan->filter_length, (struct sock_filter *)(uintptr_t)plan->filter};
        MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
    }
    syscall(SYS_execve, plan->program, arguments, environment);
    give_up(child);
}

static void end_at_once(void *unused) {
    (void)unused;
    for (;;) syscall(SYS_exit, 0);
}

static int write_map(pid_t pid, const char *file, const char *map) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int result = write(fd, map, strlen(map)) < 0 ? -errno : 0;
    close(fd);
    return result;
}

static int write_maps(pid_t pid, const char *map) {
    int result = write_map(pid, "uid_map", map);
    return result < 0 ? result : write_map(pid, "gid_map", map);
}

// A user namespace for the mount: of a child that has ended when this goes on, and is not yet reaped.
static int namespace_of_map(const char *map, void *stack, size_t size) {
    struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_VM | CLONE_VFORK, .stack = (uint64_t)(uintptr_t)stack,
                              .stack_size = size};
    long pid = bk_floor_clone(&args, end_at_once, NULL);
    if (pid < 0) return (int)pid;
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/ns/user", pid);
    int fd = write_maps((pid_t)pid, map);
    if (fd >= 0 && (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) fd = -errno;
    waitpid((pid_t)pid, NULL, __WALL);
    return fd;
}

static int tree_of(const char *path, unsigned recursive, uint64_t attributes, int user_namespace) {
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
    if (tree < 0) return -errno;
    struct mount_attr change = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | attributes,
                                .userns_fd = (uint64_t)(user_namespace < 0 ? 0 : user_namespace)};
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | recursive, &change, sizeof change) == 0) return tree;
    int error = errno;
    close(tree);
    return -error;
}

static int make_trees(struct child *child, void *stack, size_t size) {
    int mapped = namespace_of_map(child->plan->map, stack, size);
    if (mapped < 0) return mapped;
    child->volume = tree_of(child->plan->volume, AT_RECURSIVE, MOUNT_ATTR_IDMAP, mapped);
    close(mapped);
    if (child->volume < 0) return child->volume;
    child->root = tree_of("/", AT_RECURSIVE, 0, -1);
    return child->root < 0 ? child->root : 0;
}

int bk_floor_begin(const struct bk_floor_launch *plan) {
    static char stack[65536] __attribute__((aligned(4096)));
    struct child child = {.plan = plan, .ready = -1, .executed = {-1, -1}, .root = -1, .volume = -1};
    int ready[2] = {-1, -1}, process = -1, result = 0;
    if (plan->volume) result = make_trees(&child, stack, sizeof stack);
    // Without maps to write the caller waits in clone3 until the child has executed.
    if (result == 0 && plan->map && (pipe2(ready, O_CLOEXEC) < 0 || pipe2(child.executed, O_CLOEXEC) < 0)) result = -errno;
    child.ready = ready[0];
    struct clone_args args = {
        .flags = (plan->namespaces & ~(uint64_t)CLONE_NEWCGROUP) | CLONE_VM | CLONE_PIDFD
                 | (plan->map ? 0 : CLONE_VFORK) | (plan->cgroup < 0 ? 0 : CLONE_INTO_CGROUP),
        .pidfd = (uint64_t)(uintptr_t)&process, .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack, .stack_size = sizeof stack,
        .cgroup = (uint64_t)(plan->cgroup < 0 ? 0 : plan->cgroup),
    };
    long pid = result < 0 ? result : bk_floor_clone(&args, run, &child);
    if (pid < 0) result = (int)pid;
    if (pid > 0 && plan->map) {
        char byte = 0;
        close(child.executed[1]);
        child.executed[1] = -1;
        result = write_maps((pid_t)pid, plan->map);
        if (result < 0) kill((pid_t)pid, SIGKILL);
        else if (write(ready[1], &byte, 1) < 0) result = -errno;
        while (read(child.executed[0], &byte, 1) < 0 && errno == EINTR) {}
    }
    const int own[] = {ready[0], ready[1], child.executed[0], child.executed[1], child.root, child.volume};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (own[i] >= 0) close(own[i]);
    if (pid > 0 && (result < 0 || child.error)) {
        waitpid((pid_t)pid, NULL, 0);
        close(process);
        return result < 0 ? result : -child.error;
    }
    return result < 0 ? result : process;
}

int bk_floor_end(int process) {
    siginfo_t info = {.si_pid = 0};
    int result;
    while ((result = waitid((idtype_t)3 /* P_PIDFD */, (id_t)process, &info, WEXITED)) < 0 && errno == EINTR) {}
    if (result < 0) result = -errno;
    close(process);
    return result < 0 ? result : info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
