// SPDX-License-Identifier: Apache-2.0
//
// The child's side of a launch. Nothing of Swift may run between clone3 and exec: the child may share the caller's
// memory (CLONE_VM) while the caller's other threads go on, so it may not touch thread-local storage, take a lock or
// allocate. The plan below is therefore complete before the call, and the child only reads it.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// What was being done when a call failed, in the order in which it is done. `index` tells more where it says so. Between
/// BK_STEP_CLONE and BK_STEP_RELEASE the caller works on the new process, which waits; from there on the child works.
enum bk_launch_step {
    BK_STEP_JOIN = 1,       ///< index: the entry of `joins`; before the child exists
    BK_STEP_CLONE,          ///< clone3, in the caller
    BK_STEP_RELEASE,        ///< waits until the caller has moved it, written the ID maps and raised what takes privilege
    BK_STEP_KEYRING,        ///< leaves the caller's session keyring
    BK_STEP_IDENTITY,       ///< becomes id 0 of its user namespace; index: setgroups, setresgid, setresuid
    BK_STEP_CGROUP_NAMESPACE,
    BK_STEP_HOST_NAME,
    BK_STEP_LOOPBACK,       ///< index: socket, ioctl
    BK_STEP_HOLD,           ///< holds its namespaces until the caller has taken descriptors of them
    BK_STEP_MOUNT,          ///< index: the entry of `mounts`
    BK_STEP_PIVOT_ROOT,     ///< index: which of its five calls
    BK_STEP_REAPER,         ///< the first process makes the second
    BK_STEP_TERMINAL,       ///< a pseudo-terminal of the new root's devpts; index: which of its calls
    BK_STEP_SESSION,
    BK_STEP_STREAMS,        ///< standard input, output and error; index: which
    BK_STEP_DESCRIPTORS,    ///< what is passed on purpose; index: the entry of `passed`. Then all others are closed
    BK_STEP_LIMITS,         ///< index: the entry of `limits`
    BK_STEP_BOUNDING,       ///< the bounding set, which takes a right that the next step may lose; index: the capability
    BK_STEP_USER,           ///< index: keep, setgroups, setresgid, setresuid
    BK_STEP_DIRECTORY,      ///< as the user
    BK_STEP_CAPABILITIES,   ///< index: the capability, or 64 for clearing the ambient set, 65 for capset
    BK_STEP_NO_NEW_PRIVILEGES,
    BK_STEP_PARENT_DEATH,
    BK_STEP_PAUSE,          ///< created; waits to be started
    BK_STEP_SECCOMP,
    BK_STEP_EXECUTE,        ///< index: the tried candidate, or -1 for the gate
};

/// One step of building the child's root. Paths in `target` are resolved beneath the new root, however its links point.
enum bk_mount_kind {
    BK_MOUNT_TREE,          ///< attach the detached tree `tree`
    BK_MOUNT_BIND,          ///< clone `source`, a path of the caller's file system, and attach it; without a source,
                            ///< the target itself, which so gets attributes of its own
    BK_MOUNT_NEW,           ///< a new file system of type `source` with `options`
    BK_MOUNT_LINK,          ///< a symbolic link with the text `source`
    BK_MOUNT_DIRECTORY,     ///< a directory
    BK_MOUNT_REMOUNT,       ///< change the mount at `target` to `attributes` (ro, nosuid, nodev, noexec)
};
enum bk_mount_flag {
    BK_MOUNT_RECURSIVE = 1,
    BK_MOUNT_MAKE_DIRECTORY = 2, ///< make missing directories of `target`
    BK_MOUNT_MAKE_FILE = 4,      ///< the target is a file: make it, and the directories above it
    BK_MOUNT_OPTIONAL = 8,       ///< a failure is reported and passed over
};

struct bk_launch_mount {
    uint32_t kind, flags;
    int32_t tree;
    uint64_t attributes;
    const char *_Nullable source;
    const char *target;
    /// "key=value" or "key", each ended by NUL, an empty one at the end.
    const char *_Nullable options;
};

