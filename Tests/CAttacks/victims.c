// SPDX-License-Identifier: Apache-2.0
//
// Other processes, their terminal, their sockets, their keys.
#define _GNU_SOURCE
#include "attacks.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static void attack_process(int pid) {
    static const char *const files[] = {"mem", "environ", "maps", "auxv", "root/etc/passwd", "cwd/.", "fd", "exe",
                                        "ns/mnt", "ns/user", "map_files", "fdinfo", "stack", "syscall", "io"};
    char path[64];
    attack_must_not("ptrace attach", ptrace(PTRACE_ATTACH, pid, NULL, NULL));
    attack_must_not("ptrace seize", ptrace(PTRACE_SEIZE, pid, NULL, NULL));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, files[i]);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        // Some of them open for anybody, and then give nothing.
        char byte;
        if (file >= 0 && (read(file, &byte, 1) == 1 || errno == EISDIR)) attack_got(path);
        if (file >= 0) close(file);
    }
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file >= 0) attack_must_not("oom_score_adj", write(file, "1000", 4));
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)&attack_process, 1};
    attack_must_not("process_vm_readv", process_vm_readv(pid, &here, 1, &there, 1, 0));
    attack_must_not("process_vm_writev", process_vm_writev(pid, &here, 1, &there, 1, 0));
    int process = (int)syscall(434 /* pidfd_open */, pid, 0);
    if (process >= 0) {
        attack_must_not("pidfd_getfd", syscall(438, process, 0, 0));
        attack_must_not("pidfd_send_signal", syscall(424, process, 0, NULL, 0));
        attack_must_not("setns", setns(process, CLONE_NEWNS));
    }
    attack_must_not("kill", kill(pid, 0));
    attack_must_not("a real-time signal", sigqueue(pid, 0, (union sigval){0}));
    struct rlimit limit;
    attack_must_not("prlimit", prlimit(pid, RLIMIT_NOFILE, NULL, &limit));
    attack_must_not("sched_setaffinity", sched_setaffinity(pid, sizeof(cpu_set_t), &(cpu_set_t){{1}}));
    attack_must_not("setpriority", setpriority(PRIO_PROCESS, (id_t)pid, 19));
    attack_must_not("kcmp", syscall(SYS_kcmp, pid, getpid(), 0, 0, 0));
    attack_must_not("move_pages", syscall(SYS_move_pages, pid, 0L, NULL, NULL, NULL, 0));
}

void attack_starter(void) {
    const char *victims = getenv("BULKHEAD_VICTIMS");
    char *end;
    while (victims && *victims) {
        long pid = strtol(victims, &end, 10);
        if (end == victims) return;
        attack_process((int)pid);
        victims = *end ? end + 1 : end;
    }
}

void attack_terminal(void) {
    for (int stream = 0; stream < 3; stream++) {
        if (!isatty(stream)) continue;
        attack_must_not("typing into the terminal", ioctl(stream, TIOCSTI, "#"));
        attack_must_not("the terminal as its own", ioctl(stream, TIOCSCTTY, 1));
        attack_must_not("the console's selection", ioctl(stream, 0x541c /* TIOCLINUX */, "\3"));
        attack_must_not("the foreground", tcsetpgrp(stream, getpgrp()));
        attack_must_not("the console", ioctl(stream, TIOCCONS, 0));
    }
    attack_must_not("/dev/tty", open("/dev/tty", O_RDWR | O_CLOEXEC));
}

void attack_abstract(void) {
    const char *name = getenv("BULKHEAD_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!name || strlen(name) + 1 > sizeof address.sun_path) return;
    memcpy(address.sun_path + 1, name, strlen(name));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    attack_must_not("a socket of the host",
                    connect(fd, (struct sockaddr *)&address,
                            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))));
}

// KEY_SPEC_SESSION_KEYRING and KEYCTL_*
enum { SESSION_KEYRING = -3, GET_KEYRING_ID = 0, SEARCH = 10, READ = 11 };

void attack_session_key(void) {
    long key = syscall(SYS_keyctl, SEARCH, SESSION_KEYRING, "user", "bulkhead-secret", 0);
    attack_must_not("a key of the starter's session", key);
    char secret[64];
    if (key >= 0) attack_must_not("what the key holds", syscall(SYS_keyctl, READ, key, secret, sizeof secret));
    attack_must_not("request_key", syscall(SYS_request_key, "user", "bulkhead-secret", NULL, 0));
}

