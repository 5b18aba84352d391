// SPDX-License-Identifier: Apache-2.0
//
// Arguments are such that a call does no harm where it is let through.
#define _GNU_SOURCE
#include "attacks.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

// As "shocker" did: a file handle of inode 2, the root directory of most file systems, through a directory that is
// open. A kernel may let a handle through whose file lies within a mount that is the caller's anyway.
static void open_by_handle(const char *place) {
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } file = {.handle.handle_bytes = MAX_HANDLE_SZ};
    int mount_id;
    int directory = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || name_to_handle_at(AT_FDCWD, place, &file.handle, &mount_id, 0) < 0) return;
    struct stat own, found;
    if (fstat(directory, &own) < 0 || own.st_ino == 2 || file.handle.handle_bytes < 8) return;
    uint32_t words[2] = {2, 0};
    memcpy(file.handle.f_handle, words, sizeof words);
    int opened = open_by_handle_at(directory, &file.handle, O_RDONLY);
    if (opened >= 0 && fstat(opened, &found) == 0 && found.st_ino == 2) attack_got("open_by_handle_at of inode 2");
}

static void mounts(void) {
    // File systems of which there is one, the host's.
    static const char *const types[] = {"debugfs", "tracefs", "securityfs", "configfs", "pstore",   "efivarfs",
                                        "devtmpfs", "fusectl", "selinuxfs",  "smackfs",  "nfsd"};
    char what[64];
    mkdir("/tmp/attack-mount", 0755);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        snprintf(what, sizeof what, "mount of %s", types[i]);
        attack_must_not(what, mount("none", "/tmp/attack-mount", types[i], 0, NULL));
    }
    attack_must_not("a cgroup v1 hierarchy of its own with a release agent",
                    mount("none", "/tmp/attack-mount", "cgroup", 0, "none,name=bulkhead-attack,release_agent=/bin/true"));
}

static void devices(void) {
    static const struct { const char *name; mode_t mode; unsigned major, minor; } nodes[] = {
        {"mem", S_IFCHR, 1, 1}, {"port", S_IFCHR, 1, 4}, {"disk", S_IFBLK, 8, 0}, {"loop", S_IFBLK, 7, 0},
        {"vda", S_IFBLK, 254, 0}, {"fuse", S_IFCHR, 10, 229}, {"kmsg", S_IFCHR, 1, 11}, {"null", S_IFCHR, 1, 3},
    };
    char path[64], what[64];
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        snprintf(path, sizeof path, "/tmp/attack-%s", nodes[i].name);
        snprintf(what, sizeof what, "a device node %s", nodes[i].name);
        attack_must_not(what, mknod(path, nodes[i].mode | 0666, makedev(nodes[i].major, nodes[i].minor)));
        snprintf(what, sizeof what, "the device %s", nodes[i].name);
        if (nodes[i].minor != 3) attack_must_not(what, open(path, O_RDWR | O_CLOEXEC));
    }
}

static void kernel_wide_calls(void) {
    struct timespec now;
    struct timex clock = {.modes = 0};
    clock_gettime(CLOCK_REALTIME, &now);
    adjtimex(&clock);
    clock.modes = ADJ_TICK;
    attack_must_be_refused("clock_settime", clock_settime(CLOCK_REALTIME, &now));
    attack_must_be_refused("adjtimex", adjtimex(&clock));
    attack_must_be_refused("kexec_load", syscall(SYS_kexec_load, 0L, 0L, NULL, 0L));
    attack_must_be_refused("init_module", syscall(SYS_init_module, NULL, 0L, ""));
    attack_must_be_refused("finit_module", syscall(SYS_finit_module, -1, "", 0));
    attack_must_be_refused("delete_module", syscall(SYS_delete_module, "bulkhead_no_such", O_NONBLOCK));
    attack_must_be_refused("swapon", syscall(SYS_swapon, "/tmp/no-such", 0));
    attack_must_be_refused("swapoff", syscall(SYS_swapoff, "/tmp/no-such"));
    attack_must_be_refused("acct", syscall(SYS_acct, "/tmp/no-such"));
    // In its own pid namespace reboot ends that; this command of it is the host's only.
    attack_must_not("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL));
    attack_must_be_refused("bpf", syscall(SYS_bpf, 11 /* BPF_PROG_GET_NEXT_ID */, (uint64_t[16]){0}, 128));
    attack_must_be_refused("sched_setscheduler", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){1}));
    attack_must_be_refused("setpriority", setpriority(PRIO_PROCESS, 0, -20));
    attack_must_be_refused("ioprio_set", syscall(SYS_ioprio_set, 1, 0, 1 << 13));
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_max += 1;
    attack_must_be_refused("setrlimit above the limit", setrlimit(RLIMIT_NOFILE, &limit));
#ifdef SYS_iopl
    attack_must_be_refused("iopl", syscall(SYS_iopl, 3));
    attack_must_be_refused("ioperm", syscall(SYS_ioperm, 0x80, 1, 1));
#endif
    int notices = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);
    if (notices >= 0)
        attack_must_be_refused("fanotify of a whole file system",
                               fanotify_mark(notices, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, "/usr"));
    attack_must_be_refused("fanotify that decides", fanotify_init(FAN_CLASS_CONTENT, O_RDONLY));
}

void attack_host_calls(void) {
    kernel_wide_calls();
    devices();
    mounts();
    open_by_handle("/usr");
    open_by_handle("/tmp/v");
}

static void write_file(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    if (write(file, text, strlen(text)) < 0) {}
    close(file);
}

void attack_nested(void) {
    unsigned uid = getuid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) < 0) return;
    char map[32];
    snprintf(map, sizeof map, "0 %u 1", uid);
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", map);
    write_file("/proc/self/gid_map", map);
    attack_host_calls();
    // What the outer namespace hides or keeps from being written stays so.
    attack_must_not("umount of /proc", umount2("/proc", MNT_DETACH));
    attack_must_not("umount of /usr", umount2("/usr", MNT_DETACH));
    attack_must_not("remount of /usr", mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
    attack_must_not("remount of /sys", mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
    if (mount("none", "/tmp/attack-mount", "sysfs", 0, NULL) == 0) {
        attack_must_not("uevent_helper", open("/tmp/attack-mount/kernel/uevent_helper", O_WRONLY | O_CLOEXEC));
        attack_must_not("a sysfs that can be written", mkdir("/tmp/attack-mount/fs/cgroup/x", 0755));
    }
}

void attack_chroot(void) {
    int outside = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mkdir("/tmp/attack-root", 0755);
    if (outside < 0 || chroot("/tmp/attack-root") < 0 || fchdir(outside) < 0) return;
    for (int i = 0; i < 64; i++)
        if (chdir("..") < 0) return;
    if (chroot(".") < 0) return;
    // The file that BULKHEAD_MARKER names is the host's.
    const char *marker = getenv("BULKHEAD_MARKER");
    if (marker) attack_must_not("a file outside of the root", open(marker, O_RDONLY | O_CLOEXEC));
}
