// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "bk_terminal.h"
#include "bk_result.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

int bk_copy_window_size(int from, int to) {
    struct winsize size;
    int64_t r = bk_result(ioctl(from, TIOCGWINSZ, &size));
    return r < 0 ? (int)r : (int)bk_result(ioctl(to, TIOCSWINSZ, &size));
}

int bk_window_size(int fd, uint16_t *columns, uint16_t *rows) {
    struct winsize size;
    int64_t r = bk_result(ioctl(fd, TIOCGWINSZ, &size));
    if (r < 0) return (int)r;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return 0;
}

int bk_set_window_size(int fd, uint16_t columns, uint16_t rows) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return (int)bk_result(ioctl(fd, TIOCSWINSZ, &size));
}

int bk_make_raw(int fd, void *saved) {
    struct termios raw;
    int64_t r = bk_result(tcgetattr(fd, saved));
    if (r < 0) return (int)r;
    raw = *(struct termios *)saved;
    cfmakeraw(&raw);
    return (int)bk_result(tcsetattr(fd, TCSADRAIN, &raw));
}

int bk_restore_terminal(int fd, const void *saved) { return (int)bk_result(tcsetattr(fd, TCSADRAIN, saved)); }

size_t bk_terminal_state_size(void) { return sizeof(struct termios); }

int bk_is_terminal(int fd) { return isatty(fd); }

int bk_set_non_blocking(int fd) {
    int64_t flags = bk_result(fcntl(fd, F_GETFL));
    return flags < 0 ? (int)flags : (int)bk_result(fcntl(fd, F_SETFL, (int)flags | O_NONBLOCK));
}