enum bk_launch_flag {
    BK_LAUNCH_REAPER = 1,           ///< the first process stays as init: forwards signals, reaps, reports the end
    BK_LAUNCH_TERMINAL = 2,         ///< stdio is a new pseudo-terminal; its master comes back in a report
    BK_LAUNCH_LOOPBACK = 4,
    BK_LAUNCH_PARENT_DEATH = 8,     ///< SIGKILL when the calling *thread* ends
    BK_LAUNCH_NO_NEW_PRIVILEGES = 16,
    BK_LAUNCH_CAPABILITIES = 32,    ///< set the five sets below; otherwise they stay as the kernel made them
    BK_LAUNCH_IDENTITY = 64,        ///< take `uid`, `gid` and `groups`
    BK_LAUNCH_CGROUP_NAMESPACE = 128,
    BK_LAUNCH_ROOT = 256,           ///< mounts[0] is the new root: build it and pivot into it
    BK_LAUNCH_NO_SETGROUPS = 512,   ///< setgroups is denied in the namespace: leave the groups
    BK_LAUNCH_INSIDE = 1024,        ///< in a user namespace that is new or joined: begins as its id 0
    BK_LAUNCH_HOLD = 2048,          ///< makes namespaces for others to join, and executes nothing
    BK_LAUNCH_PAUSE = 4096,         ///< waits before the filter and the exec until it is started
    BK_LAUNCH_OWN_MEMORY = 8192,    ///< a copy of the caller's memory instead of sharing it until exec
    BK_LAUNCH_CLEAR_AMBIENT = 16384,///< no ambient capability of the caller's survives
    BK_LAUNCH_OWN_SESSION = 32768,  ///< with REAPER: the init too leaves the caller's session, and its terminal's signals
    BK_LAUNCH_OWN_KEYRING = 65536,  ///< leaves the caller's session keyring
};

/// A namespace to be born in. Those that the caller may enter come first, whatever their order here, then the user
/// namespace, then those that only its root may enter.
struct bk_launch_join {
    int32_t descriptor;
    uint64_t kind;                  ///< CLONE_NEW*, which the kernel compares
};

/// A descriptor for the command. `source` is above every `target`, so that none overwrites another's source.
struct bk_launch_passed {
    int32_t source, target;
};

struct bk_launch_limit {
    uint32_t resource;              ///< RLIMIT_*
    uint64_t soft, hard;
};

struct bk_launch_plan {
    uint64_t namespaces;            ///< CLONE_NEW* for clone3
    uint32_t flags;
    int32_t cgroup;                 ///< directory to be born in (CLONE_INTO_CGROUP), or -1
    const struct bk_launch_join *_Nullable joins;
    size_t join_count;
    int32_t channel;                ///< the child's end of a SOCK_SEQPACKET pair: released by it, reports on it
    int32_t caller_channel;         ///< the caller's end, held until exec; the child closes its copy
    int32_t outcome;                ///< with REAPER: where the end of the command is written, or -1
    int32_t streams[3];             ///< all at least 3
    const struct bk_launch_passed *_Nullable passed;
    size_t passed_count;
    /// Descriptors that stay open up to the exec, ascending: the channel, `program`, `gate`, `listener` and the passed
    /// ones' targets. All but the targets are close-on-exec.
    const int32_t *_Nullable kept;
    size_t kept_count;
    int32_t program;                ///< what is executed (execveat), or -1: then the candidates
    int32_t gate;                   ///< of bk_make_gate: executed before the command, and by the init; or -1
    /// With a gate: its mark, the candidates, an empty word, the arguments.
    const char *_Nullable const *_Nullable gate_words;
    int32_t listener;               ///< with PAUSE: a listening socket where anybody who can connect may start it, or -1
    const struct bk_launch_limit *_Nullable limits;
    size_t limit_count;
    int32_t umask;                  ///< or -1
    uint16_t columns, rows;         ///< of the terminal; 0 is unknown
    uint32_t uid, gid;
    const uint32_t *_Nullable groups;
    size_t group_count;
    uint64_t effective, permitted, bounding, inheritable, ambient;
    const struct bk_launch_mount *_Nullable mounts;
    size_t mount_count;
    const char *_Nullable host_name;
    const char *_Nullable directory;
    const void *_Nullable seccomp;  ///< struct sock_filter[]
    size_t seccomp_count;
    uint32_t seccomp_flags;         ///< SECCOMP_FILTER_FLAG_*
    /// Paths to try in turn, as a search of PATH does.
    const char *_Nullable const *_Nullable candidates;
    const char *_Nullable const *_Nullable arguments;
    const char *_Nullable const *_Nullable environment;
    /// A step that fails with an errno instead of being done, for tests; 0 for none.
    int32_t forced_step, forced_error;
};

