// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_floor.h"
#include "bk_floor_start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_LIMITS 8
#define MOST_FILES 128

struct bk_floor {
    char *controllers, *limit_words, *file_words;
    const char *limit[MOST_LIMITS], *value[MOST_LIMITS], *file[MOST_FILES];
    int limits, files, kept_limits, kept_files;
    int limit_fd[MOST_LIMITS], file_fd[MOST_FILES];
    char buffer[65536];
};

static int words(char *text, const char **word, int most) {
    int count = 0;
    for (char *rest = NULL, *next = strtok_r(text, "\n", &rest); next; next = strtok_r(NULL, "\n", &rest)) {
        if (count == most) return -1;
        word[count++] = next;
    }
    return count;
}

struct bk_floor *bk_floor_new(const char *controllers, const char *limits, const char *files) {
    struct bk_floor *floor = calloc(1, sizeof *floor);
    if (!floor) return NULL;
    floor->controllers = strdup(controllers);
    floor->limit_words = strdup(limits);
    floor->file_words = strdup(files);
    if (floor->controllers && floor->limit_words && floor->file_words) {
        floor->limits = words(floor->limit_words, floor->limit, MOST_LIMITS);
        floor->files = words(floor->file_words, floor->file, MOST_FILES);
        int whole = floor->limits >= 0 && floor->files >= 0;
        for (int i = 0; whole && i < floor->limits; i++) {
            char *equals = strchr(floor->limit[i], '=');
            if (equals) *equals = 0, floor->value[i] = equals + 1;
            whole = equals != NULL;
        }
        if (whole) return floor;
    }
    bk_floor_free(floor);
    return NULL;
}

void bk_floor_free(struct bk_floor *floor) {
    for (int i = 0; i < floor->kept_limits; i++) close(floor->limit_fd[i]);
    for (int i = 0; i < floor->kept_files; i++) close(floor->file_fd[i]);
    free(floor->controllers);
    free(floor->limit_words);
    free(floor->file_words);
    free(floor);
}

static int write_file(int directory, const char *file, const char *text) {
    int fd = openat(directory, file, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int result = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return result;
}

static int read_file(struct bk_floor *floor, int directory, const char *file) {
    int fd = openat(directory, file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? 0 : -errno;
    int result = read(fd, floor->buffer, sizeof floor->buffer) < 0 && errno != EOPNOTSUPP ? -errno : 0;
    close(fd);
    return result;
}

int bk_floor_set(struct bk_floor *floor, int directory) {
    int result = 0;
    for (int i = 0; !result && i < floor->limits; i++) result = write_file(directory, floor->limit[i], floor->value[i]);
    return result;
}

// Since Linux 6.19 a cgroup may be busy for a moment longer than the process that was waited for.
static int remove_app(int pod, int app) {
    while (unlinkat(pod, "app", AT_REMOVEDIR) < 0) {
        if (errno != EBUSY) return -errno;
        char text[128];
        struct pollfd events = {.fd = openat(app, "cgroup.events", O_RDONLY | O_CLOEXEC), .events = POLLPRI};
        if (events.fd < 0) return -errno;
        ssize_t count = read(events.fd, text, sizeof text - 1);
        text[count > 0 ? count : 0] = 0;
        if (strstr(text, "populated 1")) poll(&events, 1, 5000);
        close(events.fd);
    }
    return 0;
}

int bk_floor_life(struct bk_floor *floor, int parent, const char *program, int null_fd) {
    int result = 0, app = -1, process = -1;
    if (mkdirat(parent, "pod", 0755) < 0) return -errno;
    int pod = openat(parent, "pod", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (pod < 0) return -errno;
    if (*floor->controllers) result = write_file(pod, "cgroup.subtree_control", floor->controllers);
    if (!result && mkdirat(pod, "app", 0755) < 0) result = -errno;
    if (!result && (app = openat(pod, "app", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) result = -errno;
    if (!result) result = bk_floor_set(floor, app);
    if (!result && program && (process = bk_floor_start(program, app, null_fd)) < 0) result = process;
    for (int i = 0; !result && i < floor->files; i++) result = read_file(floor, app, floor->file[i]);
    if (app >= 0 && !result) result = write_file(app, "cgroup.kill", "1");
    if (process >= 0) {
        siginfo_t info;
        while (waitid((idtype_t)3 /* P_PIDFD */, (id_t)process, &info, WEXITED) < 0 && errno == EINTR) {}
        close(process);
    }
    if (app >= 0) {
        int removed = remove_app(pod, app);
        if (!result) result = removed;
        close(app);
    }
    close(pod);
    if (unlinkat(parent, "pod", AT_REMOVEDIR) < 0 && !result) result = -errno;
    return result;
}

int bk_floor_open_limits(struct bk_floor *floor, int directory) {
    for (int i = floor->kept_limits; i < floor->limits; i++, floor->kept_limits++) {
        if ((floor->limit_fd[i] = openat(directory, floor->limit[i], O_WRONLY | O_CLOEXEC)) < 0) return -errno;
    }
    return floor->kept_limits;
}

int bk_floor_write(struct bk_floor *floor) {
    for (int i = 0; i < floor->kept_limits; i++) {
        if (write(floor->limit_fd[i], floor->value[i], strlen(floor->value[i])) < 0) return -errno;
    }
    return 0;
}

int bk_floor_open_files(struct bk_floor *floor, int directory) {
    for (int i = 0; i < floor->files; i++) {
        int fd = openat(directory, floor->file[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT) return -errno;
        if (fd >= 0) floor->file_fd[floor->kept_files++] = fd;
    }
    return floor->kept_files;
}

int bk_floor_read(struct bk_floor *floor) {
    for (int i = 0; i < floor->kept_files; i++) {
        if (pread(floor->file_fd[i], floor->buffer, sizeof floor->buffer, 0) < 0 && errno != EOPNOTSUPP) return -errno;
    }
    return 0;
}
