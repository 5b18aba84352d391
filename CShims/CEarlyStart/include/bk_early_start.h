// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs by itself before Swift starts, in the program that is linked with it: where /proc is not mounted, it tells Swift's
/// runtime where that lies (the variable SWIFT_ROOT). Linked statically the runtime asks /proc/self/exe, for the program that
/// prints backtraces, and ends the process when it gets no answer.
void bk_start_without_proc(void);
