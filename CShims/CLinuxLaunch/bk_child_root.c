// SPDX-License-Identifier: Apache-2.0
//
// The child builds its root. It is in a mount namespace of its own, so whatever happens here ends with it. Every target
// is resolved beneath the new root by openat2, whose links the image's author may have pointed anywhere.
#define _GNU_SOURCE
#include "bk_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#define TREE_CLONE 1
#define EMPTY_PATH 0x1000
#define RECURSIVE 0x8000
#define FSCONFIG_FLAG 0
#define FSCONFIG_STRING 1
#define FSCONFIG_CREATE 6
#define MOVE_EMPTY_TO_EMPTY (0x04 | 0x40) // MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
#define PATH_LENGTH 4096

// Resolves `path` as if `root` were "/"; no magic link is followed.
BK_CHILD long open_in_root(int root, const char *path, uint64_t flags, uint64_t mode) {
    struct open_how how = {
        .flags = flags | O_CLOEXEC, .mode = mode, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    long result = -EAGAIN;
    for (int attempt = 0; attempt < 32 && (result == -EAGAIN || result == -EINTR); attempt++)
        result = bk_raw(SYS_openat2, root, path, &how, sizeof how);
    return result;
}

BK_CHILD int same_text(const char *one, const char *other) {
    while (*one && *one == *other) one++, other++;
    return *one == *other;
}

// Where a target is looked for. What covers or locks parts of a /proc that was mounted here is attached in that very mount:
// on its path, somebody who shares the image may by now have put a directory of his own, and left /proc uncovered.
BK_CHILD int place_of(const struct bk_child *child, const char **path) {
    for (int i = 0; i < child->held_count; i++) {
        size_t length = 0;
        while (child->held[i].target[length] && (*path)[length] == child->held[i].target[length]) length++;
        if (child->held[i].target[length] || (*path)[length] != '/') continue;
        *path += length;
        return child->held[i].mount;
    }
    return child->root;
}

// Makes the directories that `path` lacks, up to its last part or including it.
BK_CHILD long make_directories(int root, const char *path, int including_last) {
    char prefix[PATH_LENGTH];
    size_t end = 0;
    for (;;) {
        size_t start = end;
        while (path[start] == '/') start++;
        if (!path[start]) return 0;
        size_t stop = start;
        while (path[stop] && path[stop] != '/') stop++;
        size_t rest = stop;
        while (path[rest] == '/') rest++;
        if (!path[rest] && !including_last) return 0;
        if (stop + 1 > sizeof prefix) return -ENAMETOOLONG;

        long present = 0;
        for (size_t i = 0; i < stop; i++) prefix[i] = path[i];
        prefix[stop] = 0;
        present = open_in_root(root, prefix, O_PATH, 0);
        if (present >= 0) {
            bk_raw(SYS_close, present);
        } else if (present == -ENOENT) {
            // mkdirat takes no resolve flags: hold the parent, make one plain name in it.
            prefix[start] = 0;
            long parent = start == 0 ? open_in_root(root, "/", O_PATH | O_DIRECTORY, 0)
                                     : open_in_root(root, prefix, O_PATH | O_DIRECTORY, 0);
            if (parent < 0) return parent;
            for (size_t i = start; i < stop; i++) prefix[i] = path[i];
            long made = bk_raw(SYS_mkdirat, parent, prefix + start, 0755);
            bk_raw(SYS_close, parent);
            if (made < 0 && made != -EEXIST) return made;
        } else {
            return present;
        }
        end = stop;
    }
}

BK_CHILD long open_parent(int root, const char *path, const char **name) {
    char parent[PATH_LENGTH];
    size_t length = 0, slash = 0;
    while (path[length]) {
        if (path[length] == '/') slash = length;
        length++;
    }
    if (slash + 1 > sizeof parent) return -ENAMETOOLONG;
    for (size_t i = 0; i < slash; i++) parent[i] = path[i];
    parent[slash] = 0;
    *name = path + slash + (path[slash] == '/');
    return open_in_root(root, slash == 0 ? "/" : parent, O_PATH | O_DIRECTORY, 0);
}

BK_CHILD long open_target(const struct bk_child *child, const struct bk_launch_mount *mount) {
    const char *path = mount->target;
    // A volume goes where its path leads in the end, past what was mounted there before.
    int root = mount->kind == BK_MOUNT_TREE ? child->root : place_of(child, &path);
    if (mount->flags & (BK_MOUNT_MAKE_DIRECTORY | BK_MOUNT_MAKE_FILE)) {
        long made = make_directories(root, path, !(mount->flags & BK_MOUNT_MAKE_FILE));
        if (made < 0) return made;
    }
    long target = open_in_root(root, path, O_PATH, 0);
    if (target == -ENOENT && mount->flags & BK_MOUNT_MAKE_FILE) {
        const char *name;
        long parent = open_parent(root, path, &name);
        if (parent < 0) return parent;
        struct open_how how = {
            .flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, .mode = 0644,
            .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
        };
        long file = bk_raw(SYS_openat2, parent, name, &how, sizeof how);
        bk_raw(SYS_close, parent);
        if (file < 0 && file != -EEXIST) return file;
        if (file >= 0) bk_raw(SYS_close, file);
        target = open_in_root(root, path, O_PATH, 0);
    }
    return target;
}

BK_CHILD long new_file_system(const struct bk_launch_mount *mount) {
    long context = bk_raw(SYS_fsopen, mount->source, 1 /* FSOPEN_CLOEXEC */);
    if (context < 0) return context;
    // Without a source, the mount table shows "none".
    long result = bk_raw(SYS_fsconfig, context, FSCONFIG_STRING, "source", mount->source, 0);
    char key[64];
    for (const char *option = mount->options; option && *option;) {
        size_t length = 0, equals = 0;
        while (option[length]) {
            if (option[length] == '=' && !equals) equals = length;
            length++;
        }
        size_t size = equals ? equals : length;
        if (size >= sizeof key) return -EINVAL;
        for (size_t i = 0; i < size; i++) key[i] = option[i];
        key[size] = 0;
        result = bk_raw(SYS_fsconfig, context, equals ? FSCONFIG_STRING : FSCONFIG_FLAG, key,
                        equals ? option + equals + 1 : NULL, 0);
        if (result < 0) break;
        option += length + 1;
    }
    if (result >= 0) result = bk_raw(SYS_fsconfig, context, FSCONFIG_CREATE, NULL, NULL, 0);
    if (result >= 0) result = bk_raw(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, mount->attributes);
    bk_raw(SYS_close, context);
    return result;
}

BK_CHILD long clone_source(const struct bk_child *child, const struct bk_launch_mount *mount) {
    int recursive = mount->flags & BK_MOUNT_RECURSIVE ? RECURSIVE : 0;
    long tree;
    if (mount->source) {
        tree = bk_raw(SYS_open_tree, AT_FDCWD, mount->source, TREE_CLONE | O_CLOEXEC | recursive);
    } else {
        const char *path = mount->target;
        int root = place_of(child, &path);
        long target = open_in_root(root, path, O_PATH, 0);
        if (target < 0) return target;
        tree = bk_raw(SYS_open_tree, target, "", TREE_CLONE | O_CLOEXEC | EMPTY_PATH | recursive);
        bk_raw(SYS_close, target);
    }
    if (tree < 0 || !mount->attributes) return tree;
    struct { uint64_t set, clear, propagation, user_namespace; } attributes = {
        mount->attributes, 0, MS_PRIVATE, 0,
    };
    long result = bk_raw(SYS_mount_setattr, tree, "", EMPTY_PATH | recursive, &attributes, sizeof attributes);
    if (result < 0) {
        bk_raw(SYS_close, tree);
        return result;
    }
    return tree;
}

// The mount at `target` as mount(2) sees it: through the descriptor, because a path would be resolved again.
BK_CHILD long remount(int target, uint64_t attributes) {
    char path[32] = "/proc/self/fd/";
    char digits[12];
    int count = 0, at = 14;
    for (int number = target; number || !count; number /= 10) digits[count++] = (char)('0' + number % 10);
    while (count) path[at++] = digits[--count];
    path[at] = 0;
    // MOUNT_ATTR_{RDONLY,NOSUID,NODEV,NOEXEC} have the values of MS_{RDONLY,NOSUID,NODEV,NOEXEC}.
    return bk_raw(SYS_mount, NULL, path, NULL, MS_REMOUNT | MS_BIND | (attributes & 0xf), NULL);
}

BK_CHILD long attach(struct bk_child *child, const struct bk_launch_mount *mount, long tree) {
    if (tree < 0) return tree;
    long target;
    if (child->root < 0) {
        // The root itself: on top of the present one, which pivot_root then takes away from under it.
        target = bk_raw(SYS_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    } else {
        target = open_target(child, mount);
    }
    if (target < 0) return target;
    long result = bk_raw(SYS_move_mount, tree, "", target, "", MOVE_EMPTY_TO_EMPTY);
    bk_raw(SYS_close, target);
    return result;
}

BK_CHILD long perform(struct bk_child *child, const struct bk_launch_mount *mount) {
    long tree = -1, result, target;
    const char *name, *path = mount->target;
    int root;
    switch (mount->kind) {
    case BK_MOUNT_TREE: return attach(child, mount, mount->tree);
    case BK_MOUNT_BIND: tree = clone_source(child, mount); break;
    case BK_MOUNT_NEW: tree = new_file_system(mount); break;
    case BK_MOUNT_LINK:
        target = open_parent(child->root, mount->target, &name);
        if (target < 0) return target;
        result = bk_raw(SYS_symlinkat, mount->source, target, name);
        bk_raw(SYS_close, target);
        return result == -EEXIST ? 0 : result;
    case BK_MOUNT_DIRECTORY: return make_directories(child->root, mount->target, 1);
    case BK_MOUNT_REMOUNT:
        root = place_of(child, &path);
        target = open_in_root(root, path, O_PATH, 0);
        if (target < 0) return target;
        result = remount((int)target, mount->attributes);
        bk_raw(SYS_close, target);
        return result;
    default: return -EINVAL;
    }
    result = attach(child, mount, tree);
    if (tree >= 0 && child->root < 0 && result >= 0) return tree; // kept: the new root
    if (result >= 0 && mount->kind == BK_MOUNT_NEW && child->held_count < 2 &&
        (same_text(mount->source, "proc") || same_text(mount->source, "sysfs"))) {
        child->held[child->held_count].mount = (int)tree;
        child->held[child->held_count++].target = mount->target;
        return result;
    }
    if (tree >= 0) bk_raw(SYS_close, tree);
    return result;
}

BK_CHILD_SHARED void bk_child_build_root(struct bk_child *child) {
    const struct bk_launch_plan *plan = child->plan;
    bk_child_enter(child, BK_STEP_PIVOT_ROOT);
    // Nothing mounted here may show on the host, nor the other way round.
    long result = bk_raw(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (result < 0) bk_child_fail(child, BK_STEP_PIVOT_ROOT, result, 0);

    bk_child_enter(child, BK_STEP_MOUNT);
    bk_raw(SYS_umask, 0);
    for (size_t i = 0; i < plan->mount_count; i++) {
        const struct bk_launch_mount *mount = &plan->mounts[i];
        result = perform(child, mount);
        if (result < 0) {
            if (!(mount->flags & BK_MOUNT_OPTIONAL)) bk_child_fail(child, BK_STEP_MOUNT, result, (int)i);
            bk_child_passed_over(child, BK_STEP_MOUNT, result, (int)i);
        } else if (i == 0) {
            child->root = mount->kind == BK_MOUNT_TREE ? mount->tree : (int)result;
        }
    }

    // pivot_root(".", "."): the old root comes to lie on top of the new one, and is then taken away with all its mounts.
    result = bk_raw(SYS_fchdir, child->root);
    if (result < 0) bk_child_fail(child, BK_STEP_PIVOT_ROOT, result, 1);
    result = bk_raw(SYS_pivot_root, ".", ".");
    if (result < 0) bk_child_fail(child, BK_STEP_PIVOT_ROOT, result, 2);
    result = bk_raw(SYS_umount2, ".", MNT_DETACH);
    if (result < 0) bk_child_fail(child, BK_STEP_PIVOT_ROOT, result, 3);
    result = bk_raw(SYS_chdir, "/");
    if (result < 0) bk_child_fail(child, BK_STEP_PIVOT_ROOT, result, 4);
    bk_raw(SYS_umask, 022);
}