void attack_filtered(void) {
    char parameters[256] = {0};
    attack_must_be_refused("io_uring_setup", syscall(425, 2, parameters));
    attack_must_be_refused("add_key", syscall(SYS_add_key, "user", "bulkhead-mine", "x", 1L, -2));
    attack_must_be_refused("keyctl", syscall(SYS_keyctl, GET_KEYRING_ID, SESSION_KEYRING, 0));
    attack_must_be_refused("request_key", syscall(SYS_request_key, "user", "bulkhead-mine", NULL, 0));
    attack_must_be_refused("userfaultfd", syscall(SYS_userfaultfd, 0));
    attack_must_be_refused("bpf", syscall(SYS_bpf, 11, parameters, 128));
    attack_must_be_refused("perf_event_open", syscall(SYS_perf_event_open, parameters, 0, -1, -1, 0L));
    attack_must_be_refused("kexec_load", syscall(SYS_kexec_load, 0L, 0L, NULL, 0L));
}

void attack_program(void) {
    char path[64];
    attack_must_not("its program, to write", open("/proc/self/exe", O_WRONLY | O_CLOEXEC));
    attack_must_not("its program, to cut off", open("/proc/self/exe", O_RDWR | O_TRUNC | O_CLOEXEC));
    int program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", program);
    attack_must_not("its program, by descriptor", open(path, O_WRONLY | O_CLOEXEC));
    struct stat status; // the same mode again: what would set it could set any
    if (stat("/proc/self/exe", &status) == 0)
        attack_must_not("its program's mode", fchmodat(AT_FDCWD, "/proc/self/exe", status.st_mode & 07777, 0));
    attack_must_not("the init's program", open("/proc/1/exe", O_RDONLY | O_CLOEXEC));
}

// Whether a path leads to the file that BULKHEAD_PROGRAM names as "device:inode": the starter's program. While that runs it
// cannot be opened for writing (ETXTBSY); a descriptor of it waits until it does not, and is then opened anew. So what counts
// is whether this process may write the file, not whether it can just now (CVE-2019-5736).
static void attack_host_program(const char *path) {
    const char *program = getenv("BULKHEAD_PROGRAM");
    struct stat status;
    char found[64], what[128];
    if (stat(path, &status) < 0) return;
    snprintf(found, sizeof found, "%llu:%llu", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
    if (!program || strcmp(program, found) != 0) return;
    snprintf(what, sizeof what, "the host's file of %s, once it does not run", path);
    attack_must_not(what, faccessat(AT_FDCWD, path, W_OK, AT_EACCESS));
    snprintf(what, sizeof what, "the mode of the host's file of %s", path);
    attack_must_not(what, fchmodat(AT_FDCWD, path, status.st_mode & 07777, 0));
}

// What stands in for the starter's program is one file of one start; and still nobody writes it.
static void attack_gate(const char *path) {
    char found[64] = {0};
    if (readlink(path, found, sizeof found - 1) < 0 || strncmp(found, "/memfd:", 7) != 0) return;
    int program = open(path, O_RDONLY | O_CLOEXEC);
    const int all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (program >= 0 && (fcntl(program, F_GET_SEALS) & all) != all) attack_got("a program in memory without seals");
    attack_must_not("a program in memory, to write", open(path, O_WRONLY | O_CLOEXEC));
}

void attack_host_programs(void) {
    char path[64];
    // This process itself runs that program: it is what attacks.
    attack_gate("/proc/1/exe");
    for (int pid = 1; pid < 64; pid++) {
        snprintf(path, sizeof path, "/proc/%d/exe", pid);
        if (pid != getpid()) attack_host_program(path);
    }
}

void attack_exchange(void) {
    const char *one = getenv("BULKHEAD_ONE"), *other = getenv("BULKHEAD_OTHER");
    const struct timespec pause = {0, 300000};
    while (one && other) {
        if (renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0) return;
        nanosleep(&pause, NULL);
    }
}

long attack_plant_key(void) {
    if (syscall(SYS_keyctl, 1 /* JOIN_SESSION_KEYRING */, NULL) < 0) return -1;
    return syscall(SYS_add_key, "user", "bulkhead-secret", "hush", 4L, SESSION_KEYRING);
}

int attack_listen(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path + 1, name, strnlen(name, sizeof address.sun_path - 1));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 16) < 0) return -1;
    return fd;
}

int attack_inherit_all(void) {
    struct { unsigned version; int pid; } header = {0x20080522, 0};
    struct { unsigned effective, permitted, inheritable; } sets[2];
    if (syscall(SYS_capget, &header, sets) < 0) return -1;
    for (int half = 0; half < 2; half++) sets[half].inheritable = sets[half].permitted;
    if (syscall(SYS_capset, &header, sets) < 0) return -1;
    for (int capability = 0; capability < 41; capability++) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
    return 0;
}

int attack_dumpable(void) { return prctl(PR_GET_DUMPABLE); }
