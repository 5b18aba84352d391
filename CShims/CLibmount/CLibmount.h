// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <errno.h>
#include <libmount/libmount.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

// libmount passes over a line that it does not understand, unless this tells it to stop; it remembers the line.
static inline int bk_mnt_refuse_line(struct libmnt_table *table, const char *file, int line) {
    (void)file;
    int *refused = mnt_table_get_userdata(table);
    if (refused) *refused = line;
    return -EINVAL;
}

// Parses a mount table's text. Answers 0 or -errno, and in *line the line that is at fault, or 0. In C because a stream
// and a callback are needed, and errno is read.
static inline int bk_mnt_parse(struct libmnt_table *table, const char *text, size_t size, int *line) {
    *line = 0;
    if (size == 0) return 0;  // fmemopen refuses it
    FILE *stream = fmemopen((void *)(uintptr_t)text, size, "r");
    if (!stream) return -errno;
    mnt_table_set_userdata(table, line);
    mnt_table_set_parser_errcb(table, bk_mnt_refuse_line);
    int result = mnt_table_parse_stream(table, stream, "mountinfo");
    mnt_table_set_userdata(table, NULL);
    fclose(stream);
    return result;
}

// The two halves of a mount's device number: in the C library they are macros.
static inline uint32_t bk_mnt_major(struct libmnt_fs *mount) { return major(mnt_fs_get_devno(mount)); }
static inline uint32_t bk_mnt_minor(struct libmnt_fs *mount) { return minor(mnt_fs_get_devno(mount)); }
