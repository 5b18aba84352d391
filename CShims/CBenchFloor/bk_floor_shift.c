// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_floor_shift.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

static int64_t shift_one(int directory, const char *name, uint32_t from, uint32_t to, uint32_t count) {
    struct statx x;
    if (syscall(SYS_statx, directory, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_BASIC_STATS, &x)) return -errno;
    uint32_t uid = x.stx_uid - from < count ? x.stx_uid - from + to : x.stx_uid;
    uint32_t gid = x.stx_gid - from < count ? x.stx_gid - from + to : x.stx_gid;
    if (uid == x.stx_uid && gid == x.stx_gid) return 0;
    return fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ? -errno : 1;
}

int64_t bk_floor_shift(int directory, uint32_t from, uint32_t to, uint32_t count) {
    char *buffer = malloc(32768);
    if (!buffer) return -ENOMEM;
    int64_t changes = 0, r = 0;
    long size;
    while (r >= 0 && (size = syscall(SYS_getdents64, directory, buffer, 32768)) > 0) {
        for (long at = 0; at < size && r >= 0;) {
            struct entry *entry = (struct entry *)(buffer + at);
            at += entry->length;
            if (!strcmp(entry->name, ".") || !strcmp(entry->name, "..")) continue;
            r = shift_one(directory, entry->name, from, to, count);
            if (r > 0) changes += r;
            if (r < 0 || entry->type != 4 /* DT_DIR */) continue;
            int inner = openat(directory, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (inner < 0) { r = -errno; continue; }
            r = bk_floor_shift(inner, from, to, count);
            if (r > 0) changes += r;
            close(inner);
        }
    }
    if (r >= 0 && size < 0) r = -errno;
    free(buffer);
    return r < 0 ? r : changes;
}
