// SPDX-License-Identifier: Apache-2.0
//
// Files as block devices (loop(4)). C because ioctl is variadic, which Swift cannot call.
#pragma once
#include <stdint.h>

#pragma clang assume_nonnull begin

/// LOOP_CTL_GET_FREE of /dev/loop-control, since Linux 3.1: the number of a device that was free just now.
int bk_loop_free(int control);
/// LOOP_CONFIGURE, since Linux 5.8: the device shows the file, until nobody has it open or mounted any more
/// (LO_FLAGS_AUTOCLEAR). -EBUSY when another was faster.
int bk_loop_configure(int loop, int image);
/// BLKFLSBUF: writes what the kernel caches of a block device, and forgets it.
int bk_flush_device(int device);
/// posix_fadvise(2) POSIX_FADV_DONTNEED of a whole file: pages that are on the disk are forgotten.
int bk_forget_pages(int fd);
/// ftruncate(2).
int bk_set_length(int fd, int64_t length);

#pragma clang assume_nonnull end
