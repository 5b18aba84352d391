// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_program.h"
#include "bk_result.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static int argument_count;
static char **arguments, **variables;

#ifdef __GLIBC__
// glibc hands main's arguments to constructors; other C libraries do not.
__attribute__((constructor)) static void bk_keep_arguments(int count, char **values, char **environment) {
    argument_count = count;
    arguments = values;
    variables = environment;
}
#endif

int bk_argument_count(void) { return argument_count; }

const char *bk_argument(int index) { return arguments[index]; }

int bk_program_path(char *buffer, size_t size) {
    ssize_t length = readlink("/proc/self/exe", buffer, size);
    if (length > 0 && (size_t)length < size) {
        buffer[length] = 0;
        return (int)length;
    }
    const char *given = (const char *)getauxval(AT_EXECFN);
    char path[PATH_MAX];
    if (!given) return -ENOENT;
    if (!realpath(given, path)) return -errno;
    size_t needed = strlen(path);
    if (needed >= size) return -ERANGE;
    memcpy(buffer, path, needed + 1);
    return (int)needed;
}

int bk_execute_instead(const char *path) {
    if (!arguments) return -ENOSYS;
    execve(path, arguments, variables);
    return -errno;
}
