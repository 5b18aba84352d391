// SPDX-License-Identifier: Apache-2.0
//
// What a hostile program tries that no shell can. The tests' own program does it, before its main, when the variable
// BULKHEAD_ATTACK names one of the attacks: so there is no further program to be built and brought into a guest.
// Each prints "escaped: WHAT" for what it got through, and at the end "end".
#pragma once

#pragma clang assume_nonnull begin

/// Something was got through.
void attack_got(const char *what);
/// The call must not succeed.
void attack_must_not(const char *what, long result);
/// The call must fail because of who asks, or because there is no such call: not for a later reason.
void attack_must_be_refused(const char *what, long result);

/// Calls that rule the whole host.
void attack_host_calls(void);
/// The same in a user namespace of its own, with all capabilities in there.
void attack_nested(void);
/// chroot twice, and out by a descriptor of before.
void attack_chroot(void);
/// The terminal on standard input: typing into it, taking it.
void attack_terminal(void);
/// The processes whose numbers BULKHEAD_VICTIMS holds.
void attack_starter(void);
/// The abstract socket that BULKHEAD_SOCKET names.
void attack_abstract(void);
/// A key "bulkhead-secret" in the starter's session keyring.
void attack_session_key(void);
/// Calls around a filter or to a part of the kernel that a command has no business with.
void attack_filtered(void);
/// The program it runs as, which is its starter's.
void attack_program(void);
/// The file of the starter's program, which BULKHEAD_PROGRAM names, by way of every other process it sees.
void attack_host_programs(void);
/// No attack: exchanges the paths in BULKHEAD_ONE and BULKHEAD_OTHER for each other, until it is killed.
void attack_exchange(void);

// What the victims' side needs and Swift cannot call.

/// Puts a key "bulkhead-secret" into a new session keyring of the calling thread; -1 where the kernel has no keys.
long attack_plant_key(void);
/// Listens on an abstract socket: its descriptor.
int attack_listen(const char *name);
/// Makes all capabilities of the calling thread inheritable, and ambient.
int attack_inherit_all(void);
/// PR_GET_DUMPABLE
int attack_dumpable(void);

#pragma clang assume_nonnull end
