// SPDX-License-Identifier: Apache-2.0
//
// A process with given ids that acts on files and tells what it saw: for tests of what the kernel does with ID-mapped
// mounts. It is C because it is a copy of a process with threads, in which no Swift may run.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum bt_act {
    BT_STAT, BT_CREATE_FILE, BT_CREATE_DIRECTORY, BT_CREATE_LINK, BT_CREATE_FIFO, BT_CREATE_DEVICE, BT_CREATE_WHITEOUT,
    BT_CREATE_NAMELESS, BT_CHOWN, BT_CHMOD, BT_TRUNCATE, BT_TOUCH, BT_READ, BT_WRITE, BT_READ_WRITE, BT_APPEND, BT_EXECUTE,
    BT_GET_ATTRIBUTE, BT_SET_ATTRIBUTE, BT_UNLINK, BT_RENAME, BT_LINK, BT_RENAME_ACROSS, BT_LINK_ACROSS,
    // What asks for privilege, on no file: a clone of the root, and an ID map on it by the own user namespace.
    BT_CLONE, BT_CLONE_AND_MAP,
};

/// One act and what came of it. Paths are relative to the root of a mount, given by its descriptor.
struct bt_row {
    int32_t act;
    int32_t mount;
    /// The same files through another mount, for acts across two.
    int32_t other_mount;
    char path[80], other_path[80], attribute[40];
    uint32_t mode, uid, gid;
    /// Of an attribute: its value, to set or as read. Of a program: what it wrote.
    uint8_t value[256];
    int64_t value_size;
    /// 0, or the errno.
    int32_t error;
    /// The file as it is seen afterwards.
    uint32_t seen_uid, seen_gid, seen_mode;
};

/// Who acts.
struct bt_actor {
    /// -1 for the caller's.
    int32_t user_namespace;
    uint32_t uid, gid;
    uint32_t groups[8];
    uint32_t group_count;
};

/// Starts an actor in a mount namespace of its own, attaches the mounts there at a folder (NULL: leaves them detached),
/// lets it do all the rows, and waits for its end. 0, or the errno of the step that failed.
int bt_act(
    const struct bt_actor *actor, const int *mounts, size_t mount_count, const char *_Nullable folder,
    struct bt_row *rows, size_t row_count);

/// A program that writes its effective uid and gid and its effective capabilities (32 bits each) to standard output;
/// its size, or 0 on an architecture for which there is none.
size_t bt_program(uint8_t *buffer, size_t capacity);

/// mount_setattr(2) with a structure of any size.
int bt_mount_setattr(int tree, const void *attributes, size_t size);
/// lsetxattr(2) and lgetxattr(2), which Swift's Glibc module does not show: 0 or the size, or -errno.
int bt_set_attribute(const char *path, const char *name, const void *_Nullable value, size_t size);
int64_t bt_get_attribute(const char *path, const char *name, void *_Nullable value, size_t size);

#pragma clang assume_nonnull end
