// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_loop.h"
#include "bk_result.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

int bk_loop_free(int control) { return (int)bk_result(ioctl(control, LOOP_CTL_GET_FREE)); }

int bk_loop_configure(int loop, int image) {
    struct loop_config config = {.fd = (uint32_t)image, .info.lo_flags = LO_FLAGS_AUTOCLEAR};
    return (int)bk_result(ioctl(loop, LOOP_CONFIGURE, &config));
}

int bk_flush_device(int device) { return (int)bk_result(ioctl(device, BLKFLSBUF, 0)); }

// Unlike its neighbours it returns the error.
int bk_forget_pages(int fd) { return -posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); }

int bk_set_length(int fd, int64_t length) { return (int)bk_result(ftruncate(fd, length)); }
