// SPDX-License-Identifier: Apache-2.0
//
// Files by descriptor. Every function is one system call and returns its result or -errno, so that no Swift reads the
// global errno. They are C because Swift's Glibc module shows neither openat2, statx, getdents64 nor the variadic
// fcntl, and because a call through syscall(2) does not tie the binary to the C library of the build host.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

struct bk_file_status {
    uint32_t mode, uid, gid, nlink;
    uint64_t inode, size, mount_id;
    uint32_t device_major, device_minor;
};

/// openat2(2), since Linux 5.6. A retry on EAGAIN (a rename raced with a scoped look-up) is the caller's.
int bk_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int bk_close(int fd);
int64_t bk_read(int fd, void *buffer, size_t size);
int64_t bk_pread(int fd, void *buffer, size_t size, int64_t offset);
/// lseek(2) SEEK_DATA (since Linux 3.1): where the next data is; -ENXIO when there is none.
int64_t bk_next_data(int fd, int64_t offset);
/// fallocate(2) FALLOC_FL_PUNCH_HOLE (since Linux 2.6.38) of what is before an offset: the file keeps its size.
int bk_free_before(int fd, int64_t offset);
/// lseek(2) to the start.
int bk_rewind(int fd);
int64_t bk_write(int fd, const void *buffer, size_t size);
int bk_mkdirat(int dirfd, const char *path, uint32_t mode);
int bk_unlinkat(int dirfd, const char *path, int flags);
int bk_renameat(int dirfd, const char *from, const char *to);
int64_t bk_readlinkat(int dirfd, const char *path, char *buffer, size_t size);
int64_t bk_getdents64(int fd, void *buffer, size_t size);
/// statx(2) of what the descriptor or path names; mount_id is 0 where the kernel does not tell (before 5.8).
int bk_statx(int dirfd, const char *path, int flags, struct bk_file_status *status);
/// The file system's magic number (fstatfs(2), f_type), or -errno.
int64_t bk_fstatfs_magic(int fd);
/// Takes a read lease (fcntl(2), F_SETLEASE): -EAGAIN when the file is open for writing. It ends with the descriptor.
int bk_lease_read(int fd);
int bk_dup_close_on_exec(int fd);
/// The same at a number of at least `lowest`; -EINVAL past RLIMIT_NOFILE.
int bk_dup_from(int fd, int lowest);
int bk_pipe_close_on_exec(int *_Nonnull ends);
int bk_memfd(const char *name);
/// An open file description lock (F_OFD_SETLK, since Linux 3.15) for writing on a byte range; -EAGAIN when it is held and
/// `wait` is false.
int bk_lock_range(int fd, int64_t start, int64_t length, int wait);
/// Gives it back, whoever else has the open file description.
int bk_unlock_range(int fd, int64_t start, int64_t length);
/// A lock for writing on the whole file that this process owns (F_SETLK), and no child of it; -EAGAIN and the holder's process
/// id (0: not visible here) when another has it. It ends with the process, or with any of its descriptors of the file.
int bk_lock_process(int fd, int32_t *_Nonnull holder);
/// fsync(2).
int bk_fsync(int fd);

#pragma clang assume_nonnull end
