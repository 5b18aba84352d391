// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_file.h"
#include "bk_result.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

_Static_assert(sizeof(struct open_how) == 24, "open_how as of Linux 5.6");

int bk_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    return (int)bk_result(syscall(SYS_openat2, dirfd, path, &how, sizeof how));
}

int bk_close(int fd) { return (int)bk_result(close(fd)); }

int64_t bk_read(int fd, void *buffer, size_t size) { return bk_result(read(fd, buffer, size)); }

int64_t bk_pread(int fd, void *buffer, size_t size, int64_t offset) {
    return bk_result(pread(fd, buffer, size, offset));
}

int64_t bk_next_data(int fd, int64_t offset) { return bk_result(lseek(fd, offset, SEEK_DATA)); }

int bk_free_before(int fd, int64_t offset) {
    return (int)bk_result(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, offset));
}

int bk_rewind(int fd) { return (int)bk_result(lseek(fd, 0, SEEK_SET)); }

int64_t bk_write(int fd, const void *buffer, size_t size) { return bk_result(write(fd, buffer, size)); }

int bk_mkdirat(int dirfd, const char *path, uint32_t mode) { return (int)bk_result(mkdirat(dirfd, path, mode)); }

int bk_unlinkat(int dirfd, const char *path, int flags) { return (int)bk_result(unlinkat(dirfd, path, flags)); }

int bk_renameat(int dirfd, const char *from, const char *to) {
    return (int)bk_result(renameat(dirfd, from, dirfd, to));
}

int64_t bk_readlinkat(int dirfd, const char *path, char *buffer, size_t size) {
    return bk_result(readlinkat(dirfd, path, buffer, size));
}

int64_t bk_getdents64(int fd, void *buffer, size_t size) {
    return bk_result(syscall(SYS_getdents64, fd, buffer, size));
}

int bk_statx(int dirfd, const char *path, int flags, struct bk_file_status *status) {
    struct statx x;
    const unsigned int mount_id = 0x1000; // STATX_MNT_ID, Linux 5.8
    long r = bk_result(syscall(SYS_statx, dirfd, path, flags, STATX_BASIC_STATS | mount_id, &x));
    if (r < 0) return (int)r;
    *status = (struct bk_file_status){
        .mode = x.stx_mode, .uid = x.stx_uid, .gid = x.stx_gid, .nlink = x.stx_nlink,
        .inode = x.stx_ino, .size = x.stx_size,
        .mount_id = (x.stx_mask & mount_id) ? x.stx_mnt_id : 0,
        .device_major = x.stx_dev_major, .device_minor = x.stx_dev_minor,
    };
    return 0;
}

int64_t bk_fstatfs_magic(int fd) {
    struct statfs s;
    int64_t r = bk_result(fstatfs(fd, &s));
    return r < 0 ? r : (int64_t)(uint32_t)s.f_type;
}

int bk_dup_close_on_exec(int fd) { return (int)bk_result(fcntl(fd, F_DUPFD_CLOEXEC, 3)); }

int bk_lease_read(int fd) {
    // The signal to a holder whose file is opened for writing is SIGIO, which ends a process; this one is passed over.
    int result = (int)bk_result(fcntl(fd, F_SETSIG, SIGURG));
    return result < 0 ? result : (int)bk_result(fcntl(fd, F_SETLEASE, F_RDLCK));
}

int bk_dup_from(int fd, int lowest) { return (int)bk_result(fcntl(fd, F_DUPFD_CLOEXEC, lowest)); }

int bk_pipe_close_on_exec(int *ends) { return (int)bk_result(pipe2(ends, O_CLOEXEC)); }

int bk_memfd(const char *name) { return (int)bk_result(syscall(SYS_memfd_create, name, 1U /* MFD_CLOEXEC */)); }

int bk_lock_range(int fd, int64_t start, int64_t length, int wait) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return (int)bk_result(fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock));
}

int bk_unlock_range(int fd, int64_t start, int64_t length) {
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return (int)bk_result(fcntl(fd, F_OFD_SETLK, &lock));
}

int bk_lock_process(int fd, int32_t *holder) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int result = (int)bk_result(fcntl(fd, F_SETLK, &lock));
    if (result != -EAGAIN && result != -EACCES) return result;
    *holder = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? (int32_t)lock.l_pid : 0;
    return -EAGAIN;
}

int bk_fsync(int fd) { return (int)bk_result(fsync(fd)); }