/// What a start took that is not the usual way.
enum bk_launch_way {
    BK_WAY_OLD_CLONE = 1,           ///< clone(2): clone3 answers ENOSYS, as under older seccomp profiles
    BK_WAY_OUTSIDE = 2,             ///< not born in the cgroup: the caller has to move it there before the release
};

struct bk_launch_birth {
    int32_t pidfd;
    int32_t join;                   ///< the entry of `joins` that failed, or -1
    uint32_t ways;                  ///< of enum bk_launch_way
};

/// What the child tells before exec; a closed channel with no failure means that exec succeeded.
struct bk_launch_report {
    int32_t step;
    int32_t error;      ///< errno; 0 when `step` only hands over a descriptor (BK_STEP_TERMINAL)
    int32_t index;      ///< the mount entry, or the tried candidate
    int32_t passed_over;///< the step was optional and the child goes on
};

/// How the command ended, written by the reaper: code and status as in siginfo_t.
struct bk_launch_outcome {
    int32_t code, status;
};

/// clone3(2) (since Linux 5.3; CLONE_INTO_CGROUP 5.7) of a child that follows the plan; clone(2) where that is hidden.
/// Returns its pid and sets *birth, or -errno. The exit signal is 0. The plan, and `stack` (at least 192 KiB), must live
/// until the channel has ended.
int32_t bk_launch(const struct bk_launch_plan *plan, void *stack, size_t stack_size, struct bk_launch_birth *birth);

/// Makes what the child executes instead of going from the caller's program to the command, in a sealed file in memory
/// (memfd_create, since Linux 3.17): its descriptor, close-on-exec, or -errno. All but `gate` and `kept` of the plan is final.
int bk_make_gate(const struct bk_launch_plan *plan);

/// A SOCK_SEQPACKET socket pair, close-on-exec.
int bk_report_channel(int *_Nonnull ends);
/// Lets the child go on, once its ID maps are written; -EPIPE when it has died.
int bk_release(int channel);
/// Receives one report: 1 when there was one, 0 at the end, -errno. *descriptor is the one it carried, or -1.
int bk_receive_report(int channel, struct bk_launch_report *report, int *descriptor);

/// A listening SOCK_SEQPACKET socket at a path that does not exist yet, for its owner only. C for sockaddr_un.
int bk_listen(const char *path);
/// unlink(2) of its file.
int bk_remove_socket(const char *path);
/// Connects to one. The connection is a channel as above: it releases, and receives reports.
int bk_connect(const char *path);

/// Whether the caller's memory may be looked at by others of its ids (PR_GET_DUMPABLE, PR_SET_DUMPABLE). A child that
/// shares the memory takes this away for good with its first change of ids.
int bk_dumpable(void);
int bk_set_dumpable(int dumpable);

/// Starts a process of its own session that outlives the caller, whatever ends it: when the process of `caller_pidfd`
/// is gone it kills what lives in the cgroups `own` and removes them, in this order, then those of `groups` that are
/// empty. Both are lists of paths beneath the directory `root`, each ended by NUL, an empty one at the end. It keeps only
/// these descriptors and `keep` (or -1) open. Until *count says that so many of `own`, counted from the end, are indeed
/// the caller's, it kills in none of the others: a name may turn out to be somebody else's. *count is memory shared with
/// it, to be released by bk_dismiss_count. Returns its pid and sets *pidfd, or -errno.
int32_t bk_start_janitor(int caller_pidfd, int root, const char *own, const char *groups, int keep, int *pidfd,
                         int32_t *_Nullable *_Nonnull count);
void bk_dismiss_count(int32_t *count);

#pragma clang assume_nonnull end
