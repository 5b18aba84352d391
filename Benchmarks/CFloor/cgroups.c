// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CFloor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_file(int directory, const char *file, const char *text) {
    int fd = openat(directory, file, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int result = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return result;
}

static int read_file(int directory, const char *file) {
    char buffer[4096];
    int fd = openat(directory, file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? 0 : -errno;
    int result = read(fd, buffer, sizeof buffer) < 0 && errno != EOPNOTSUPP ? -errno : 0;
    close(fd);
    return result;
}

int floor_cgroup(int parent, const char *controllers) {
    int result = 0, app = -1;
    if (mkdirat(parent, "pod", 0755) < 0) return -errno;
    int pod = openat(parent, "pod", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (pod < 0) return -errno;
    if (*controllers) result = write_file(pod, "cgroup.subtree_control", controllers);
    if (!result && mkdirat(pod, "app", 0755) < 0) result = -errno;
    if (!result && (app = openat(pod, "app", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) result = -errno;
    for (int limit = 0; !result && limit < 5; limit++) result = write_file(app, "cgroup.freeze", "0");
    static const char *const status[] = {"cpu.stat", "cpu.pressure", "memory.pressure", "io.pressure"};
    for (int file = 0; !result && file < 4; file++) result = read_file(app, status[file]);
    if (!result) result = write_file(app, "cgroup.kill", "1");
    if (app >= 0) close(app);
    if (unlinkat(pod, "app", AT_REMOVEDIR) < 0 && !result) result = -errno;
    close(pod);
    if (unlinkat(parent, "pod", AT_REMOVEDIR) < 0 && !result) result = -errno;
    return result;
}
