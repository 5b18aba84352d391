// SPDX-License-Identifier: Apache-2.0
//
// Terminals. C because ioctl is variadic and Swift's Glibc module shows no variadic function.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Copies the window size of one terminal to another (TIOCGWINSZ, TIOCSWINSZ).
int bk_copy_window_size(int from, int to);
/// The columns and rows of a terminal (TIOCGWINSZ).
int bk_window_size(int fd, uint16_t *columns, uint16_t *rows);
/// Gives a terminal columns and rows (TIOCSWINSZ).
int bk_set_window_size(int fd, uint16_t columns, uint16_t rows);
/// Switches a terminal to raw mode and saves what it was in `saved` (at least bk_terminal_state_size bytes).
int bk_make_raw(int fd, void *saved);
/// Gives a terminal back what `saved` holds.
int bk_restore_terminal(int fd, const void *saved);
size_t bk_terminal_state_size(void);
int bk_is_terminal(int fd);
int bk_set_non_blocking(int fd);

#pragma clang assume_nonnull end
