// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "attacks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void attack_got(const char *what) { printf("escaped: %s\n", what); }

void attack_must_not(const char *what, long result) {
    if (result >= 0) printf("escaped: %s\n", what);
}

void attack_must_be_refused(const char *what, long result) {
    if (result < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS)) return;
    if (result >= 0) {
        printf("escaped: %s\n", what);
    } else {
        printf("escaped: %s came past the question who asks: %s\n", what, strerror(errno));
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} attacks[] = {
    {"host-calls", attack_host_calls},   {"nested", attack_nested}, {"chroot", attack_chroot},
    {"terminal", attack_terminal},       {"starter", attack_starter}, {"abstract", attack_abstract},
    {"session-key", attack_session_key}, {"filtered", attack_filtered}, {"program", attack_program},
    {"exchange", attack_exchange},       {"host-programs", attack_host_programs},
};

__attribute__((constructor)) static void attack(void) {
    const char *name = getenv("BULKHEAD_ATTACK");
    if (!name) return;
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        if (strcmp(name, attacks[i].name)) continue;
        attacks[i].run();
        puts("end");
        fflush(stdout);
        _exit(0);
    }
    printf("there is no attack %s\n", name);
    fflush(stdout);
    _exit(2);
}
